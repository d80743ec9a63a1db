"""The embedded upstream's format: what the provider's API sends and takes. Yours to edit.

tests/conformance/ plays the upstream with it. Keep it in step with transformation.py: it is the other side
of the same translation. Here the API speaks OpenAI chat completions.

`python -m tests.upstream 8081` runs it by hand.
"""

from __future__ import annotations

import json
import sys
import threading
from collections.abc import Iterator
from typing import Any

from .conformance.server import Refusal, Reply, ToolCall, Upstream

CREATED = 1_700_000_000


class UpstreamFormat:
    """OpenAI chat completions, from the server's side."""

    def read(self, body: Any) -> dict[str, Any]:
        """Returns a request body as OpenAI's chat completions would have it."""
        return dict(body)

    def answer(self, reply: Reply, model: str) -> dict[str, Any]:
        """Returns the body of an answer that is not streamed."""
        message: dict[str, Any] = {"role": "assistant", "content": "".join(reply.text) or None}
        if reply.reasoning:
            message["reasoning_content"] = "".join(reply.reasoning)
        if reply.tool_calls:
            message["tool_calls"] = [_tool_call(call, "".join(call.arguments)) for call in reply.tool_calls]
        choice = {"index": 0, "message": message, "finish_reason": _finish_reason(reply)}
        return {**_envelope(reply, model, "chat.completion"), "choices": [choice], "usage": _usage(reply)}

    def events(self, reply: Reply, model: str) -> Iterator[str]:
        """Yields the data of each event of a streamed answer."""

        def chunk(delta: dict[str, Any], finish_reason: str | None = None) -> str:
            choice = {"index": 0, "delta": delta, "finish_reason": finish_reason}
            envelope = _envelope(reply, model, "chat.completion.chunk")
            return json.dumps({**envelope, "choices": [choice]}, ensure_ascii=False)

        yield chunk({"role": "assistant", "content": ""})
        for piece in reply.reasoning:
            yield chunk({"reasoning_content": piece})
        for piece in reply.text:
            yield chunk({"content": piece})
        for index, call, piece, first in _pieces(reply):
            function = {"name": call.name, "arguments": piece} if first else {"arguments": piece}
            delta = {"index": index, "function": function}
            yield chunk({"tool_calls": [{**delta, "id": call.id, "type": "function"} if first else delta]})
        yield chunk({}, _finish_reason(reply))
        usage = {**_envelope(reply, model, "chat.completion.chunk"), "choices": [], "usage": _usage(reply)}
        yield json.dumps(usage)
        yield "[DONE]"

    def refusal(self, refusal: Refusal) -> dict[str, Any]:
        """Returns the body of an error."""
        return {"error": {"message": refusal.message, "type": refusal.code, "code": refusal.code, "param": None}}

    def error_event(self, refusal: Refusal) -> str:
        """Returns the data of an event that reports an error inside a stream."""
        return json.dumps(self.refusal(refusal))


def _pieces(reply: Reply) -> Iterator[tuple[int, ToolCall, str, bool]]:
    """Yields index, call, piece of arguments and whether it is the call's first, in streaming order."""
    pieces = [
        (number if reply.interleaved else 0, index, call, piece, number == 0)
        for index, call in enumerate(reply.tool_calls)
        for number, piece in enumerate(call.arguments)
    ]
    for _, index, call, piece, first in sorted(pieces, key=lambda item: item[0]):
        yield index, call, piece, first


def _tool_call(call: ToolCall, arguments: str) -> dict[str, Any]:
    return {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": arguments}}


def _finish_reason(reply: Reply) -> str:
    return reply.finish_reason or ("tool_calls" if reply.tool_calls else "stop")


def _envelope(reply: Reply, model: str, kind: str) -> dict[str, Any]:
    return {"id": reply.id, "object": kind, "created": CREATED, "model": model}


def _usage(reply: Reply) -> dict[str, Any]:
    total = reply.prompt_tokens + reply.completion_tokens
    cached = {"prompt_tokens_details": {"cached_tokens": reply.cached_tokens}} if reply.cached_tokens else {}
    return {
        **cached,
        "prompt_tokens": reply.prompt_tokens,
        "completion_tokens": reply.completion_tokens,
        "total_tokens": total,
    }


if __name__ == "__main__":
    with Upstream(UpstreamFormat(), port=int(sys.argv[1]) if len(sys.argv) > 1 else 8081) as server:
        sys.stdout.write(f"The embedded upstream listens on {server.url}; Ctrl-C ends it.\n")
        sys.stdout.flush()
        threading.Event().wait()

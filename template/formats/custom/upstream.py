"""The embedded upstream's format: what the provider's API sends and takes. Yours to edit.

tests/conformance/ plays the upstream with it. Keep it in step with transformation.py: it is the other side
of the same translation, for the imaginary API that is described there.

`python -m tests.upstream 8081` runs it by hand.
"""

from __future__ import annotations

import json
import sys
import threading
from collections.abc import Iterator, Mapping
from typing import Any

from .conformance.server import Refusal, Reply, ToolCall, Upstream

OPENAI_NAMES = {
    "effort": "reasoning_effort",
    "end_user": "user",
    "max_length": "max_tokens",
    "nucleus": "top_p",
    "randomness": "temperature",
    "seed": "seed",
    "stop_at": "stop",
}
ENDED = {"stop": "complete", "tool_calls": "calls", "length": "length", "content_filter": "filtered"}
KINDS = {
    "content_policy_violation": "refused",
    "context_length_exceeded": "prompt_too_long",
    "invalid_api_key": "unknown_key",
    "overloaded_error": "overloaded",
    "rate_limit_exceeded": "slow_down",
}


class UpstreamFormat:
    """The imaginary API, from the server's side."""

    def read(self, body: Any) -> dict[str, Any]:
        """Returns a request body as OpenAI's chat completions would have it."""
        messages = [message for turn in body["turns"] for message in _messages(turn)]
        if "system" in body:
            messages.insert(0, {"role": "system", "content": body["system"]})
        asked = {OPENAI_NAMES[name]: value for name, value in body.get("options", {}).items()}
        asked |= {"model": body["model"], "messages": messages, "stream": body.get("stream", False)}
        if "tools" in body:
            asked["tools"] = [_tool(tool) for tool in body["tools"]]
        if "tool_use" in body:
            use = body["tool_use"]
            asked["tool_choice"] = (
                use if isinstance(use, str) else {"type": "function", "function": {"name": use["only"]}}
            )
        if "tools_in_parallel" in body:
            asked["parallel_tool_calls"] = body["tools_in_parallel"]
        if "output" in body:
            output = body["output"]
            asked["response_format"] = (
                {"type": "json_object"} if output == "json" else {"type": "json_schema", "json_schema": output}
            )
        return asked

    def answer(self, reply: Reply, model: str) -> dict[str, Any]:
        """Returns the body of an answer that is not streamed."""
        output: list[dict[str, Any]] = []
        if reply.reasoning:
            output.append({"thought": "".join(reply.reasoning)})
        if reply.text:
            output.append({"text": "".join(reply.text)})
        for call in reply.tool_calls:
            output.append({"call": {"id": call.id, "name": call.name, "args": json.loads("".join(call.arguments))}})
        return {"id": reply.id, "output": output, "ended": _ended(reply), "tokens": _tokens(reply)}

    def events(self, reply: Reply, model: str) -> Iterator[str]:
        """Yields the data of each event of a streamed answer."""
        yield _event("start", id=reply.id)
        for piece in reply.reasoning:
            yield _event("thought", text=piece)
        for piece in reply.text:
            yield _event("text", text=piece)
        for slot, call, piece, first in _pieces(reply):
            head = {"id": call.id, "name": call.name} if first else {}
            yield _event("call", slot=slot, args=piece, **head)
        yield _event("end", ended=_ended(reply), tokens=_tokens(reply))

    def refusal(self, refusal: Refusal) -> dict[str, Any]:
        """Returns the body of an error."""
        return {"fault": {"kind": KINDS.get(refusal.code, refusal.code), "message": refusal.message}}

    def error_event(self, refusal: Refusal) -> str:
        """Returns the data of an event that reports an error inside a stream."""
        return json.dumps({"type": "fault", **self.refusal(refusal)["fault"]})


def _messages(turn: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    parts = turn["parts"]
    if turn["speaker"] == "tool":
        for part in parts:
            result = part["result"]
            yield {"role": "tool", "tool_call_id": result["call_id"], "content": result["content"]}
        return
    calls = [part["call"] for part in parts if "call" in part]
    content: Any = [_content(part) for part in parts if "call" not in part]
    if all(part["type"] == "text" for part in content):
        content = "".join(part["text"] for part in content)
    message = {"role": "assistant" if turn["speaker"] == "model" else "user", "content": content}
    if calls:
        message["tool_calls"] = [
            {"id": call["id"], "function": {"name": call["name"], "arguments": json.dumps(call["args"])}}
            for call in calls
        ]
    yield message


def _content(part: Mapping[str, Any]) -> dict[str, Any]:
    if "image" in part:
        return {"type": "image_url", "image_url": {"url": part["image"]}}
    return {"type": "text", "text": part["text"]}


def _tool(tool: Mapping[str, Any]) -> dict[str, Any]:
    function = {"name": tool["name"], "description": tool["about"], "parameters": tool["takes"]}
    return {"type": "function", "function": function}


def _pieces(reply: Reply) -> Iterator[tuple[int, ToolCall, str, bool]]:
    """Yields slot, call, piece of arguments and whether it is the call's first, in streaming order."""
    pieces = [
        (number if reply.interleaved else 0, slot, call, piece, number == 0)
        for slot, call in enumerate(reply.tool_calls)
        for number, piece in enumerate(call.arguments)
    ]
    for _, slot, call, piece, first in sorted(pieces, key=lambda item: item[0]):
        yield slot, call, piece, first


def _ended(reply: Reply) -> str:
    return ENDED[reply.finish_reason or ("tool_calls" if reply.tool_calls else "stop")]


def _tokens(reply: Reply) -> dict[str, int]:
    cached = {"cached": reply.cached_tokens} if reply.cached_tokens else {}
    return {"in": reply.prompt_tokens, "out": reply.completion_tokens, **cached}


def _event(kind: str, **fields: Any) -> str:
    return json.dumps({"type": kind, **fields}, ensure_ascii=False)


if __name__ == "__main__":
    with Upstream(UpstreamFormat(), port=int(sys.argv[1]) if len(sys.argv) > 1 else 8081) as server:
        sys.stdout.write(f"The embedded upstream listens on {server.url}; Ctrl-C ends it.\n")
        sys.stdout.flush()
        threading.Event().wait()

"""The API behind the agent's command line, and where SDK and command line are. Yours to edit.

tests/conformance/ plays the API with it, Anthropic's Messages; tests/stand_in/ has what takes the place of the SDK and of
the command line, which asks that API. Keep them in step with transformation.py: it is the other side of the same translation.

`python -m tests.upstream 8081` runs it by hand.
"""

from __future__ import annotations

import json
import re
import sys
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, ClassVar

from .conformance.server import Refusal, Reply, Upstream
from .package import answers, transformation

STAND_IN = Path(__file__).with_name("stand_in")
sys.path.insert(0, str(STAND_IN))
STOPPED = {"stop": "end_turn", "length": "max_tokens", "content_filter": "refusal"}
# OpenAI's word for an error -> the API's type of it; what is in neither list keeps its name.
TYPES = {
    "content_policy_violation": "invalid_request_error",
    "context_length_exceeded": "invalid_request_error",
    "invalid_api_key": "authentication_error",
    "rate_limit_exceeded": "rate_limit_error",
}
WORDS = {
    "content_policy_violation": "Output blocked by content filtering policy",
    "context_length_exceeded": "prompt is too long: 210000 tokens > 200000 maximum",
}
NAME = re.compile(r'{"type": "(\w+)"')
TAG = re.compile(r'\n<turn role="(\w+)">\n|\n</turn>')


class UpstreamFormat:
    """Anthropic's Messages, from the server's side."""

    environment: ClassVar[dict[str, str]] = {
        "PYTHONPATH": str(STAND_IN),
        f"{answers.ENV_PREFIX}_PROGRAM": str(STAND_IN / "claude"),
    }
    """What the provider finds the stand-ins by: other processes by this, the one that runs the tests by its path."""

    def read(self, body: Any) -> dict[str, Any]:
        """Returns a request body as OpenAI's chat completions would have it."""
        asked: dict[str, Any] = {"model": body["model"], "stream": body.get("stream", False)}
        system = "".join(block["text"] for block in body.get("system", []))
        asked["messages"] = [{"role": "system", "content": system}] if system else []
        (message,) = body["messages"]
        asked["messages"] += list(_turns(message["content"]))
        budget = (body.get("thinking") or {}).get("budget_tokens")
        if budget:
            asked["reasoning_effort"] = {1024: "low", 4096: "medium", 16384: "high"}[budget]
        return asked

    def answer(self, reply: Reply, model: str) -> dict[str, Any]:
        """Returns the body of an answer that is not streamed; the command line asks for none, and takes it all the same."""
        content = [{"type": "text", "text": "".join(reply.text)}]
        return {**_message(reply, model), "content": content, "stop_reason": STOPPED[reply.finish_reason or "stop"]}

    def events(self, reply: Reply, model: str) -> Iterator[str]:
        """Yields the data of each event of a streamed answer."""
        yield _event("message_start", message=_message(reply, model))
        yield _event("ping")
        for index, (block, deltas) in enumerate(_blocks(reply)):
            yield _event("content_block_start", index=index, content_block=block)
            for delta in deltas:
                yield _event("content_block_delta", index=index, delta=delta)
            yield _event("content_block_stop", index=index)
        delta = {"stop_reason": STOPPED[reply.finish_reason or "stop"], "stop_sequence": None}
        yield _event("message_delta", delta=delta, usage={"output_tokens": reply.completion_tokens})
        yield _event("message_stop")

    def event_bytes(self, data: str) -> bytes:
        """Returns an event as it is sent; the real command line goes by the name, too."""
        name = NAME.match(data)
        return f"event: {name[1] if name else 'unknown'}\ndata: {data}\n\n".encode()

    def refusal(self, refusal: Refusal) -> dict[str, Any]:
        """Returns the body of an error."""
        said = WORDS.get(refusal.code)
        message = f"{said}; {refusal.message}" if said else refusal.message
        return {"type": "error", "error": {"type": TYPES.get(refusal.code, refusal.code), "message": message}}

    def error_event(self, refusal: Refusal) -> str:
        """Returns the data of an event that reports an error inside a stream."""
        return json.dumps(self.refusal(refusal))


def _turns(content: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Yields the messages that are written into one."""
    if content[0].get("text", "").partition("\n")[0] != transformation.OPENING:
        yield _turn("user", content)
        return
    role, blocks = "", list[dict[str, Any]]()
    for block in content:
        if "text" not in block:
            blocks.append(block)
            continue
        for number, piece in enumerate(TAG.split(block["text"])):
            if number % 2 == 0:  # what stands between tags
                blocks += [{"type": "text", "text": piece}] if piece else []
            elif piece is None:
                yield _turn(role, blocks)
            else:
                role, blocks = piece, []


def _turn(role: str, blocks: list[dict[str, Any]]) -> dict[str, Any]:
    parts = [_part(block) for block in blocks]
    if all("text" in part for part in parts):
        return {"role": role, "content": "".join(part["text"] for part in parts)}
    return {"role": role, "content": parts}


def _part(block: Mapping[str, Any]) -> dict[str, Any]:
    if block["type"] == "text":
        return {"type": "text", "text": transformation.unescaped(block["text"])}
    source = block["source"]
    url = source.get("url") or f"data:{source['media_type']};base64,{source['data']}"
    return {"type": "image_url", "image_url": {"url": url}}


def _blocks(reply: Reply) -> Iterator[tuple[dict[str, Any], Iterator[dict[str, Any]]]]:
    """Yields each block of an answer as it begins, and its pieces, one at a time: some answers are long."""
    if reply.reasoning:
        yield {"type": "thinking", "thinking": "", "signature": ""}, _thought(reply)
    if reply.text:
        yield {"type": "text", "text": ""}, ({"type": "text_delta", "text": piece} for piece in reply.text)


def _thought(reply: Reply) -> Iterator[dict[str, Any]]:
    for piece in reply.reasoning:
        yield {"type": "thinking_delta", "thinking": piece}
    yield {"type": "signature_delta", "signature": f"signed-{reply.id}"}


def _message(reply: Reply, model: str) -> dict[str, Any]:
    usage = {"input_tokens": reply.prompt_tokens, "output_tokens": reply.completion_tokens}
    head = {"id": reply.id, "type": "message", "role": "assistant", "model": model, "content": []}
    return {**head, "stop_reason": None, "stop_sequence": None, "usage": usage}


def _event(kind: str, **fields: Any) -> str:
    return json.dumps({"type": kind, **fields}, ensure_ascii=False)


if __name__ == "__main__":
    with Upstream(UpstreamFormat(), port=int(sys.argv[1]) if len(sys.argv) > 1 else 8081) as server:
        sys.stdout.write(f"The embedded upstream listens on {server.url}; Ctrl-C ends it.\n")
        sys.stdout.flush()
        threading.Event().wait()

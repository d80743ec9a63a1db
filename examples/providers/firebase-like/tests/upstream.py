"""The embedded upstream's format: an app's own backend. Yours to edit."""

from __future__ import annotations

import json
import sys
import threading
from collections.abc import Iterator
from typing import Any

from .conformance.server import Refusal, Reply, Upstream

SETTINGS = {"maxOutputTokens": "max_tokens", "temperature": "temperature", "stopSequences": "stop"}
AS_THEY_ARE = ("model", "messages", "reasoning_effort", "response_format", "tool_choice", "tools")
FINISH_REASONS = {"length": "length", "content_filter": "content-filter"}


class UpstreamFormat:
    """The backend, from the server's side; it streams in the dialect of its newer models."""

    def read(self, body: Any) -> dict[str, Any]:
        """Returns a request body as OpenAI's chat completions would have it."""
        asked = {name: body[name] for name in AS_THEY_ARE if name in body}
        settings = {SETTINGS[name]: value for name, value in body.get("settings", {}).items()}
        return {**asked, **settings, "stream": body["mode"] == "stream"}

    def answer(self, reply: Reply, model: str) -> dict[str, Any]:
        """Returns the body of an answer that is not streamed."""
        calls = [
            {"toolCallId": call.id, "toolName": call.name, "args": json.loads("".join(call.arguments))}
            for call in reply.tool_calls
        ]
        said = {"id": reply.id, "text": "".join(reply.text), "reasoning": "".join(reply.reasoning), "toolCalls": calls}
        return {**said, **_end(reply)}

    def events(self, reply: Reply, model: str) -> Iterator[str]:
        """Yields the lines of a streamed answer."""
        for piece in reply.reasoning:
            yield f"g:{json.dumps(piece)}"
        for piece in reply.text:
            yield f"0:{json.dumps(piece)}"
        for call in reply.tool_calls:
            yield f"b:{json.dumps({'toolCallId': call.id, 'toolName': call.name})}"
            for piece in call.arguments:
                yield f"c:{json.dumps({'toolCallId': call.id, 'argsTextDelta': piece})}"
        yield f"d:{json.dumps(_end(reply))}"

    def event_bytes(self, data: str) -> bytes:
        """Returns a line as it is sent."""
        return f"{data}\n".encode()

    def refusal(self, refusal: Refusal) -> dict[str, Any]:
        """Returns the body of an error."""
        return {"error": {"status": refusal.code, "message": refusal.message}}

    def error_event(self, refusal: Refusal) -> str:
        """Returns the line that reports an error inside a stream."""
        return f"3:{json.dumps({'status': refusal.code, 'message': refusal.message})}"


def _end(reply: Reply) -> dict[str, Any]:
    usage = {"promptTokens": reply.prompt_tokens, "completionTokens": reply.completion_tokens}
    usual = "tool-calls" if reply.tool_calls else "stop"
    return {"finishReason": FINISH_REASONS.get(reply.finish_reason or "", usual), "usage": usage}


if __name__ == "__main__":
    with Upstream(UpstreamFormat(), port=int(sys.argv[1]) if len(sys.argv) > 1 else 8081) as server:
        sys.stdout.write(f"The embedded upstream listens on {server.url}; Ctrl-C ends it.\n")
        sys.stdout.flush()
        threading.Event().wait()

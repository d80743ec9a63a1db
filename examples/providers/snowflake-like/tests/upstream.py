"""The embedded upstream's format: a platform's inference endpoint. Yours to edit."""

from __future__ import annotations

import json
import sys
import threading
from collections.abc import Iterator
from typing import Any

from .conformance.server import Refusal, Reply, Upstream


class UpstreamFormat:
    """The endpoint, from the server's side."""

    def read(self, body: Any) -> dict[str, Any]:
        """Returns a request body as OpenAI's chat completions would have it."""
        asked = {name: body[name] for name in ("model", "stream", "max_tokens", "temperature", "top_p") if name in body}
        asked["messages"] = [_message(message) for message in body["messages"]]
        if tools := body.get("tools"):
            asked["tools"] = [_tool(tool["tool_spec"]) for tool in tools]
        if choice := body.get("tool_choice"):
            named = choice["type"] == "tool"
            function = {"type": "function", "function": {"name": choice["name"][0]}} if named else choice["type"]
            asked["tool_choice"] = function
        if wanted := body.get("response_format"):
            asked["response_format"] = {"type": "json_schema", "json_schema": {"schema": wanted["schema"]}}
        return asked

    def answer(self, reply: Reply, model: str) -> dict[str, Any]:
        """Returns the body of an answer that is not streamed."""
        parts: list[dict[str, Any]] = [{"type": "text", "text": "".join(reply.text)}]
        for call in reply.tool_calls:
            use = {"tool_use_id": call.id, "name": call.name, "input": json.loads("".join(call.arguments))}
            parts.append({"type": "tool_use", "tool_use": use})
        return {"id": reply.id, "choices": [{"message": {"content_list": parts}}], "usage": _usage(reply)}

    def events(self, reply: Reply, model: str) -> Iterator[str]:
        """Yields the data of each event of a streamed answer; no finish reason is among it."""
        for piece in reply.text:
            yield _event(reply, {"type": "text", "content": piece})
        for call in reply.tool_calls:
            yield _event(reply, {"type": "tool_use", "tool_use_id": call.id, "name": call.name})
            for piece in call.arguments:
                yield _event(reply, {"type": "tool_use", "input": piece})
        yield _event(reply, {"type": "text", "content": ""}, _usage(reply))

    def refusal(self, refusal: Refusal) -> dict[str, Any]:
        """Returns the body of an error."""
        return {"message": refusal.message, "error_code": refusal.code, "request_id": "r1"}

    def error_event(self, refusal: Refusal) -> str:
        """Returns the data of an event that reports an error inside a stream."""
        return json.dumps(self.refusal(refusal))


def _message(message: dict[str, Any]) -> dict[str, Any]:
    parts = message.get("content_list") or []
    if parts and parts[0]["type"] == "tool_results":
        result = parts[0]["tool_results"]
        return {"role": "tool", "tool_call_id": result["tool_use_id"], "content": result["content"][0]["text"]}
    calls = [
        {"id": use["tool_use_id"], "function": {"name": use["name"], "arguments": json.dumps(use["input"])}}
        for use in (part["tool_use"] for part in parts)
    ]
    return {"role": message["role"], "content": message["content"], **({"tool_calls": calls} if calls else {})}


def _tool(spec: dict[str, Any]) -> dict[str, Any]:
    function = {"name": spec["name"], "parameters": spec["input_schema"], "description": spec["description"]}
    return {"type": "function", "function": function}


def _usage(reply: Reply) -> dict[str, int]:
    figures = {"prompt_tokens": reply.prompt_tokens, "completion_tokens": reply.completion_tokens}
    return {**figures, "total_tokens": sum(figures.values())}


def _event(reply: Reply, delta: dict[str, Any], usage: dict[str, int] | None = None) -> str:
    return json.dumps({"id": reply.id, "choices": [{"delta": delta}], "usage": usage or {}}, ensure_ascii=False)


if __name__ == "__main__":
    with Upstream(UpstreamFormat(), port=int(sys.argv[1]) if len(sys.argv) > 1 else 8081) as server:
        sys.stdout.write(f"The embedded upstream listens on {server.url}; Ctrl-C ends it.\n")
        sys.stdout.flush()
        threading.Event().wait()

"""The embedded upstream's format: OpenAI's Responses, streamed. Yours to edit."""

from __future__ import annotations

import json
import sys
import threading
from collections.abc import Iterator
from typing import Any

from .conformance.server import Refusal, Reply, ToolCall, Upstream

DEFAULT_INSTRUCTIONS = "You are a helpful assistant."
_REASONS = {"length": "max_output_tokens", "content_filter": "content_filter"}


class UpstreamFormat:
    """The Responses API, from the server's side."""

    def read(self, body: Any) -> dict[str, Any]:
        """Returns a request body as OpenAI's chat completions would have it."""
        system = body["instructions"]
        messages = [] if system == DEFAULT_INSTRUCTIONS else [{"role": "system", "content": system}]
        asked = {name: body[name] for name in ("model", "stream", "tool_choice", "parallel_tool_calls") if name in body}
        asked["messages"] = [*messages, *map(_message, body["input"])]
        if tools := body.get("tools"):
            asked["tools"] = [{"type": "function", "function": _without(tool, "type", "strict")} for tool in tools]
        if effort := body.get("reasoning", {}).get("effort"):
            asked["reasoning_effort"] = effort
        text = body.get("text", {})
        if "verbosity" in text:
            asked["verbosity"] = text["verbosity"]
        if form := text.get("format"):
            schema = {"json_schema": _without(form, "type")} if form["type"] == "json_schema" else {}
            asked["response_format"] = {"type": form["type"], **schema}
        return asked

    def answer(self, reply: Reply, model: str) -> dict[str, Any]:
        """Returns the response that the last event has."""
        reason = _REASONS.get(reply.finish_reason or "")
        output = [_call(call, "".join(call.arguments)) for call in reply.tool_calls]
        if reply.text:
            part = {"type": "output_text", "text": "".join(reply.text), "annotations": []}
            output.insert(
                0, {"type": "message", "id": "m", "role": "assistant", "status": "completed", "content": [part]}
            )
        return {
            "id": reply.id,
            "object": "response",
            "created_at": 1,
            "model": model,
            "status": "incomplete" if reason else "completed",
            "incomplete_details": {"reason": reason} if reason else None,
            "output": output,
            "usage": {
                "input_tokens": reply.prompt_tokens,
                "output_tokens": reply.completion_tokens,
                "total_tokens": reply.prompt_tokens + reply.completion_tokens,
            },
        }

    def events(self, reply: Reply, model: str) -> Iterator[str]:
        """Yields the data of each event of a streamed answer."""
        whole = self.answer(reply, model)
        yield _event("response.created", response={**whole, "status": "in_progress", "output": [], "usage": None})
        for piece in reply.reasoning:
            yield _event(
                "response.reasoning_summary_text.delta", item_id="r", output_index=0, summary_index=0, delta=piece
            )
        for piece in reply.text:
            yield _event("response.output_text.delta", item_id="m", output_index=1, content_index=0, delta=piece)
        for place, call in enumerate(reply.tool_calls, start=2):
            item = f"fc_{call.id}"
            yield _event("response.output_item.added", item=_call(call, ""), output_index=place)
            for piece in call.arguments:
                yield _event("response.function_call_arguments.delta", item_id=item, output_index=place, delta=piece)
            arguments = "".join(call.arguments)
            yield _event("response.function_call_arguments.done", item_id=item, output_index=place, arguments=arguments)
            yield _event("response.output_item.done", item=_call(call, arguments), output_index=place)
        yield _event(f"response.{whole['status']}", response=whole)

    def refusal(self, refusal: Refusal) -> dict[str, Any]:
        """Returns the body of an error."""
        return {"error": {"code": refusal.code, "message": refusal.message}}

    def error_event(self, refusal: Refusal) -> str:
        """Returns the data of an event that reports an error inside a stream."""
        return _event("error", code=refusal.code, message=refusal.message)


def _message(item: dict[str, Any]) -> dict[str, Any]:
    if item["type"] == "function_call":
        function = {"name": item["name"], "arguments": item["arguments"]}
        return {"role": "assistant", "tool_calls": [{"id": item["call_id"], "function": function}]}
    if item["type"] == "function_call_output":
        return {"role": "tool", "tool_call_id": item["call_id"], "content": _content(item["output"])}
    return {"role": item["role"], "content": _content(item["content"])}


def _content(content: Any) -> Any:
    if isinstance(content, str):
        return content
    if any(part["type"] == "input_image" for part in content):
        return [
            {"type": "image_url", "image_url": {"url": part["image_url"]}}
            if part["type"] == "input_image"
            else {"type": "text", "text": part["text"]}
            for part in content
        ]
    return "".join(part["text"] for part in content)


def _call(call: ToolCall, arguments: str) -> dict[str, Any]:
    fields = {"call_id": call.id, "name": call.name, "arguments": arguments, "status": "completed"}
    return {"type": "function_call", "id": f"fc_{call.id}", **fields}


def _without(content: dict[str, Any], *names: str) -> dict[str, Any]:
    return {name: value for name, value in content.items() if name not in names}


def _event(kind: str, **fields: Any) -> str:
    return json.dumps({"type": kind, **fields}, ensure_ascii=False)


if __name__ == "__main__":
    with Upstream(UpstreamFormat(), port=int(sys.argv[1]) if len(sys.argv) > 1 else 8081) as server:
        sys.stdout.write(f"The embedded upstream listens on {server.url}; Ctrl-C ends it.\n")
        sys.stdout.flush()
        threading.Event().wait()

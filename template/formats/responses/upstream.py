"""The embedded upstream's format: what the provider's API sends and takes. Yours to edit.

tests/conformance/ plays the upstream with it. Keep it in step with transformation.py: it is the other side
of the same translation. Here the API speaks OpenAI's Responses.

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

# Parameters that have the same name in chat completions.
SAME = (
    "model",
    "parallel_tool_calls",
    "prompt_cache_key",
    "prompt_cache_retention",
    "safety_identifier",
    "service_tier",
    "store",
    "temperature",
    "tool_choice",
    "top_p",
    "user",
)
REASONS = {"length": "max_output_tokens", "content_filter": "content_filter"}


class UpstreamFormat:
    """OpenAI's Responses, from the server's side."""

    def read(self, body: Any) -> dict[str, Any]:
        """Returns a request body as OpenAI's chat completions would have it."""
        asked = {name: body[name] for name in SAME if name in body}
        asked["stream"] = body.get("stream", False)
        asked["messages"] = _messages(body)
        if "max_output_tokens" in body:
            asked["max_tokens"] = body["max_output_tokens"]
        if tools := [tool for tool in body.get("tools", []) if tool["type"] == "function"]:
            asked["tools"] = [{"type": "function", "function": _without(tool, "type", "strict")} for tool in tools]
        for tool in body.get("tools", []):
            if tool["type"] == "web_search":
                asked["web_search_options"] = _without(tool, "type")
        choice = body.get("tool_choice")
        if isinstance(choice, dict) and "name" in choice:
            asked["tool_choice"] = {"type": "function", "function": {"name": choice["name"]}}
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
        """Returns the body of an answer that is not streamed."""
        reason = REASONS.get(reply.finish_reason or "")
        return {
            "id": reply.id,
            "object": "response",
            "created_at": CREATED,
            "model": model,
            "status": "incomplete" if reason else "completed",
            "error": None,
            "incomplete_details": {"reason": reason} if reason else None,
            "output": _output(reply),
            "usage": {
                "input_tokens": reply.prompt_tokens,
                "input_tokens_details": {"cached_tokens": reply.cached_tokens},
                "output_tokens": reply.completion_tokens,
                "output_tokens_details": {"reasoning_tokens": 0},
                "total_tokens": reply.prompt_tokens + reply.completion_tokens,
            },
        }

    def events(self, reply: Reply, model: str) -> Iterator[str]:
        """Yields the data of each event of a streamed answer."""
        whole = self.answer(reply, model)
        yield _event("response.created", response={**whole, "status": "in_progress", "output": [], "usage": None})
        calls = []
        for place, item in enumerate(whole["output"]):
            if item["type"] == "function_call":
                calls.append((place, item))
            else:
                yield from _item(place, item, reply.reasoning if item["type"] == "reasoning" else reply.text)
        pieces = [
            (number if reply.interleaved else 0, place, piece)
            for (place, _), call in zip(calls, reply.tool_calls, strict=True)
            for number, piece in enumerate(call.arguments)
        ]
        for place, item in calls:
            yield _event("response.output_item.added", output_index=place, item={**item, "arguments": ""})
        for _, place, piece in sorted(pieces, key=lambda found: found[0]):
            yield _event("response.function_call_arguments.delta", output_index=place, delta=piece)
        for place, item in calls:
            yield _event("response.function_call_arguments.done", output_index=place, arguments=item["arguments"])
            yield _event("response.output_item.done", output_index=place, item=item)
        yield _event(f"response.{whole['status']}", response=whole)

    def refusal(self, refusal: Refusal) -> dict[str, Any]:
        """Returns the body of an error."""
        return {"error": {"message": refusal.message, "type": refusal.code, "code": refusal.code, "param": None}}

    def error_event(self, refusal: Refusal) -> str:
        """Returns the data of an event that reports an error inside a stream."""
        return _event("error", code=refusal.code, message=refusal.message, param=None)


def _messages(body: dict[str, Any]) -> list[dict[str, Any]]:
    messages: list[dict[str, Any]] = []
    if "instructions" in body:
        messages.append({"role": "system", "content": body["instructions"]})
    for item in body["input"]:
        if item["type"] == "function_call":
            function = {"name": item["name"], "arguments": item["arguments"]}
            if messages[-1]["role"] != "assistant":
                messages.append({"role": "assistant", "content": None})
            messages[-1].setdefault("tool_calls", []).append({"id": item["call_id"], "function": function})
        elif item["type"] == "function_call_output":
            messages.append({"role": "tool", "tool_call_id": item["call_id"], "content": _content(item["output"])})
        elif item["type"] == "message":
            messages.append({"role": item["role"], "content": _content(item["content"])})
    return messages


def _content(content: Any) -> Any:
    if isinstance(content, str):
        return content
    if all(part["type"] in ("input_text", "output_text") for part in content):
        return "".join(part["text"] for part in content)
    return [
        {"type": "image_url", "image_url": {"url": part["image_url"]}}
        if part["type"] == "input_image"
        else {"type": "text", "text": part.get("text", "")}
        for part in content
    ]


def _output(reply: Reply) -> list[dict[str, Any]]:
    output: list[dict[str, Any]] = []
    if reply.reasoning:
        text = "".join(reply.reasoning)
        summary = [{"type": "summary_text", "text": text}]
        output.append({"type": "reasoning", "id": "rs_1", "summary": summary, "encrypted_content": f"sealed {text}"})
    if reply.text:
        part = {"type": "output_text", "text": "".join(reply.text), "annotations": []}
        output.append({"type": "message", "id": "msg_1", "role": "assistant", "status": "completed", "content": [part]})
    return [*output, *map(_call, reply.tool_calls)]


def _call(call: ToolCall) -> dict[str, Any]:
    fields = {"call_id": call.id, "name": call.name, "arguments": "".join(call.arguments), "status": "completed"}
    return {"type": "function_call", "id": f"fc_{call.id}", **fields}


def _item(place: int, item: dict[str, Any], pieces: tuple[str, ...]) -> Iterator[str]:
    """The events of a thought or of a text, which come in pieces."""
    kind, part = ("reasoning_summary_text", "summary") if item["type"] == "reasoning" else ("output_text", "content")
    place_of = {"item_id": item["id"], "output_index": place, f"{part}_index": 0}
    yield _event("response.output_item.added", output_index=place, item={**item, part: [], "encrypted_content": None})
    for piece in pieces:
        yield _event(f"response.{kind}.delta", delta=piece, **place_of)
    yield _event(f"response.{kind}.done", text="".join(pieces), **place_of)
    yield _event("response.output_item.done", output_index=place, item=item)


def _without(content: dict[str, Any], *names: str) -> dict[str, Any]:
    return {name: value for name, value in content.items() if name not in names}


def _event(kind: str, **fields: Any) -> str:
    return json.dumps({"type": kind, **fields}, ensure_ascii=False)


if __name__ == "__main__":
    with Upstream(UpstreamFormat(), port=int(sys.argv[1]) if len(sys.argv) > 1 else 8081) as server:
        sys.stdout.write(f"The embedded upstream listens on {server.url}; Ctrl-C ends it.\n")
        sys.stdout.flush()
        threading.Event().wait()

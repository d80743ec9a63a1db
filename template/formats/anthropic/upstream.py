"""The embedded upstream's format: what the provider's API sends and takes. Yours to edit.

tests/conformance/ plays the upstream with it. Keep it in step with transformation.py: it is the other side
of the same translation. Here the API speaks Anthropic's Messages.

`python -m tests.upstream 8081` runs it by hand.
"""

from __future__ import annotations

import json
import sys
import threading
from collections.abc import Iterator, Mapping
from typing import Any

from .conformance.server import Refusal, Reply, ToolCall, Upstream

# As the API calls them, too.
SAME = ("max_tokens", "temperature", "thinking", "top_k", "top_p")
CHOICES = {"auto": "auto", "any": "required", "none": "none"}
STOPPED = {"stop": "end_turn", "tool_calls": "tool_use", "length": "max_tokens", "content_filter": "refusal"}
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
EFFORTS = {"high": 4096, "medium": 2048, "low": 1}
"""Effort -> the budget of thinking tokens that LiteLLM makes of it, or more."""
SEARCHES = {1: "low", 5: "medium", 10: "high"}
"""Searches at most -> the size of context that LiteLLM makes of it."""
JSON_TOOL = "json_tool_call"
"""LiteLLM's name of the tool by which it asks for JSON where the model has no other way."""


class UpstreamFormat:
    """Anthropic's Messages, from the server's side."""

    def read(self, body: Any) -> dict[str, Any]:
        """Returns a request body as OpenAI's chat completions would have it."""
        asked = {name: body[name] for name in SAME if name in body}
        asked |= {"model": body["model"], "stream": body.get("stream", False)}
        asked["messages"] = [read for message in body["messages"] for read in _messages(message)]
        if "system" in body:
            asked["messages"].insert(0, {"role": "system", "content": _text(body["system"])})
        if "stop_sequences" in body:
            asked["stop"] = body["stop_sequences"]
        if user := (body.get("metadata") or {}).get("user_id"):
            asked["user"] = user
        if effort := _effort(body):
            asked["reasoning_effort"] = effort
        return asked | _tools(body)

    def answer(self, reply: Reply, model: str) -> dict[str, Any]:
        """Returns the body of an answer that is not streamed."""
        content: list[dict[str, Any]] = []
        if reply.reasoning:
            content.append({"type": "thinking", "thinking": "".join(reply.reasoning), "signature": _signature(reply)})
        if reply.text:
            content.append({"type": "text", "text": "".join(reply.text)})
        for call in reply.tool_calls:
            content.append({**_call(call), "input": json.loads("".join(call.arguments))})
        return {**_message(reply, model), "content": content, "stop_reason": _stopped(reply)}

    def events(self, reply: Reply, model: str) -> Iterator[str]:
        """Yields the data of each event of a streamed answer."""
        start = _message(reply, model)
        yield _event("message_start", message={**start, "usage": {**start["usage"], "output_tokens": 1}})
        yield _event("ping")
        for index, (block, deltas) in enumerate(_blocks(reply)):
            yield _event("content_block_start", index=index, content_block=block)
            for delta in deltas:
                yield _event("content_block_delta", index=index, delta=delta)
            yield _event("content_block_stop", index=index)
        delta = {"stop_reason": _stopped(reply), "stop_sequence": None}
        yield _event("message_delta", delta=delta, usage={"output_tokens": reply.completion_tokens})
        yield _event("message_stop")

    def refusal(self, refusal: Refusal) -> dict[str, Any]:
        """Returns the body of an error."""
        said = WORDS.get(refusal.code)
        message = f"{said}; {refusal.message}" if said else refusal.message
        return {"type": "error", "error": {"type": TYPES.get(refusal.code, refusal.code), "message": message}}

    def error_event(self, refusal: Refusal) -> str:
        """Returns the data of an event that reports an error inside a stream."""
        return json.dumps(self.refusal(refusal))


def _messages(message: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    content = message["content"]
    if isinstance(content, str):
        content = [{"type": "text", "text": content}]
    calls: list[dict[str, Any]] = []
    parts: list[dict[str, Any]] = []
    for part in content:
        if part["type"] == "tool_result":
            yield {"role": "tool", "tool_call_id": part["tool_use_id"], "content": _text(part.get("content", ""))}
        elif part["type"] == "tool_use":
            function = {"name": part["name"], "arguments": json.dumps(part["input"])}
            calls.append({"id": part["id"], "type": "function", "function": function})
        elif part["type"] == "image":
            source = part["source"]
            url = source.get("url") or f"data:{source['media_type']};base64,{source['data']}"
            parts.append({"type": "image_url", "image_url": {"url": url}})
        elif part["type"] == "text":
            parts.append({"type": "text", "text": part["text"]})
    if parts or calls:
        plain = all(part["type"] == "text" for part in parts)
        said: Any = "".join(part["text"] for part in parts) if plain else parts
        yield {"role": message["role"], "content": said, **({"tool_calls": calls} if calls else {})}


def _text(content: Any) -> str:
    return content if isinstance(content, str) else "".join(part.get("text", "") for part in content)


def _effort(body: Mapping[str, Any]) -> str | None:
    """The effort that LiteLLM makes a budget of, or the one that newer models are told."""
    if effort := (body.get("output_config") or {}).get("effort"):
        return str(effort)
    budget = (body.get("thinking") or {}).get("budget_tokens") or 0
    return next((effort for effort, least in EFFORTS.items() if budget >= least), None)


def _tools(body: Mapping[str, Any]) -> dict[str, Any]:
    """Tools, the choice among them, and the form of the answer, which may be one of them."""
    asked: dict[str, Any] = {}
    tools = [tool for tool in body.get("tools", []) if "input_schema" in tool and tool["name"] != JSON_TOOL]
    for tool in body.get("tools", []):
        if tool.get("type", "").startswith("web_search"):
            asked["web_search_options"] = {"search_context_size": SEARCHES[tool["max_uses"]]}
    if tools:
        asked["tools"] = [_tool(tool) for tool in tools]
        choice = body.get("tool_choice") or {}
        if kind := choice.get("type"):
            named = {"type": "function", "function": {"name": choice.get("name")}}
            asked["tool_choice"] = named if kind == "tool" else CHOICES[kind]
        if "disable_parallel_tool_use" in choice:
            asked["parallel_tool_calls"] = not choice["disable_parallel_tool_use"]
    forms = [tool["input_schema"] for tool in body.get("tools", []) if tool["name"] == JSON_TOOL]
    output = (body.get("output_config") or {}).get("format") or body.get("output_format")
    if schema := output["schema"] if output else next(iter(forms), None):
        kind = "json_schema" if schema.get("properties") else "json_object"
        asked["response_format"] = {"type": kind}
        if kind == "json_schema":
            asked["response_format"]["json_schema"] = {"name": "answer", "schema": schema}
    return asked


def _tool(tool: Mapping[str, Any]) -> dict[str, Any]:
    function = {"name": tool["name"], "description": tool.get("description", ""), "parameters": tool["input_schema"]}
    return {"type": "function", "function": function}


def _blocks(reply: Reply) -> Iterator[tuple[dict[str, Any], Iterator[dict[str, Any]]]]:
    """Yields each block of an answer as it begins, and its pieces, one at a time: some answers are long."""
    if reply.reasoning:
        yield {"type": "thinking", "thinking": "", "signature": ""}, _thought(reply)
    if reply.text:
        yield {"type": "text", "text": ""}, ({"type": "text_delta", "text": piece} for piece in reply.text)
    for call in reply.tool_calls:
        yield _call(call), ({"type": "input_json_delta", "partial_json": piece} for piece in call.arguments)


def _thought(reply: Reply) -> Iterator[dict[str, Any]]:
    for piece in reply.reasoning:
        yield {"type": "thinking_delta", "thinking": piece}
    yield {"type": "signature_delta", "signature": _signature(reply)}


def _signature(reply: Reply) -> str:
    return f"signed-{reply.id}"


def _call(call: ToolCall) -> dict[str, Any]:
    return {"type": "tool_use", "id": call.id, "name": call.name, "input": {}}


def _message(reply: Reply, model: str) -> dict[str, Any]:
    cached = {"cache_read_input_tokens": reply.cached_tokens} if reply.cached_tokens else {}
    # What comes from the cache is no part of the input.
    fresh = reply.prompt_tokens - reply.cached_tokens
    usage = {"input_tokens": fresh, **cached, "output_tokens": reply.completion_tokens}
    head = {"id": reply.id, "type": "message", "role": "assistant", "model": model, "content": []}
    return {**head, "stop_reason": None, "stop_sequence": None, "usage": usage}


def _stopped(reply: Reply) -> str:
    return STOPPED[reply.finish_reason or ("tool_calls" if reply.tool_calls else "stop")]


def _event(kind: str, **fields: Any) -> str:
    return json.dumps({"type": kind, **fields}, ensure_ascii=False)


if __name__ == "__main__":
    with Upstream(UpstreamFormat(), port=int(sys.argv[1]) if len(sys.argv) > 1 else 8081) as server:
        sys.stdout.write(f"The embedded upstream listens on {server.url}; Ctrl-C ends it.\n")
        sys.stdout.flush()
        threading.Event().wait()

"""What the upstream of the measurements says in formats that are not OpenAI's chat completions."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

_ANTHROPIC_USAGE = {"input_tokens": 11, "output_tokens": 500}
_RESPONSES_USAGE = {"input_tokens": 11, "output_tokens": 500, "total_tokens": 511}


def messages_answer(model: str, text: str) -> dict[str, Any]:
    """Returns an answer of Anthropic's Messages."""
    return {**_message(model), "content": [{"type": "text", "text": text}], "stop_reason": "end_turn"}


def messages_events(model: str, words: list[str]) -> Iterator[dict[str, Any]]:
    """Yields the events of a streamed one, a word in each."""
    yield {"type": "message_start", "message": _message(model)}
    yield {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}}
    for word in words:
        yield {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": word}}
    yield {"type": "content_block_stop", "index": 0}
    yield {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": _ANTHROPIC_USAGE}
    yield {"type": "message_stop"}


def responses_answer(model: str, text: str) -> dict[str, Any]:
    """Returns an answer of OpenAI's Responses."""
    part = {"type": "output_text", "text": text, "annotations": []}
    item = {"type": "message", "id": "msg_1", "role": "assistant", "status": "completed", "content": [part]}
    return {**_response(model, "completed"), "output": [item], "usage": _RESPONSES_USAGE}


def responses_events(model: str, words: list[str]) -> Iterator[dict[str, Any]]:
    """Yields the events of a streamed one, a word in each."""
    place = {"item_id": "msg_1", "output_index": 0, "content_index": 0}
    item = {"type": "message", "id": "msg_1", "role": "assistant", "status": "in_progress", "content": []}
    yield {"type": "response.created", "response": _response(model, "in_progress")}
    yield {"type": "response.output_item.added", "output_index": 0, "item": item}
    for word in words:
        yield {"type": "response.output_text.delta", **place, "delta": word}
    whole = responses_answer(model, "".join(words))
    yield {"type": "response.output_item.done", "output_index": 0, "item": whole["output"][0]}
    yield {"type": "response.completed", "response": whole}


def _message(model: str) -> dict[str, Any]:
    head = {"id": "msg_1", "type": "message", "role": "assistant", "model": model, "content": []}
    return {**head, "stop_reason": None, "stop_sequence": None, "usage": _ANTHROPIC_USAGE}


def _response(model: str, status: str) -> dict[str, Any]:
    head = {"id": "resp_1", "object": "response", "created_at": 1700000000, "model": model, "status": status}
    fields = {"output": [], "parallel_tool_calls": True, "tool_choice": "auto", "tools": []}
    return {**head, **fields, "error": None, "incomplete_details": None, "instructions": None, "metadata": {}}

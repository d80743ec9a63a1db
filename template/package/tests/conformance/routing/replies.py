"""What each side says by itself, in the format that it was asked in. Template's file: do not edit."""

from __future__ import annotations

import json
from typing import Any


def event(data: Any, name: str = "") -> bytes:
    """Returns a server-sent event.

    Args:
        data: its data; what is no text becomes JSON.
        name: of the event, where its format has one.
    """
    text = data if isinstance(data, str) else json.dumps(data)
    head = f"event: {name}\n" if name else ""
    return f"{head}data: {text}\n\n".encode()


def chunk(text: str | None = None, finish: str | None = None, name: str = "host") -> bytes:
    """Returns a chunk of a streamed chat; the first one of a stream has no text, only the role."""
    delta: dict[str, Any] = {"role": "assistant"} if text is None else {"content": text}
    choice = {"index": 0, "delta": {} if finish else delta, "finish_reason": finish}
    return event(
        {"id": f"from-{name}", "object": "chat.completion.chunk", "created": 1, "model": name, "choices": [choice]}
    )


def chat_stream(name: str) -> tuple[bytes, ...]:
    """Returns a streamed chat that says `from <name>`."""
    return (
        chunk(None, name=name),
        chunk("from ", name=name),
        chunk(name, name=name),
        chunk(finish="stop", name=name),
        event("[DONE]"),
    )


def message_start(name: str) -> bytes:
    """Returns the first event of a stream of Anthropic's."""
    message = {**_message(name), "content": [], "stop_reason": None}
    return event({"type": "message_start", "message": message}, "message_start")


PING = event({"type": "ping"}, "ping")


def text_delta(text: str) -> bytes:
    """Returns Anthropic's event with a piece of text."""
    content = {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": text}}
    return event(content, "content_block_delta")


BLOCK_START = event(
    {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}}, "content_block_start"
)


def anthropic_error(kind: str, message: str) -> dict[str, Any]:
    """Returns an error in Anthropic's form."""
    return {"type": "error", "error": {"type": kind, "message": message}}


def openai_error(kind: str, message: str, code: str | None = None) -> dict[str, Any]:
    """Returns an error in OpenAI's form."""
    return {"error": {"message": message, "type": kind, "param": None, "code": code}}


def message_stream(name: str) -> tuple[bytes, ...]:
    """Returns a stream of Anthropic's that says `from <name>`."""
    delta = {"type": "message_delta", "delta": {"stop_reason": "end_turn", "stop_sequence": None}}
    return (
        message_start(name),
        BLOCK_START,
        text_delta("from "),
        text_delta(name),
        event({"type": "content_block_stop", "index": 0}, "content_block_stop"),
        event({**delta, "usage": {"output_tokens": 2}}, "message_delta"),
        event({"type": "message_stop"}, "message_stop"),
    )


def reply(name: str, target: str, body: bytes) -> tuple[str, tuple[bytes, ...]]:
    """Returns content type and pieces of an answer that says `from <name>`."""
    path = target.partition("?")[0]
    try:
        asked = json.loads(body)
        streamed = isinstance(asked, dict) and asked.get("stream") is True
    except (ValueError, RecursionError):
        streamed = False
    streamed = streamed or ":streamGenerateContent" in path
    if path.endswith("/messages"):
        return _either(streamed, _message(name), message_stream(name))
    if "GenerateContent" in path or ":generateContent" in path:
        return _either(streamed, _gemini(name), (event(_gemini(name)),))
    if path.endswith("/models") and not body:
        return _either(
            False, {"object": "list", "data": [{"id": f"of-{name}", "object": "model", "owned_by": name}]}, ()
        )
    if path.endswith("/responses"):
        content = {"id": f"from-{name}", "object": "response", "status": "completed", "model": name, "output": []}
        return _either(
            streamed, content, (event({"type": "response.completed", "response": content}, "response.completed"),)
        )
    return _either(streamed, _completion(name), chat_stream(name))


def _either(streamed: bool, content: Any, stream: tuple[bytes, ...]) -> tuple[str, tuple[bytes, ...]]:
    return ("text/event-stream", stream) if streamed else ("application/json", (json.dumps(content).encode(),))


def _completion(name: str) -> dict[str, Any]:
    choice = {"index": 0, "message": {"role": "assistant", "content": f"from {name}"}, "finish_reason": "stop"}
    usage = {"prompt_tokens": 1, "completion_tokens": 2, "total_tokens": 3}
    head = {"id": f"from-{name}", "object": "chat.completion", "created": 1, "model": name}
    return {**head, "choices": [choice], "usage": usage}


def _message(name: str) -> dict[str, Any]:
    head = {"id": f"from-{name}", "type": "message", "role": "assistant", "model": name}
    content = [{"type": "text", "text": f"from {name}"}]
    end = {"stop_reason": "end_turn", "stop_sequence": None}
    return {**head, "content": content, **end, "usage": {"input_tokens": 1, "output_tokens": 2}}


def _gemini(name: str) -> dict[str, Any]:
    content = {"role": "model", "parts": [{"text": f"from {name}"}]}
    return {"candidates": [{"content": content, "finishReason": "STOP", "index": 0}], "responseId": f"from-{name}"}

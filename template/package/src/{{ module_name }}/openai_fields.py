"""Fields of OpenAI's answers as servers fill them, put into OpenAI's own types. Template's file: do not edit.

LiteLLM validates more than a caller sees, so that one odd field costs the whole answer. What matters is put right here:
text, reasoning, tool calls, ids and usage. What else does not fit its type is left out.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

_Fields = dict[str, Any]

FAILURE_REASONS = frozenset(
    {
        "abort",
        "aborted",
        "cancelled",
        "error",
        "failed",
        "insufficient_system_resource",
        "internal_error",
        "model_error",
        "network_error",
    }
)
"""Finish reasons by which servers say that there was an error; LiteLLM would make `stop` of them."""

_REASONING_NAMES = ("reasoning", "reasoning_text", "thinking")
_REASONING_PARTS = frozenset({"reasoning", "reasoning_text", "summary_text", "thinking"})

# Of a message or a delta: what LiteLLM's types ask of the fields that it knows, beside those that are put right here.
_TYPES_IN_MESSAGE: Mapping[str, type] = {
    "annotations": list,
    "audio": dict,
    "images": list,
    "provider_specific_fields": dict,
    "reasoning_items": list,
    "refusal": str,
    "thinking_blocks": list,
}
_ROLES = frozenset({"assistant", "user", "system", "tool", "function"})


def failure(choices: object) -> _Fields | None:
    """Returns the error that a choice says it ended with, as the body of an error; None where there is none.

    Args:
        choices: of an answer or of a chunk.
    """
    for choice in choices if type(choices) is list else (choices,):
        if type(choice) is not dict:
            continue
        reason = choice.get("finish_reason")
        if error := choice.get("error"):
            return {"error": error}
        if reason and isinstance(reason, str) and reason.lower() in FAILURE_REASONS:
            message = choice.get("message") or choice.get("delta")
            said = message.get("content") if isinstance(message, dict) else None
            text = f": {_text(said)[0]}" if said else ""
            return {"error": {"message": f"the upstream ended with the finish reason {reason!r}{text}"}}
    return None


def is_plain(chunk: _Fields) -> bool:
    """Returns whether a chunk is as most are, a piece of text and nothing else: no error, and nothing to put right.

    Args:
        chunk: the JSON object.
    """
    choices = chunk.get("choices")
    if type(choices) is not list or len(choices) != 1 or chunk.get("usage") is not None or chunk.get("error"):
        return False
    choice = choices[0]
    if type(choice) is not dict or choice.get("finish_reason") or "error" in choice or "usage" in choice:
        return False
    delta = choice.get("delta")
    return type(delta) is dict and type(delta.get("content")) is str and len(delta) == 1 + ("role" in delta)


def put_right(answer: _Fields, part: str) -> None:
    """Puts what matters in an answer or in a chunk into OpenAI's types, in place.

    Args:
        answer: the JSON object.
        part: `message` of an answer, `delta` of a chunk.

    Raises:
        ValueError: an answer has a choice without a message.
    """
    usage = answer.get("usage")
    choices = answer.get("choices")
    if type(choices) is not list or len(choices) != 1 or type(choices[0]) is not dict or not choices[0]:
        answer["choices"] = choices = _choices(choices)
    for choice in choices:
        said = choice.get(part)
        if type(said) is not dict:
            said = choice[part] = _said(choice, part)
        if said:
            put_message_right(said)
        inner = choice.pop("usage", None)
        usage = usage or inner
    if usage is not None or "usage" in answer:
        answer["usage"] = figures(usage)


def _choices(choices: object) -> list[_Fields]:
    """The choices that say something; some servers send their only one without a list."""
    if isinstance(choices, dict):
        return [choices]
    return [choice for choice in choices if choice and isinstance(choice, dict)] if isinstance(choices, list) else []


def _said(choice: _Fields, part: str) -> _Fields:
    """What a choice says that has no object for it: text, or the object of the other kind of answer.

    Raises:
        ValueError: an answer has a choice without a message.
    """
    said = choice.get(part)
    if isinstance(said, str | list):
        return {"content": said}
    if part in choice and part == "delta":
        return {}  # null beside a message: that repeats what the deltas before have said
    other = choice.get("message" if part == "delta" else "delta")
    if isinstance(other, dict):
        return other
    text = other or choice.get("text")
    if isinstance(text, str | list):
        return {"content": text}
    if part == "message":
        raise ValueError(f"a choice has no message but {said!r}")
    return {}


def put_message_right(message: _Fields) -> None:
    """Puts a message or a delta into OpenAI's types, in place: text, reasoning, tool calls."""
    content = message.get("content")
    if content is not None and type(content) is not str:
        message["content"], reasoning = _text(content)
        if reasoning:
            message["reasoning_content"] = reasoning
    if "reasoning_content" not in message or type(message["reasoning_content"]) is not str:
        for name in ("reasoning_content", *_REASONING_NAMES):
            if found := message.get(name):
                text, more = _text(found)
                message["reasoning_content"] = more or text
                if name != "reasoning_content" and name != "thinking":
                    del message[name]  # it has the name that others give it
                break
    if len(message) > 1 + ("role" in message):  # most deltas have a role and a text at most
        for name, kind in _TYPES_IN_MESSAGE.items():
            if name in message and not _fits(message[name], kind):
                del message[name]
    if "function_call" in message:
        function = message["function_call"]
        function = _function(function) if isinstance(function, dict) else {}
        message["function_call"] = {**function, "arguments": function.get("arguments") or ""} if function else None
    calls = message.get("tool_calls")
    if calls is not None:
        if isinstance(calls, dict):
            calls = [calls]
        message["tool_calls"] = (
            [_call(call) for call in calls if call and isinstance(call, dict)] if isinstance(calls, list) else None
        )


def only_what_fits(answer: _Fields, part: str) -> _Fields:
    """Returns an answer or a chunk without the fields that LiteLLM's types refuse.

    Args:
        answer: the JSON object, put right.
        part: `message` of an answer, `delta` of a chunk.
    """
    fitting: _Fields = {name: value for name, value in answer.items() if name in ("model", "usage", "choices")}
    if isinstance(answer.get("id"), str | int):
        fitting["id"] = str(answer["id"])
    if isinstance(answer.get("created"), int | float):
        fitting["created"] = int(answer["created"])
    if not isinstance(fitting.get("model"), str):
        fitting.pop("model", None)
    for name in ("system_fingerprint", "service_tier"):
        if isinstance(answer.get(name), str):
            fitting[name] = answer[name]
    fitting["choices"] = [_fitting_choice(choice, part) for choice in answer["choices"]]
    return fitting


def _fitting_choice(choice: _Fields, part: str) -> _Fields:
    said: _Fields = choice.get(part) or {}
    if said.get("role") not in _ROLES:
        said.pop("role", None)
    reason = choice.get("finish_reason")
    return {
        "index": choice.get("index") if isinstance(choice.get("index"), int) else 0,
        "finish_reason": reason if isinstance(reason, str) else None,
        part: said,
    }


def figures(usage: object) -> _Fields | None:
    """Returns usage under OpenAI's names, with a total; None for what is no usage.

    Args:
        usage: OpenAI's form, that of its Responses, or one with some figures left out.
    """
    if not isinstance(usage, dict):
        return None
    prompt = _count(usage.get("prompt_tokens"), usage.get("input_tokens"))
    completion = _count(usage.get("completion_tokens"), usage.get("output_tokens"))
    total = _count(usage.get("total_tokens"))
    named = {
        **usage,
        "prompt_tokens": prompt,
        "completion_tokens": completion,
        "total_tokens": total or prompt + completion,
    }
    for name, other in (
        ("prompt_tokens_details", "input_tokens_details"),
        ("completion_tokens_details", "output_tokens_details"),
    ):
        details = usage.get(name) or usage.get(other)
        named.pop(name, None)
        if isinstance(details, dict):
            named[name] = {key: _count(value) for key, value in details.items() if value is not None}
    return named


def _fits(value: object, kind: type) -> bool:
    """Whether LiteLLM takes the value: nothing, or that type; entries of a list are objects."""
    if value is None:
        return True
    return isinstance(value, kind) and (kind is not list or all(isinstance(entry, dict) for entry in value))  # type: ignore[attr-defined]


def _count(*values: object) -> int:
    """The first of these that is a number of tokens, and not 0 if another is more."""
    for value in values:
        if isinstance(value, int | float | str):
            try:
                count = int(float(value))
            except (ValueError, OverflowError):
                continue
            if count > 0:
                return count
    return 0


def _call(call: _Fields) -> _Fields:
    """A tool call, or a piece of one; some name a call before they say what it calls."""
    function = call.get("function")
    function = _function(function) if type(function) is dict else {}
    index = call.get("index")
    call = {**call, "function": function}
    if index is not None and type(index) is not int:
        call["index"] = int(index) if isinstance(index, str) and index.isdecimal() else 0
    for field in ("id", "type"):
        if call.get(field) is not None and type(call[field]) is not str:
            call[field] = str(call[field])
    return call


def _function(function: _Fields) -> _Fields:
    """What a call calls: the name and the arguments are text."""
    arguments = function.get("arguments")
    if arguments is not None and type(arguments) is not str:
        if isinstance(arguments, list) and all(isinstance(piece, str) for piece in arguments):
            arguments = "".join(arguments)
        else:
            arguments = json.dumps(arguments, ensure_ascii=False)
        function = {**function, "arguments": arguments}
    name = function.get("name")
    if name is not None and type(name) is not str:
        function = {**function, "name": str(name)}
    return function


def _text(content: object) -> tuple[str | None, str | None]:
    """The text and the reasoning in a content of parts, in any of the forms that servers give them."""
    texts: list[str] = []
    thoughts: list[str] = []
    _collect(content, texts, thoughts)
    return "".join(texts) or None, "".join(thoughts) or None


def _collect(content: object, texts: list[str], found: list[str]) -> None:
    if isinstance(content, str):
        texts.append(content)
    elif isinstance(content, int | float) and not isinstance(content, bool):
        texts.append(str(content))
    elif isinstance(content, list):
        for part in content:
            _collect(part, texts, found)
    elif isinstance(content, dict):
        kind = content.get("type")
        into = found if kind in _REASONING_PARTS else texts
        for name in ("text", "content", "summary", "reasoning", "thinking"):
            if content.get(name):
                _collect(content[name], into, found)
                break

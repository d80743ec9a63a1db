"""A model for LangChain's suite: it does what the request asks for, and refuses what a model could not make sense of.

Only the words come from here; how they are written upstream is up to the stand-in of the package.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable, Mapping
from typing import Any

Make = Callable[..., Any]

FILE = b"what there is at every address"
"""What the suite gets when it fetches a file."""
STOPPED = "hi"
"""What the suite says where it also says where to stop, and nowhere else."""
FILE_WANTED = re.compile("(this|a random|in this) (audio|diagram|document|image|PDF)")


class Script:
    """What the upstream says.

    Args:
        server: the module of the stand-in, with `Reply`, `Refusal` and `ToolCall`.
        upstream: the stand-in, which has the requests as they came in.
    """

    def __init__(self, server: Any, upstream: Any) -> None:
        self._upstream = upstream
        self._reply: Make = server.Reply
        self._refusal: Make = server.Refusal
        self._tool_call: Make = server.ToolCall

    def __call__(self, asked: Mapping[str, Any]) -> Any:
        """Returns what a request gets, which is in the words of chat completions."""
        if wrong := _refused(asked["messages"]):
            return self._refusal(400, "invalid_request_error", wrong)
        prompt = _prompt(asked["messages"])
        if FILE_WANTED.search(prompt) and not _has_file(self._upstream.requests[-1].body):
            return self._refusal(400, "invalid_request_error", f"no file came with {prompt!r}")
        if prompt == STOPPED and _list(asked.get("stop")) != ["you"]:
            return self._refusal(400, "invalid_request_error", "nothing was said of where to stop")
        tokens = {"prompt_tokens": 20 + len(prompt.split()), "completion_tokens": 9}
        if "cached" in prompt:
            tokens["cached_tokens"] = 16
        if function := _called(asked):
            arguments = json.dumps(_fill(function.get("parameters") or {}, prompt), ensure_ascii=False)
            half = len(arguments) // 2
            call = self._tool_call("call_1", function["name"], (arguments[:half], arguments[half:]))
            return self._reply(text=(), tool_calls=(call,), **tokens)
        form = asked.get("response_format") or {}
        if form.get("type") == "json_schema":
            return self._reply(text=_pieces(_fill(form["json_schema"]["schema"], prompt)), **tokens)
        if form.get("type") == "json_object":
            keys = re.findall(r"'(\w+)'", prompt)  # the prompt names them
            return self._reply(text=_pieces({key: f"the {key}" for key in keys}), **tokens)
        text = "Hello, you there. How are you?"
        for stop in _list(asked.get("stop")):
            text = text.partition(stop)[0]
        return self._reply(text=tuple(f" {word}" for word in text.split(" ")), **tokens)


def _refused(messages: list[Any]) -> str:
    """Returns what an API would not take of a conversation; nothing where all is well."""
    open_calls: set[str] = set()
    for message in messages:
        if message["role"] == "tool":
            if message["tool_call_id"] not in open_calls:
                return f"a result of {message['tool_call_id']}, which was not called"
            open_calls.remove(message["tool_call_id"])
        elif open_calls:
            return f"no result of {sorted(open_calls)}"
        for call in message.get("tool_calls") or []:
            if not isinstance(json.loads(call["function"]["arguments"]), dict):
                return "arguments that are no object"
            open_calls.add(call["id"])
    if open_calls:
        return f"no result of {sorted(open_calls)}"
    return "" if any(message["role"] == "user" for message in messages) else "no question"


def _has_file(body: Any) -> bool:
    """Tells whether a request has the file in it, or its address, as a value of its own and not somewhere in a text."""
    if isinstance(body, str):
        data = base64.b64encode(FILE).decode()
        return (
            body == data or re.fullmatch(f"data:[^,]*;base64,{re.escape(data)}|https://[^ ]*[.]png", body) is not None
        )
    return any(map(_has_file, body.values() if isinstance(body, dict) else body if isinstance(body, list) else ()))


def _prompt(messages: list[Any]) -> str:
    """Returns the text that the user said last."""
    content = next(message["content"] for message in reversed(messages) if message["role"] == "user")
    return content if isinstance(content, str) else " ".join(part.get("text", "") for part in content)


def _called(asked: Mapping[str, Any]) -> Any:
    """Returns the function to call: the one that is chosen, the last one where any is, and else the first, to a question."""
    functions = [tool["function"] for tool in asked.get("tools") or []]
    choice = asked.get("tool_choice") or "auto"
    if isinstance(choice, dict):
        return next(function for function in functions if function["name"] == choice["function"]["name"])
    if not functions or choice == "none":
        return None
    if choice == "required":
        return functions[-1]
    greeted = _prompt(asked["messages"]).startswith("Hello")
    return functions[0] if asked["messages"][-1]["role"] == "user" and not greeted else None


def _fill(schema: Mapping[str, Any], prompt: str) -> Any:
    """Returns a value that fits a schema, with what the prompt says: its number, or what it quotes."""
    number, quoted = re.search(r"\d+", prompt), re.search(r"'([^']+)'", prompt)
    kind = schema.get("type") or next((one.get("type") for one in schema.get("anyOf", ())), "object")
    if kind == "object":
        return {name: _fill(part, prompt) for name, part in (schema.get("properties") or {}).items()}
    values: dict[str, Any] = {
        "integer": int(number[0]) if number else 1,
        "number": float(number[0]) if number else 1.5,
        "string": quoted[1] if quoted else "a cat",
        "array": [],
        "boolean": True,
    }
    return values.get(kind)


def _pieces(value: Any) -> tuple[str, ...]:
    text = json.dumps(value, ensure_ascii=False)
    return text[:7], text[7:]


def _list(value: Any) -> list[str]:
    return [value] if isinstance(value, str) else list(value or [])

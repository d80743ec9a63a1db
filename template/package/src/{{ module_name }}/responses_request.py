"""Requests in OpenAI's Responses: items of messages, tools, parameters. Template's file: do not edit.

Written for itself and not taken from LiteLLM's bridge (litellm/completion_extras/), which is made for OpenAI's own hosts:
version by version it puts system messages in other places, and on some it makes text of what it does not know.
"""

from __future__ import annotations

import base64
import json
import logging
from collections.abc import Collection, Iterator, Mapping
from typing import Any

logger = logging.getLogger(__package__)

_Item = dict[str, Any]
_Message = Mapping[str, Any]

CARRIED = "responses:"
"""How a signature begins that has a reasoning item in it, as JSON in base64.

Every API of LiteLLM brings the signature of a thinking block back with the next turn, and most drop the item. LiteLLM has a
prefix of its own for this, whose blocks it takes out on /v1/messages before a provider such as this one sees them.
"""

_OF_ITEM = ("type", "id", "summary", "content", "encrypted_content")

NO_SUMMARY = "…"
"""The thinking of an item without a summary: of blocks without a text, LiteLLM drops those of streams, and those that come back."""

_PDF = "data:application/pdf;"
_READY_PARTS = frozenset({"input_file", "input_image", "input_text"})
"""Parts of a message that are as Responses has them already."""


def input_of(messages: list[Any]) -> tuple[list[_Item], str]:
    """Returns the items of the input, and the instructions: the system messages before all others.

    Args:
        messages: as OpenAI's chat completions have them.

    Raises:
        ValueError: a message has something that Responses does not take.
    """
    items: list[_Item] = []
    instructions: list[str] = []
    for message in messages:
        role = message["role"]
        if role in ("system", "developer"):
            if not items:
                instructions.append(_text(message.get("content")))
            elif text := _text(message.get("content")):
                # `system` is refused here by some; OpenAI's own word is `developer`.
                items.append(_said_by("developer", [{"type": "input_text", "text": text}]))
        elif role == "user":
            items.append(_said_by("user", [*_parts(message.get("content"))]))
        elif role == "assistant":
            items += _of_assistant(message)
        elif role == "tool":
            items.append(
                {
                    "type": "function_call_output",
                    "call_id": message["tool_call_id"],
                    "output": _output(message.get("content")),
                }
            )
        else:
            raise ValueError(f"messages of role {role!r} are not supported: send user, assistant, system or tool")
    return items, "\n".join(text for text in instructions if text)


def reasoning_block(text: str, item: _Message) -> _Item:
    """Returns the thinking block that carries a reasoning item through the turns of a conversation.

    Args:
        text: what the caller reads of it.
        item: the item, with its `encrypted_content`.
    """
    kept = {name: item[name] for name in _OF_ITEM if item.get(name) is not None}
    mark = base64.urlsafe_b64encode(json.dumps(kept, separators=(",", ":")).encode()).decode()
    return {"type": "thinking", "thinking": text or NO_SUMMARY, "signature": f"{CARRIED}{mark}"}


def tools_of(tools: list[Any], hosted: Collection[str], drop: bool) -> list[_Item]:
    """Returns the tools: functions, and what the upstream runs itself.

    Args:
        tools: as the caller gives them.
        hosted: types of the tools that the upstream runs.
        drop: whether the others are left out (LiteLLM's `drop_params`).

    Raises:
        ValueError: a tool is neither, such as a `custom` one, whose calls have no form in chat completions.
    """
    made: list[_Item] = []
    for tool in tools:
        kind = tool.get("type")
        if kind == "function":
            function = tool.get("function") or tool
            fields = {name: function[name] for name in ("name", "description", "parameters") if name in function}
            # Responses is strict unless told otherwise, and chat completions are not.
            made.append({"type": "function", **fields, "strict": bool(function.get("strict"))})
        elif kind in hosted:
            made.append(dict(tool))
        elif drop:
            logger.warning("a tool of type %s was left out: %s", kind, _instead(hosted))
        else:
            raise ValueError(
                f"tools of type {kind!r} are not supported: {_instead(hosted)}, or set drop_params to leave others out"
            )
    return made


def choice_of(choice: Any) -> Any:
    """Returns the tool choice: a word, a function, or a list of allowed tools, each in Responses' form."""
    if not isinstance(choice, Mapping):
        return "required" if choice == "any" else choice
    kind = choice.get("type")
    if kind == "function":
        return {"type": "function", "name": (choice.get("function") or choice)["name"]}
    if kind == "tool":  # as Anthropic has it
        return {"type": "function", "name": choice["name"]}
    if kind in ("any", "auto", "none", "required"):
        return choice_of(kind)
    if kind == "allowed_tools":
        allowed = choice.get("allowed_tools") or choice
        return {"type": kind, "mode": allowed["mode"], "tools": [choice_of(tool) for tool in allowed["tools"]]}
    return dict(choice)


def text_format_of(response_format: Mapping[str, Any]) -> _Item | None:
    """Returns the form that the text of the answer shall have; None for plain text."""
    kind = response_format.get("type")
    if kind != "json_schema":
        return {"type": kind} if kind == "json_object" else None
    schema = response_format.get("json_schema") or response_format
    fields = {name: schema[name] for name in ("description", "schema", "strict") if schema.get(name) is not None}
    return {"type": kind, "name": schema.get("name") or "answer", **fields}


def reasoning_of(effort: Any, summary: str | None) -> _Item:
    """Returns what Responses is told of reasoning.

    Args:
        effort: the caller's `reasoning_effort`: a word, or an object as Responses has it.
        summary: the kind of summary that is asked for, where the caller does not say.
    """
    asked = dict(effort) if isinstance(effort, Mapping) else {"effort": effort}
    if summary and asked.get("effort") != "none":
        asked.setdefault("summary", summary)
    return asked


def web_search(options: Mapping[str, Any]) -> _Item:
    """Returns the tool that chat completions ask for by `web_search_options`."""
    tool = {"type": "web_search", **options}
    location = options.get("user_location")
    if isinstance(location, Mapping) and isinstance(location.get("approximate"), Mapping):
        tool["user_location"] = {"type": "approximate", **location["approximate"]}
    return tool


def _instead(hosted: Collection[str]) -> str:
    return f"send functions or one of {', '.join(sorted(hosted))}"


def _said_by(role: str, parts: list[_Item]) -> _Item:
    return {"type": "message", "role": role, "content": parts}


def _of_assistant(message: _Message) -> Iterator[_Item]:
    """The items of a turn of the model: what it thought, what it said, what it called."""
    content = message.get("content") or []
    parts = [{"type": "text", "text": content}] if isinstance(content, str) else content
    thoughts = [part for part in parts if part.get("type") in ("thinking", "redacted_thinking")]
    yield from _reasoning(message, [*thoughts, *(message.get("thinking_blocks") or [])])
    said: list[_Item] = []
    for part in parts:
        kind = part.get("type")
        if kind in ("text", "output_text"):
            said.append({"type": "output_text", "text": part["text"]})
        elif kind == "refusal":
            said.append({"type": "refusal", "refusal": part["refusal"]})
        elif kind not in ("thinking", "redacted_thinking"):
            raise ValueError(f"content of type {kind!r} is not supported in a message of the assistant: send text")
    if not said and message.get("refusal"):
        said.append({"type": "refusal", "refusal": message["refusal"]})
    if any(part.get("text") or part.get("refusal") for part in said):
        yield _said_by("assistant", said)
    for call in message.get("tool_calls") or []:
        function = call.get("function")
        if not function:
            raise ValueError(f"tool calls of type {call.get('type')!r} are not supported: send functions")
        fields = {"name": function["name"], "arguments": function.get("arguments") or "{}"}
        yield {"type": "function_call", "call_id": call["id"], **fields}


def _reasoning(message: _Message, blocks: list[Any]) -> Iterator[_Item]:
    """The reasoning items of a turn, as far as they came back: the upstream can read no other thoughts."""
    items = [item for item in message.get("reasoning_items") or [] if item.get("encrypted_content")]
    items += [item for block in blocks if (item := _carried(block.get("signature")))]
    known: set[str] = set()
    for item in items:
        if item["encrypted_content"] not in known:
            known.add(item["encrypted_content"])
            kept = {name: item[name] for name in _OF_ITEM if item.get(name) is not None}
            yield {**kept, "type": "reasoning", "summary": item.get("summary") or []}


def _carried(signature: Any) -> _Item | None:
    """The item in a signature; None for those of others, and for what somebody has changed."""
    if not isinstance(signature, str) or not signature.startswith(CARRIED):
        return None
    try:
        item = json.loads(base64.urlsafe_b64decode(signature.removeprefix(CARRIED)))
    except ValueError:
        return None
    return item if isinstance(item, dict) and isinstance(item.get("encrypted_content"), str) else None


def _output(content: Any) -> Any:
    """A tool's answer: text, or parts where there is an image or a file in it."""
    if content is None or isinstance(content, str):
        return content or ""
    parts = [*_parts(content)]
    if all(part["type"] == "input_text" for part in parts):
        return "".join(part["text"] for part in parts)
    return parts


def _parts(content: Any) -> Iterator[_Item]:
    """The parts of what a user says."""
    found: list[Any] = [content or ""] if isinstance(content, str | None) else content
    for part in found:
        kind = "text" if isinstance(part, str) else part.get("type")
        if kind == "text":
            yield {"type": "input_text", "text": part if isinstance(part, str) else part["text"]}
        elif kind == "image_url":
            image = part["image_url"]
            given = {"url": image} if isinstance(image, str) else image
            if given["url"].startswith(_PDF):  # LiteLLM's translation of Anthropic's Messages makes an image of it
                yield {"type": "input_file", "filename": "document.pdf", "file_data": given["url"]}
                continue
            yield {"type": "input_image", "image_url": given["url"], "detail": given.get("detail") or "auto"}
        elif kind == "file":
            names = ("file_data", "file_id", "file_url", "filename")
            yield {"type": "input_file", **{name: part["file"][name] for name in names if part["file"].get(name)}}
        elif kind == "input_audio":
            yield {"type": kind, "input_audio": part["input_audio"]}
        elif kind in _READY_PARTS:
            yield dict(part)
        else:
            raise ValueError(f"content of type {kind!r} is not supported: send text, image_url, file or input_audio")


def _text(content: Any) -> str:
    """The text of a content that is text or parts of text."""
    if isinstance(content, str | None):
        return content or ""
    return "".join(part if isinstance(part, str) else part.get("text") or "" for part in content)

"""What a model without an HTTP API is asked, and what it says: a call, its events and its errors. Template's file: do not edit.

`ChatConfig.events` of transformation.py is given a `Call` and yields these events; sdk_transport.py does the rest.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any

from ._answers import PROVIDER_NAME, SDK_REQUIREMENT


@dataclass(frozen=True, slots=True)
class Call:
    """One call of the model. Its repr shows no credential."""

    model: str
    """The id, without the provider's prefix."""
    messages: list[dict[str, Any]]
    """In the form of OpenAI's chat completions, tool calls and results included."""
    parameters: dict[str, Any]
    """OpenAI's parameters, of those that `ChatConfig.parameters` names, and what the caller put into `extra_body`."""
    stream: bool
    """Whether the caller wants the answer in pieces; they are yielded in either case."""
    credential: str | None = field(repr=False)
    """The key or the token, without the scheme before it; None where the answer to `auth` is `none`."""
    headers: Mapping[str, str] = field(repr=False)
    """Headers that came with the call or with the credential, that one among them: for SDKs that take headers."""
    api_base: str | None
    """Where the SDK shall send the call, if a deployment or the setting `api_base` says so."""
    timeout: float | None
    """Seconds until the call is given up, for SDKs that take a time limit; None for no limit."""
    request_id: str
    """The id of the call in logs and errors."""
    caller: str
    """Who calls, where LiteLLM's proxy knows: the hash of its key. Sessions of one caller are none of another's."""


@dataclass(frozen=True, slots=True)
class Text:
    """A piece of the answer."""

    text: str


@dataclass(frozen=True, slots=True)
class Reasoning:
    """A piece of what the model thinks before it answers."""

    text: str


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A call of a tool, or a piece of one: the first has the name and the id, all have the same `index`."""

    arguments: str = ""
    """JSON text, or the next piece of it."""
    index: int = 0
    """Which call of the answer it is."""
    id: str | None = None
    name: str | None = None


@dataclass(frozen=True, slots=True)
class Usage:
    """What the call cost, in tokens. Of several, each figure that a later one has counts."""

    prompt_tokens: int
    completion_tokens: int
    cached_tokens: int = 0
    """Those of the prompt that came from a cache."""
    reasoning_tokens: int = 0
    """Those of the completion that were thoughts."""


@dataclass(frozen=True, slots=True)
class Fields:
    """What has no place in OpenAI's answers, such as the id of a session: callers find it in `provider_specific_fields`."""

    values: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Finish:
    """The end, always the last event: an answer without it counts as one that broke off."""

    reason: str = "stop"
    """`stop`, `length` or `content_filter`; `tool_calls` follows from the calls."""


Event = Text | Reasoning | ToolCall | Usage | Fields | Finish


class SdkError(Exception):
    """The model could not answer.

    Args:
        message: for the caller; secrets of the provider are taken out of it.
        status: the HTTP status that would mean the same, which decides what LiteLLM raises: 401, 403, 404, 429, 503 and
            so on. None where the code and the words shall decide, as those of an error in a stream do.
        code: OpenAI's word for it, such as `context_length_exceeded` or `rate_limit_exceeded`, or one of upstream.toml.
        retry_after: seconds in which another try is pointless.
    """

    def __init__(
        self, message: str, status: int | None = None, code: str | None = None, retry_after: float | None = None
    ) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.retry_after = retry_after

    def body(self) -> dict[str, Any]:
        """Returns the error as the body of an HTTP error has it."""
        error: dict[str, Any] = {"message": str(self) or type(self).__name__}
        if self.code is not None:
            error["code"] = self.code
        if self.status is not None:
            error["status"] = self.status
        return {"error": error}

    def headers(self) -> dict[str, str]:
        """Returns the headers of an HTTP error."""
        return {} if self.retry_after is None else {"retry-after": str(math.ceil(self.retry_after))}


def installed(module: str) -> Any:
    """Imports an SDK, which need not be installed where other models are served.

    Args:
        module: its name for `import`.

    Raises:
        SdkError: it is not installed; the message says how to.
    """
    try:
        return import_module(module)
    except ModuleNotFoundError as error:
        if error.name is None or not f"{module}.".startswith(f"{error.name}."):
            raise
        package = SDK_REQUIREMENT or module
        raise SdkError(f"{PROVIDER_NAME} needs the Python module {module}: pip install '{package}'.", 400) from None


def chunk_of(event: Event, call: Call) -> dict[str, Any]:
    """Returns an event as a chunk of OpenAI's chat completions.

    Args:
        event: what was yielded.
        call: the call that it answers.

    Raises:
        TypeError: it is no event.
    """
    if isinstance(event, Text):
        return _chunk(call, {"content": event.text})
    if isinstance(event, Reasoning):
        return _chunk(call, {"reasoning_content": event.text})
    if isinstance(event, ToolCall):
        function = {"name": event.name, "arguments": event.arguments}
        tool_call = {"index": event.index, "id": event.id, "type": "function", "function": function}
        return _chunk(call, {"tool_calls": [tool_call]})
    if isinstance(event, Fields):
        return _chunk(call, {"provider_specific_fields": event.values})
    if isinstance(event, Finish):
        return _chunk(call, {}, event.reason)
    if isinstance(event, Usage):
        usage = {
            "prompt_tokens": event.prompt_tokens,
            "completion_tokens": event.completion_tokens,
            "total_tokens": event.prompt_tokens + event.completion_tokens,
            "prompt_tokens_details": {"cached_tokens": event.cached_tokens},
            "completion_tokens_details": {"reasoning_tokens": event.reasoning_tokens},
        }
        return {"id": call.request_id, "model": call.model, "choices": [], "usage": usage}
    raise TypeError(
        f"events() yielded {type(event).__name__}: yield Text, Reasoning, ToolCall, Usage, Fields or Finish"
    )


def _chunk(call: Call, delta: dict[str, Any], finish_reason: str | None = None) -> dict[str, Any]:
    choice = {"index": 0, "delta": delta, "finish_reason": finish_reason}
    return {"id": call.request_id, "model": call.model, "choices": [choice]}

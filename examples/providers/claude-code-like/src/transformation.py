"""How a call becomes one of the agent's SDK, and what it yields an answer. Yours to edit.

The SDK starts the agent's command line for each call, and reads what that prints:

    async for message in claude_agent_sdk.query(prompt=..., options=ClaudeAgentOptions(model=..., tools=[], ...)):
        ...  # StreamEvent with the pieces, AssistantMessage, and at last ResultMessage

Of the agent, only the model is wanted: no tools, no settings and no files of the machine, one turn, and nothing kept. The
command line takes one message of a user, so that a conversation is written into it, each turn in a tag.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import shutil
import tempfile
import time
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import aclosing, contextmanager, suppress
from pathlib import Path
from typing import Any

from ._answers import ENV_PREFIX
from .sdk_events import Call, Event, Fields, Finish, Reasoning, SdkError, Text, Usage, installed
from .sdk_format import SdkFormatConfig

PROGRAM_VARIABLE = f"{ENV_PREFIX}_PROGRAM"
"""The path of the command line, where it is not the one that the SDK brings along."""

OPENING = "A conversation, each turn in a tag. Say what the assistant says next, without a tag."
_TAG = re.compile(r"<(\\*)(/?turn\b)")
_TAG_IN_TEXT = re.compile(r"<\\(\\*)(/?turn\b)")

# The API's word for why it ended -> OpenAI's finish reason.
FINISH_REASONS = {"max_tokens": "length", "model_context_window_exceeded": "length", "refusal": "content_filter"}

BUDGETS = {"minimal": 1024, "low": 1024, "medium": 4096, "high": 16384, "xhigh": 31999, "max": 31999}
"""Effort -> tokens that the model may think with."""

# What the command line says of an error that has no status.
STATUSES = {
    "authentication_failed": 401,
    "billing_error": 402,
    "invalid_request": 400,
    "rate_limit": 429,
    "server_error": 503,
}
BROKEN_OFF = ("stream ended", "streamtruncated")
LOGIN_WORDS = ("not logged in", "/login", "api key", "oauth token", "setup-token")
LOG_IN = "set CLAUDE_CODE_OAUTH_TOKEN to what `claude setup-token` prints, or log in by `claude`, on the machine that makes the calls"
INSTALL = f"install claude-agent-sdk from a wheel, which brings it along, or set {PROGRAM_VARIABLE} to its path"

# What it does by itself otherwise. LiteLLM tries again, and knows of other deployments; a second answer after half of one
# would be both of them to a caller.
QUIET = {
    "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
    "CLAUDE_CODE_DISABLE_NONSTREAMING_FALLBACK": "1",
    "CLAUDE_CODE_MAX_RETRIES": "0",
    "DISABLE_AUTOUPDATER": "1",
}
MOST_BYTES_OF_A_LINE = 2**25
MOST_OF_STDERR = 2000
EXIT_SECONDS = 5.0


class ChatConfig(SdkFormatConfig):
    """The agent's model, as a chat."""

    # The command line has no flag for others. It runs its tools by itself, so that no caller's tools are taken.
    parameters = ("max_tokens", "reasoning_effort")
    # Each call is a process of some hundred megabytes.
    most_at_once = 8

    async def events(self, call: Call) -> AsyncIterator[Event]:
        """Yields what the model says."""
        sdk = installed("claude_agent_sdk")
        system, content = _said(call.messages)
        stderr = _LastWords()
        answer = _Answer(sdk)
        try:
            with _folder(system) as (folder, system_prompt):
                options = sdk.ClaudeAgentOptions(
                    model=call.model,
                    system_prompt=system_prompt,
                    thinking=_thinking(call.parameters.get("reasoning_effort")),
                    tools=[],
                    max_turns=1,
                    include_partial_messages=True,
                    # As it stands: "@/etc/passwd" in a caller's message would be that file otherwise.
                    verbatim_prompts=True,
                    setting_sources=[],
                    strict_mcp_config=True,
                    extra_args={"no-session-persistence": None},
                    cwd=folder,
                    cli_path=_program(),
                    env=_environment(call),
                    max_buffer_size=MOST_BYTES_OF_A_LINE,
                    stderr=stderr,
                )
                async with aclosing(sdk.query(prompt=_prompt(content), options=options)) as messages:
                    async for message in messages:
                        for event in answer.events(message):
                            yield event
                        if answer.end is not None:
                            break
                    await _ended(messages)
        except sdk.CLINotFoundError as error:
            raise SdkError(f"there is no command line of Claude Code ({_line(error)}): {INSTALL}", 400) from None
        except sdk.ResultError as error:  # before it has begun
            raise answer.error(error.result or "; ".join(error.errors) or str(error), error.api_error_status) from None
        except sdk.ProcessError as error:
            words = f"{stderr} (status {error.exit_code})" if str(stderr) else _line(error)
            raise answer.error(f"the command line of Claude Code failed: {words}", None) from None
        except sdk.CLIConnectionError as error:
            raise SdkError(_line(error), 503) from None
        except sdk.ClaudeSDKError as error:
            raise SdkError(f"{type(error).__name__}: {_line(error)}", 502) from None
        if isinstance(answer.end, SdkError):
            raise answer.end
        if answer.end is not None:
            yield answer.end


async def _ended(messages: AsyncIterator[Any]) -> None:
    """Waits until the command line is over: the SDK closes what it has opened only then, or when it is interrupted."""
    with suppress(Exception):  # what it ends with, the result has said
        async with asyncio.timeout(EXIT_SECONDS):
            async for _ in messages:
                continue


class _Answer:
    """What is known of an answer so far.

    Args:
        sdk: the module of the SDK.
    """

    def __init__(self, sdk: Any) -> None:
        self._sdk = sdk
        self._texts = False
        self.end: Finish | SdkError | None = None
        """What it comes to, as soon as that is known."""
        self._kind = ""
        self._until: float | None = None
        """When a limit ends, in seconds since the epoch."""

    def events(self, message: Any) -> Iterator[Event]:
        """Yields what a message says; `end` has what the last one does."""
        if isinstance(message, self._sdk.StreamEvent):
            delta = message.event.get("delta") or {}
            if delta.get("type") == "text_delta":
                self._texts = True
                yield Text(delta["text"])
            elif delta.get("type") == "thinking_delta":
                yield Reasoning(delta["thinking"])
        elif isinstance(message, self._sdk.AssistantMessage):
            self._kind = message.error or ""
        elif isinstance(message, self._sdk.RateLimitEvent):
            if message.rate_limit_info.status == "rejected":
                self._until = message.rate_limit_info.resets_at
        elif isinstance(message, self._sdk.ResultMessage):
            yield from self._end(message)

    def _end(self, result: Any) -> Iterator[Event]:
        if result.is_error:
            words = result.result or "; ".join(result.errors or []) or result.subtype
            self.end = self.error(words, result.api_error_status)
            return
        if result.result and not self._texts:
            yield Text(result.result)  # it was not streamed
        used = result.usage or {}
        cached = used.get("cache_read_input_tokens") or 0
        written = used.get("cache_creation_input_tokens") or 0
        yield Usage(
            (used.get("input_tokens") or 0) + cached + written, used.get("output_tokens") or 0, cached_tokens=cached
        )
        yield Fields({"session_id": result.session_id})
        self.end = Finish(FINISH_REASONS.get(result.stop_reason or "", "stop"))

    def error(self, words: str, status: int | None) -> SdkError:
        """Returns what words of the command line mean, with the status of the API's answer if there was one."""
        message, code = _of_the_api(words)
        if status is None and any(word in message.lower() for word in BROKEN_OFF):
            status, message = 502, f"{message} There was an answer before a finish reason, or none."
        status = status or STATUSES.get(self._kind)
        if status is None and any(word in message.lower() for word in LOGIN_WORDS):
            status = 401
        if status == 401:
            message = f"{message}; {LOG_IN}"
        pause = max(1.0, self._until - time.time()) if self._until and status == 429 else None
        return SdkError(message, status, code, pause)


class _LastWords:
    """What was said on stderr, the end of it."""

    def __init__(self) -> None:
        self._text = ""

    def __call__(self, line: str) -> None:
        self._text = f"{self._text}\n{line}"[-MOST_OF_STDERR:]

    def __str__(self) -> str:
        return self._text.strip()


def _line(error: Exception) -> str:
    """The first line: the others are advice for who writes against the SDK."""
    return str(error).split("\n", 1)[0].strip()


def _of_the_api(words: str) -> tuple[str, str | None]:
    """The message and the type of an API's error that is told as `API Error: 400 {...}`; the words, if they are none."""
    start = words.find("{")
    try:
        error = json.loads(words[start:])["error"]
        return str(error["message"]), str(error["type"])
    except (ValueError, KeyError, TypeError):
        return words, None


def _thinking(effort: str | None) -> dict[str, Any]:
    """How much the model thinks; without being asked to, not at all."""
    if effort is None or effort == "none":
        return {"type": "disabled"}
    if effort not in BUDGETS:
        raise SdkError(f"reasoning_effort is {effort!r}, and can be {', '.join(BUDGETS)} or none", 400)
    return {"type": "enabled", "budget_tokens": BUDGETS[effort], "display": "summarized"}


def _program() -> str | None:
    given = os.environ.get(PROGRAM_VARIABLE)
    return (shutil.which(given) or os.path.abspath(given)) if given else None


def _environment(call: Call) -> dict[str, str]:
    """Variables of the command line beside those of this process, which win where they say how it behaves."""
    variables = {name: value for name, value in QUIET.items() if name not in os.environ}
    if call.api_base:
        # It puts /v1/messages behind it.
        variables["ANTHROPIC_BASE_URL"] = call.api_base.removesuffix("/v1")
    more = {name: value for name, value in call.parameters.items() if name != "reasoning_effort"}
    if more:  # of the caller's `extra_body`
        own_body = json.loads(os.environ.get("CLAUDE_CODE_EXTRA_BODY") or "{}")
        variables["CLAUDE_CODE_EXTRA_BODY"] = json.dumps(own_body | more)
    lines = [f"{name}: {' '.join(value.split())}" for name, value in call.headers.items()]
    if lines:
        own = os.environ.get("ANTHROPIC_CUSTOM_HEADERS", "")
        variables["ANTHROPIC_CUSTOM_HEADERS"] = "\n".join([*([own] if own else []), *lines])
    return variables


@contextmanager
def _folder(system: str) -> Iterator[tuple[str, dict[str, str] | None]]:
    """An empty folder for the command line to run in, and where the system's words are.

    They are no argument: everybody on the machine could read it, and the system bounds its length.
    """
    with tempfile.TemporaryDirectory(prefix="claude-", ignore_cleanup_errors=True) as folder:
        if not system:
            yield folder, None
            return
        file = Path(folder, "system")
        file.write_text(system, encoding="utf-8")
        yield folder, {"type": "file", "path": str(file)}


async def _prompt(content: list[dict[str, Any]]) -> AsyncIterator[dict[str, Any]]:
    """The one message that the command line is given."""
    message = {"role": "user", "content": content}
    yield {"type": "user", "session_id": "", "message": message, "parent_tool_use_id": None}


def _said(messages: list[dict[str, Any]]) -> tuple[str, list[dict[str, Any]]]:
    """Returns the system's words, and a conversation as the content of one message of a user.

    A message of a user that stands alone is that content. Otherwise its turns are in tags; what looks like one of those in a
    text gets a backslash, so that nobody speaks for another.
    """
    of_system = [message for message in messages if message["role"] in ("system", "developer")]
    turns = [message for message in messages if message not in of_system]
    if not turns:
        of_system, turns = [], [{**message, "role": "user"} for message in of_system]
    system = "\n\n".join(str(block["text"]) for message in of_system for block in _blocks(message) if "text" in block)
    if len(turns) == 1 and turns[0]["role"] == "user":
        return system, [_escaped(block) for block in _blocks(turns[0])]
    content = [_text(OPENING)]
    for turn in turns:
        content.append(_text(f'\n<turn role="{turn["role"]}">\n'))
        content += [_escaped(block) for block in _blocks(turn)]
        content.append(_text("\n</turn>"))
    return system, _joined(content)


def unescaped(text: str) -> str:
    """Returns a text as it was, of one that was written into a conversation."""
    return _TAG_IN_TEXT.sub(r"<\1\2", text)


def _escaped(block: dict[str, Any]) -> dict[str, Any]:
    return _text(_TAG.sub(r"<\\\1\2", block["text"])) if "text" in block else block


def _text(text: str) -> dict[str, Any]:
    return {"type": "text", "text": text}


def _joined(content: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Puts texts together that follow each other."""
    joined: list[dict[str, Any]] = []
    for block in content:
        if joined and "text" in block and "text" in joined[-1]:
            joined[-1] = _text(joined[-1]["text"] + block["text"])
        else:
            joined.append(block)
    return joined


def _blocks(message: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The content of a message in the API's form. Calls of tools, in a conversation that another model began, are text."""
    content = message.get("content") or ""
    parts = [_text(content)] if isinstance(content, str) else content
    blocks = [_image(part) if part.get("type") == "image_url" else _part(part, message["role"]) for part in parts]
    calls = [call["function"] for call in message.get("tool_calls") or []]
    return blocks + [_text(f"\n[called {call['name']}: {call['arguments']}]") for call in calls]


def _part(part: Mapping[str, Any], role: str) -> dict[str, Any]:
    text = part.get("text", part.get("refusal"))
    if text is None:
        raise SdkError(f"a message of {role} has a part of type {part.get('type')}: text and images are taken", 400)
    return _text(str(text))


def _image(part: Mapping[str, Any]) -> dict[str, Any]:
    image = part["image_url"]
    url = str(image["url"] if isinstance(image, Mapping) else image)
    if not url.startswith("data:"):
        return {"type": "image", "source": {"type": "url", "url": url}}
    kind, _, data = url.removeprefix("data:").partition(",")
    return {
        "type": "image",
        "source": {"type": "base64", "media_type": kind.removesuffix(";base64"), "data": data},
    }

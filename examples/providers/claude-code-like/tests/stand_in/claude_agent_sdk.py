"""Plays the agent's SDK, for the tests: what of it transformation.py uses, by the same names. Yours to edit.

It starts the command line, tells it to initialize, hands it the message, and yields what it prints. The real SDK can take
its place: leave this file out of the path, and install claude-agent-sdk.
"""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, fields
from typing import Any

_INITIALIZE = {"type": "control_request", "request_id": "req_1", "request": {"subtype": "initialize", "hooks": None}}
_EXIT_SECONDS = 5.0


class ClaudeSDKError(Exception):
    """Something went wrong."""


class CLIConnectionError(ClaudeSDKError):
    """The command line cannot be started, or takes nothing."""


class CLINotFoundError(CLIConnectionError):
    """There is no command line."""


class ProcessError(ClaudeSDKError):
    """It ended with a status other than 0."""

    def __init__(self, message: str, exit_code: int | None = None) -> None:
        super().__init__(f"{message} (exit code: {exit_code})")
        self.exit_code = exit_code


class ResultError(ProcessError):
    """It did so after a result that says why."""

    def __init__(self, message: str, data: Mapping[str, Any], exit_code: int | None = None) -> None:
        super().__init__(message, exit_code)
        self.result: str | None = data.get("result")
        self.errors: list[str] = data.get("errors") or []
        self.api_error_status: int | None = data.get("api_error_status")


class CLIJSONDecodeError(ClaudeSDKError):
    """It printed what is no JSON."""


@dataclass
class ClaudeAgentOptions:
    """How the command line is started."""

    model: str | None = None
    system_prompt: str | dict[str, str] | None = None
    tools: list[str] | None = None
    max_turns: int | None = None
    include_partial_messages: bool = False
    verbatim_prompts: bool = False
    setting_sources: list[str] | None = None
    strict_mcp_config: bool = False
    extra_args: dict[str, str | None] = field(default_factory=dict)
    thinking: dict[str, Any] | None = None
    cwd: str | None = None
    cli_path: str | None = None
    env: dict[str, str] = field(default_factory=dict)
    max_buffer_size: int | None = None
    stderr: Callable[[str], None] | None = None


@dataclass
class StreamEvent:
    """An event of the API."""

    event: dict[str, Any]


@dataclass
class AssistantMessage:
    """What the model has said, as a whole."""

    content: list[dict[str, Any]]
    error: str | None = None


@dataclass
class SystemMessage:
    """Something about the session."""

    subtype: str


@dataclass
class RateLimitInfo:
    """How much of a limit is used up."""

    status: str
    resets_at: float | None = None


@dataclass
class RateLimitEvent:
    """News of a limit."""

    rate_limit_info: RateLimitInfo


@dataclass
class ResultMessage:
    """The end of a turn."""

    subtype: str
    is_error: bool
    session_id: str
    stop_reason: str | None = None
    usage: dict[str, Any] | None = None
    result: str | None = None
    errors: list[str] | None = None
    api_error_status: int | None = None


Message = StreamEvent | AssistantMessage | SystemMessage | RateLimitEvent | ResultMessage


async def query(*, prompt: AsyncIterable[dict[str, Any]], options: ClaudeAgentOptions) -> AsyncGenerator[Message, None]:
    """Yields what the command line says to a prompt."""
    program = await _started(options)
    at_work = [asyncio.ensure_future(_read_stderr(program, options))]
    result: dict[str, Any] | None = None
    try:
        await _write(program, _INITIALIZE)
        async for said in _lines(program, options):
            if said["type"] == "control_response":
                at_work.append(asyncio.ensure_future(_hand_over(program, prompt, options)))
                continue
            result = said if said["type"] == "result" else None
            message = _message(said)
            if message is not None:
                yield message
        exit_code = await program.wait()
        await asyncio.wait(at_work[:1], timeout=1)
        if exit_code and result is not None:
            raise ResultError(f"Claude Code returned an error result: {result['result']}", result, exit_code)
        if exit_code:
            raise ProcessError(f"Command failed with exit code {exit_code}", exit_code)
    finally:
        if result is None and program.returncode is None:
            program.kill()
        for task in at_work:
            task.cancel()
        with suppress(TimeoutError):
            await asyncio.wait_for(program.wait(), _EXIT_SECONDS)
        if program.returncode is None:
            program.kill()


def _command(options: ClaudeAgentOptions) -> list[str]:
    if options.cli_path is None:
        raise CLINotFoundError("Claude Code not found. Install with:\n  npm install -g @anthropic-ai/claude-code")
    command = [options.cli_path, "--output-format", "stream-json", "--verbose", "--model", str(options.model)]
    if isinstance(options.system_prompt, dict):
        command += ["--system-prompt-file", options.system_prompt["path"]]
    else:
        command += ["--system-prompt", options.system_prompt or ""]
    if options.tools is not None:
        command += ["--tools", ",".join(options.tools)]
    if options.max_turns:
        command += ["--max-turns", str(options.max_turns)]
    if options.include_partial_messages:
        command.append("--include-partial-messages")
    if options.strict_mcp_config:
        command.append("--strict-mcp-config")
    if options.setting_sources is not None:
        command.append(f"--setting-sources={','.join(options.setting_sources)}")
    command += [f"--{name}" if value is None else f"--{name}={value}" for name, value in options.extra_args.items()]
    return [*command, *_thinking(options.thinking or {}), "--input-format", "stream-json"]


def _thinking(thinking: Mapping[str, Any]) -> list[str]:
    command = ["--thinking", "disabled"] if thinking.get("type") == "disabled" else []
    if "budget_tokens" in thinking:
        command += ["--max-thinking-tokens", str(thinking["budget_tokens"])]
    return command + (["--thinking-display", thinking["display"]] if "display" in thinking else [])


async def _started(options: ClaudeAgentOptions) -> asyncio.subprocess.Process:
    pipe = asyncio.subprocess.PIPE
    try:
        return await asyncio.create_subprocess_exec(
            *_command(options),
            stdin=pipe,
            stdout=pipe,
            stderr=pipe,
            cwd=options.cwd,
            env={**os.environ, **options.env},
        )
    except FileNotFoundError:
        raise CLINotFoundError(f"Claude Code not found at: {options.cli_path}") from None
    except OSError as error:
        raise CLIConnectionError(f"Failed to start Claude Code: {error}") from None


async def _write(program: asyncio.subprocess.Process, message: Mapping[str, Any]) -> None:
    assert program.stdin is not None
    with suppress(ConnectionError):  # it has ended, and says why on its own
        program.stdin.write(json.dumps(message).encode() + b"\n")
        await program.stdin.drain()


async def _hand_over(
    program: asyncio.subprocess.Process, prompt: AsyncIterable[dict[str, Any]], options: ClaudeAgentOptions
) -> None:
    assert program.stdin is not None
    async for message in prompt:
        await _write(program, {**message, "client_composed": True} if options.verbatim_prompts else message)
    program.stdin.close()


async def _read_stderr(program: asyncio.subprocess.Process, options: ClaudeAgentOptions) -> None:
    assert program.stderr is not None
    while line := await program.stderr.readline():
        if options.stderr is not None and line.strip():
            options.stderr(line.decode("utf-8", "replace").rstrip())


async def _lines(program: asyncio.subprocess.Process, options: ClaudeAgentOptions) -> AsyncIterator[dict[str, Any]]:
    """Yields the JSON of each line. It is read in pieces, so that not much more waits than there is room for in a pipe."""
    assert program.stdout is not None
    pending = bytearray()
    while read := await program.stdout.read(2**16):
        *lines, rest = read.split(b"\n")
        for line in lines:
            whole = bytes(pending) + line
            pending.clear()
            if whole.startswith(b"{"):
                yield _object(whole)
        pending += rest
        if len(pending) > (options.max_buffer_size or 2**20):
            raise CLIJSONDecodeError(f"JSON message exceeded maximum buffer size of {options.max_buffer_size} bytes")


def _object(line: bytes) -> dict[str, Any]:
    try:
        said: dict[str, Any] = json.loads(line)
    except ValueError:
        raise CLIJSONDecodeError(f"Failed to decode JSON: {line[:100]!r}...") from None
    return said


def _message(said: dict[str, Any]) -> Message | None:
    kind = said["type"]
    if kind == "stream_event":
        return StreamEvent(said["event"])
    if kind == "assistant":
        return AssistantMessage(said["message"]["content"], said.get("error"))
    if kind == "system":
        return SystemMessage(said["subtype"])
    if kind == "rate_limit_event":
        info = said["rate_limit_info"]
        return RateLimitEvent(RateLimitInfo(info["status"], info.get("resetsAt")))
    if kind == "result":
        return ResultMessage(**{one.name: said.get(one.name) for one in fields(ResultMessage)})  # type: ignore[arg-type]
    return None

"""Runs a program for a call, and reads what it prints line by line. Template's file: do not edit."""

from __future__ import annotations

import asyncio
import json
import os
import shlex
import signal
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import suppress
from typing import Any

from ._answers import ENV_PREFIX, PROGRAM
from .sdk_events import SdkError

MOST_BYTES_OF_A_LINE = 2**25
MOST_BYTES = 2**28
"""Bytes that a program may print in all."""

_STDERR_BYTES = 2000
"""Of stderr, and of lines that are no JSON: what is kept for errors, the last ones."""

_LAST_WORDS_SECONDS = 0.5
"""How long stderr is read when the program is over; a child that it left behind may keep it open."""

_REAP_SECONDS = 1.0


PROGRAM_VARIABLE = f"{ENV_PREFIX}_PROGRAM"


def program() -> list[str]:
    """Returns the program with the arguments that each call has: what the environment says, else the answer to `program`.

    Raises:
        ProgramError: it cannot be split into words as a shell splits them.
    """
    given = os.environ.get(PROGRAM_VARIABLE) or PROGRAM
    try:
        return shlex.split(given, posix=os.name == "posix")
    except ValueError as error:
        raise ProgramError(f"{PROGRAM_VARIABLE} is {given!r}, which is no command: {error}", status=400) from None


class ProgramError(SdkError):
    """A program ended badly, or printed what it should not.

    Args:
        message: for the caller.
        exit_status: what it ended with; negative for a signal, None while it ran.
        stderr: the last that it said there.
    """

    def __init__(
        self, message: str, exit_status: int | None = None, stderr: str = "", status: int | None = None
    ) -> None:
        super().__init__(message, status=status)
        self.exit_status = exit_status
        self.stderr = stderr


async def json_lines(
    command: Sequence[str], stdin: str | bytes, environment: Mapping[str, str] | None = None, folder: str | None = None
) -> AsyncGenerator[dict[str, Any], None]:
    """Runs a program and yields the JSON objects that it prints, one a line. Lines that are none are left out.

    Closing the generator kills the program with all that it has started, so use it with `contextlib.aclosing`. Leave the loop
    at the line that ends the answer: what the program does afterwards is not waited for. One that has something to save
    then is read to its end.

    Args:
        command: the program and its arguments; no shell sees them. The prompt is none of them: everybody on the machine
            could read it, and the system bounds their length.
        stdin: what the program reads.
        environment: variables beside those of this process, such as the one that has the credential.
        folder: where it runs; where this process does, unless given.

    Raises:
        ProgramError: it cannot be started, ended with another status than 0, or printed no end of it; the message has the
            last that it said.
    """
    program = await _started(command, environment, folder)
    name = os.path.basename(command[0])
    said = bytearray()
    at_work = [asyncio.ensure_future(_read_stderr(program, said)), asyncio.ensure_future(_write(program, stdin))]
    printed = 0
    try:
        assert program.stdout is not None
        while True:
            try:
                line = await program.stdout.readline()
            except ValueError:
                raise ProgramError(
                    f"{name} printed a line of more than {MOST_BYTES_OF_A_LINE} bytes", status=502
                ) from None
            if not line:
                break
            printed += len(line)
            if printed > MOST_BYTES:
                raise ProgramError(f"{name} printed more than {MOST_BYTES} bytes", status=502)
            content = _object(line, name)
            if content is None:
                _keep(said, line)
            else:
                yield content
        exit_status = await program.wait()
        await asyncio.wait(at_work[:1], timeout=_LAST_WORDS_SECONDS)
        if exit_status != 0:
            words = said.decode("utf-8", "replace").strip()
            last = words.splitlines()[-1].strip() if words else "nothing on stderr"
            raise ProgramError(f"{name} ended with {_in_words(exit_status)}: {last}", exit_status, words)
    finally:
        _kill(program)  # with no await before it: who was cancelled gets no further
        for task in at_work:
            task.cancel()
        with suppress(TimeoutError):  # asyncio complains of processes that outlive its loop
            await asyncio.wait_for(program.wait(), _REAP_SECONDS)


async def _started(
    command: Sequence[str], environment: Mapping[str, str] | None, folder: str | None
) -> asyncio.subprocess.Process:
    pipe = asyncio.subprocess.PIPE
    try:
        return await asyncio.create_subprocess_exec(
            *command,
            stdin=pipe,
            stdout=pipe,
            stderr=pipe,
            limit=MOST_BYTES_OF_A_LINE,
            env={**os.environ, **(environment or {})},
            cwd=folder,
            start_new_session=True,
        )
    except OSError as error:
        raise ProgramError(
            f"the program {command[0]!r} cannot be run ({error.strerror}): install it, or set {PROGRAM_VARIABLE} to its path",
            status=400,
        ) from None


async def _write(program: asyncio.subprocess.Process, content: str | bytes) -> None:
    """Writes stdin beside the reading: a program that prints before it has read all would wait for us, and we for it."""
    assert program.stdin is not None
    with suppress(ConnectionError):  # it has ended, and says why on its own
        program.stdin.write(content.encode() if isinstance(content, str) else content)
        await program.stdin.drain()
    program.stdin.close()


async def _read_stderr(program: asyncio.subprocess.Process, said: bytearray) -> None:
    assert program.stderr is not None
    while read := await program.stderr.read(4096):
        _keep(said, read)


def _keep(said: bytearray, more: bytes) -> None:
    said += more
    del said[:-_STDERR_BYTES]


def _object(line: bytes, name: str) -> dict[str, Any] | None:
    """The JSON object of a line; None for one that is a word to people."""
    if not line.lstrip().startswith(b"{"):
        return None
    try:
        content = json.loads(line)
    except ValueError:
        start = line[:200].decode("utf-8", "replace").strip()
        what = "half a line" if not line.endswith(b"\n") else "a line that is no JSON"
        raise ProgramError(f"{name} printed {what}: {start}", status=502) from None
    return content if isinstance(content, dict) else None


def _in_words(exit_status: int) -> str:
    if exit_status >= 0:
        return f"status {exit_status}"
    try:
        return f"signal {signal.Signals(-exit_status).name}"
    except ValueError:
        return f"signal {-exit_status}"


def _kill(program: asyncio.subprocess.Process) -> None:
    """Kills the program and what it has started; on Windows, which has no process groups, the program."""
    with suppress(ProcessLookupError, PermissionError):
        if hasattr(os, "killpg"):
            os.killpg(program.pid, signal.SIGKILL)
        elif program.returncode is None:
            program.kill()

"""Programs that are not there, die, hang, flood and leave children behind. Template's file: do not edit."""

from __future__ import annotations

import asyncio
import gc
import os
import shlex
import sys
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import aclosing, suppress
from pathlib import Path
from typing import Any

import litellm
import pytest
from litellm import acompletion, completion

from ..package import answers, part, registration, transformation
from .calls import HELLO, MODES, Mode, ask, cause, stream, text_of
from .server import Upstream

sdk = part("sdk_events")
programs = part("sdk_program")

Use = Callable[..., None]
SAY = "import json, sys\ndef say(**event): print(json.dumps(event), flush=True)\n"
MARK = f"of-this-test-{os.getpid()}"
HANG = SAY + 'import time\nsay(text="Hel")\ntime.sleep(60)\n'


@pytest.fixture
def use(upstream: Upstream, monkeypatch: pytest.MonkeyPatch) -> Use:
    """Lets the provider run a program: the source of one in Python, or words of a command."""

    def put(program: str | Sequence[str], stdin: str | bytes = "", most_at_once: int = 16) -> None:
        command = [sys.executable, "-ISc", program] if isinstance(program, str) else program

        async def events(call: Any) -> AsyncIterator[Any]:
            async with aclosing(programs.json_lines(command, stdin, {"EXAMPLE_TOKEN": "secret-of-the-test"})) as lines:
                async for line in lines:
                    yield sdk.Text(line["text"]) if "text" in line else sdk.Finish()

        members = {"events": staticmethod(events), "most_at_once": most_at_once}
        config = type("Config", (transformation.ChatConfig,), members)()
        monkeypatch.setattr(registration.register().drivers["chat"], "config", config)

    return put


def children() -> list[str]:
    """Returns the command lines of the processes that this one, or a process of it, has started."""
    found: list[str] = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            fields = stat.read_text().rpartition(")")[2].split()
            command = stat.with_name("cmdline").read_text().replace("\0", " ").strip()
            if fields[0] != "Z" and MARK in command:
                found.append(command)
    return found


def gone() -> bool:
    """Whether the children are gone within a few seconds."""
    deadline = time.monotonic() + 5
    while children() and time.monotonic() < deadline:
        time.sleep(0.02)
    return not children()


# What a program does -> what comes of it.
FAULTS = {
    "is not there": (["/nowhere/program-of-this-test"], litellm.BadRequestError, r"'/nowhere/program.*\(No such file"),
    "may not be executed": (
        [__file__],
        litellm.BadRequestError,
        r"\(Permission denied\): install it, or set .*_PROGRAM",
    ),
    "exits early": (
        "import sys; sys.stderr.write('starting\\nno quota left: rate limit exceeded\\n'); sys.exit(3)",
        litellm.RateLimitError,
        "ended with status 3: no quota left",
    ),
    "exits early and says nothing": ("raise SystemExit(4)", litellm.InternalServerError, "status 4: nothing on stderr"),
    "prints words and exits": ("print('Please log in.'); raise SystemExit(1)", Exception, "status 1: Please log in"),
    "ends too soon, as if all were well": (SAY + "say(text='Hel')", litellm.BadGatewayError, "before a finish reason"),
    "says nothing": ("", litellm.BadGatewayError, "before a finish reason"),
    "is killed in the middle": (
        SAY + "import os; say(text='Hel'); os.kill(os.getpid(), 9)",
        litellm.InternalServerError,
        "ended with signal SIGKILL",
    ),
    "writes half a line": (
        SAY + 'sys.stdout.write(\'{"text": "Hel\')',
        litellm.BadGatewayError,
        'printed half a line: {"text": "Hel',
    ),
    "writes a line that is none": (SAY + "print('{text}')", litellm.BadGatewayError, "printed a line that is no JSON"),
    "writes bytes": (SAY + 'sys.stdout.buffer.write(b\'{"text": "\\xff"\\n\')', litellm.BadGatewayError, "no JSON"),
    "floods a line": (
        "while True: print('x' * 65536, end='')",
        litellm.BadGatewayError,
        "a line of more than 200000 bytes",
    ),
    "floods lines": ("while True: print('x' * 1000)", litellm.BadGatewayError, "printed more than 900000 bytes"),
}


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("mode", MODES)
def test_faults(mode: Mode, fault: str, use: Use, model: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(programs, "MOST_BYTES_OF_A_LINE", 200_000)
    monkeypatch.setattr(programs, "MOST_BYTES", 900_000)
    program, kind, words = FAULTS[fault]
    use(program)
    with pytest.raises(kind, match=words) as caught:
        ask(mode, model)
    assert "secret-of-the-test" not in str(caught.value)
    with pytest.raises(Exception, match=words) as caught:
        stream(mode, model)
    assert isinstance(cause(caught.value), kind)


def test_what_is_kept_of_a_failure(use: Use) -> None:
    async def run() -> None:
        command = [sys.executable, "-ISc", "import sys; sys.stderr.write('x' * 9000 + 'the end'); sys.exit(7)"]
        async for _ in programs.json_lines(command, ""):
            continue

    with pytest.raises(programs.ProgramError) as caught:
        asyncio.run(run())
    assert caught.value.exit_status == 7
    assert caught.value.stderr.endswith("the end")
    assert len(caught.value.stderr) <= 2000


@pytest.mark.parametrize("mode", MODES)
def test_noise(mode: Mode, use: Use, model: str) -> None:
    """Words on stdout, megabytes on stderr, a prompt that is not read, one that is read late, a long line."""
    use(
        SAY
        + "print('Welcome!'); print(''); print('[1, 2]')\n"
        + "sys.stderr.write('x' * 3_000_000)\n"
        + "say(text='y' * 3_000_000); say(text='|' + str(len(sys.stdin.read()))); say(end=True)",
        stdin="p" * 3_000_000,
    )
    assert ask(mode, model).choices[0].message.content == "y" * 3_000_000 + "|3000000"
    use(SAY + "say(text='Hello'); say(end=True)", stdin="p" * 3_000_000)
    assert text_of(stream(mode, model)) == "Hello"


def test_no_shell_and_no_prompt_on_the_command_line(use: Use, model: str, tmp_path: Path) -> None:
    """Whoever is on the machine can read the arguments of a program."""
    show = (
        SAY
        + "import os; say(text=json.dumps([sys.argv[1:], sys.stdin.read(), os.environ['EXAMPLE_TOKEN']])); say(end=1)"
    )
    words = ["$(touch broken)", "; touch broken", "a b", "*", "'"]
    use([sys.executable, "-ISc", show, *words], stdin="ä prompt")
    said = ask("sync", model).choices[0].message.content
    assert said == '[["$(touch broken)", "; touch broken", "a b", "*", "\'"], "\\u00e4 prompt", "secret-of-the-test"]'
    assert not (tmp_path / "broken").exists()


@pytest.mark.skipif(not os.path.isdir("/proc"), reason="litellm: this system does not list its processes")
@pytest.mark.parametrize("leaves", [False, True])
def test_killed_with_its_children(leaves: bool, use: Use, model: str) -> None:
    """When the caller goes, when the time is up, and when the answer is whole and a child holds on to the pipe."""
    child = (
        f"import subprocess, sys\nsubprocess.Popen([sys.executable, '-ISc', 'import time; time.sleep(60)', '{MARK}'])\n"
    )
    command = [sys.executable, "-ISc", child + HANG, MARK]
    if leaves:
        command = [sys.executable, "-ISc", child + SAY + "say(text='Hello'); say(end=True)", MARK]
        use(command)
        assert ask("sync", model, timeout=20).choices[0].message.content == "Hello"
        assert gone()
        assert ask("async", model, timeout=20).choices[0].message.content == "Hello"
        assert gone()
        return
    use(command)
    with pytest.raises(litellm.Timeout):
        ask("sync", model, timeout=1)
    assert gone()
    dropped: Any = completion(model=model, messages=HELLO, stream=True)
    next(dropped)
    assert len(children()) == 2
    del dropped
    gc.collect()
    assert gone()

    async def cancelled() -> None:
        answer: Any = await acompletion(model=model, messages=HELLO, stream=True)
        await anext(answer)
        assert len(children()) == 2
        waiting = asyncio.ensure_future(anext(answer))
        await asyncio.sleep(0.05)
        waiting.cancel()
        with suppress(asyncio.CancelledError):
            await waiting
        await answer.aclose() if hasattr(answer, "aclose") else None
        assert await asyncio.to_thread(gone)

    asyncio.run(cancelled())

    async def given_up() -> None:
        task = asyncio.ensure_future(acompletion(model=model, messages=HELLO))
        while len(children()) < 2:
            await asyncio.sleep(0.02)
        task.cancel()  # and the loop ends

    asyncio.run(given_up())
    assert gone()


@pytest.mark.skipif(not os.path.isdir("/proc"), reason="litellm: this system does not list its processes")
def test_number_of_processes(use: Use, model: str) -> None:
    async def many() -> None:
        slow = SAY + "import time; time.sleep(0.3); say(text='Hello'); say(end=True)"
        use([sys.executable, "-ISc", slow, MARK], most_at_once=2)
        calls = [asyncio.ensure_future(acompletion(model=model, messages=HELLO)) for _ in range(6)]
        most = 0
        while not all(call.done() for call in calls):
            most = max(most, len(children()))
            await asyncio.sleep(0.01)
        assert most == 2
        assert [call.result().choices[0].message.content for call in calls] == ["Hello"] * 6

    asyncio.run(many())


def test_command_of_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(programs.PROGRAM_VARIABLE, "'/opt/my program' --fast \"a b\"")
    assert programs.program() == ["/opt/my program", "--fast", "a b"]
    monkeypatch.setenv(programs.PROGRAM_VARIABLE, "'/opt")
    with pytest.raises(programs.ProgramError, match=f"{programs.PROGRAM_VARIABLE} is .* which is no command"):
        programs.program()
    monkeypatch.setenv(programs.PROGRAM_VARIABLE, "")
    assert programs.program() == shlex.split(answers.PROGRAM)

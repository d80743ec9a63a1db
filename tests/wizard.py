"""Drives the questions of Copier in a terminal."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pexpect

from tests.answers import questions
from tests.support import environment

ENTER = "\r"
# A list of lines takes Enter as a new line; Esc and Enter end it.
END_OF_LINES = "\x1b\r"
UP = "\x1b[A"
DOWN = "\x1b[B"
CLEAR = "\x15"
# Draws the whole screen anew: the terminal is otherwise sent only the letters that have changed.
REDRAW = "\x0c"
_ESCAPES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


class Wizard:
    """A command that waits for answers."""

    def __init__(self, command: Path, *arguments: str, cwd: Path, **more: str) -> None:
        self._log: list[str] = []
        self._child: pexpect.spawn[str] = pexpect.spawn(
            str(command),
            [*arguments],
            # Without these, prompt_toolkit asks the terminal where its cursor is and waits for an answer.
            env=environment(PROMPT_TOOLKIT_NO_CPR="1", TERM="xterm", LANG="C.UTF-8", **more),
            cwd=str(cwd),
            dimensions=(60, 200),
            encoding="utf-8",
            timeout=60,
        )

    def expect(self, text: str) -> None:
        """Waits until the text is on the screen."""
        self._child.expect(re.escape(text))
        self._log.append(f"{self._child.before}{self._child.after}")

    def asks(self, name: str) -> None:
        """Waits until the question of that name is asked and can be answered."""
        self.expect(str(questions()[name]["help"]))
        # The end of a redraw: what is sent from here on is an answer to this question.
        self.expect("\x1b[?7h")

    def send(self, keys: str) -> None:
        """Presses keys."""
        self._child.send(keys)

    def interrupt(self) -> None:
        """Presses Ctrl-C."""
        self._child.sendintr()

    def end(self) -> int:
        """Waits for the end and returns the exit status."""
        self._child.expect(pexpect.EOF)
        self._log.append(f"{self._child.before}")
        self._child.close()
        return int(self._child.exitstatus if self._child.exitstatus is not None else -1)

    @property
    def screen(self) -> str:
        """Everything shown so far, without colours and cursor movements."""
        return _ESCAPES.sub("", "".join(self._log)).replace("\r\n", "\n")

    def close(self) -> None:
        """Ends the program if a test has left it running."""
        self._child.close(force=True)


@contextmanager
def dialog_with(command: Path, *arguments: str, cwd: Path, **more: str) -> Iterator[Wizard]:
    """Starts a command in a terminal, and ends it with the block."""
    started = Wizard(command, *arguments, cwd=cwd, **more)
    try:
        yield started
    finally:
        started.close()


@contextmanager
def wizard(template: Path, folder: Path, *options: str) -> Iterator[Wizard]:
    """Starts `copier copy` in a terminal, and ends it with the block."""
    copier = Path(sys.executable).parent / "copier"
    with dialog_with(copier, "copy", *options, str(template), str(folder), cwd=folder.parent) as started:
        yield started

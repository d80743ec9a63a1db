"""Drives the questions of Copier in a terminal."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pexpect
import pyte

from testing.answers import ROOT, questions
from testing.support import QUICK, environment

ENTER = "\r"
# A list of lines takes Enter as a new line; Esc and Enter end it.
END_OF_LINES = "\x1b\r"
UP = "\x1b[A"
DOWN = "\x1b[B"
CLEAR = "\x15"
# What a terminal makes of pasted text: Copier looks at it once, and at each letter that is typed.
PASTE = "\x1b[200~{}\x1b[201~"
# Draws the whole screen anew: the terminal is otherwise sent only the letters that have changed.
REDRAW = "\x0c"
# The end of a redraw.
_DRAWN = "\x1b[?7h"
_ESCAPES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


class _Feed:
    """What pexpect hands on all that it reads to."""

    def __init__(self, screen: pyte.Screen) -> None:
        self._stream = pyte.Stream(screen)

    def write(self, text: str) -> None:
        self._stream.feed(text)

    def flush(self) -> None:
        """Nothing is held back."""


class Wizard:
    """A command that waits for answers, in a terminal of so many columns."""

    def __init__(self, command: Path, *arguments: str, cwd: Path, columns: int = 200, **more: str) -> None:
        self._log: list[str] = []
        self._terminal = pyte.Screen(columns, 60)
        self._child: pexpect.spawn[str] = pexpect.spawn(
            str(command),
            [*arguments],
            # Without these, prompt_toolkit asks the terminal where its cursor is and waits for an answer.
            env=environment(PROMPT_TOOLKIT_NO_CPR="1", TERM="xterm", LANG="C.UTF-8", **more),
            cwd=str(cwd),
            dimensions=(60, columns),
            encoding="utf-8",
            timeout=60,
        )
        self._child.delaybeforesend = None  # for programs that ask for passwords
        self._child.logfile_read = _Feed(self._terminal)

    def expect(self, text: str) -> None:
        """Waits until the text is on the screen."""
        self._child.expect(re.escape(text))
        self._log.append(f"{self._child.before}{self._child.after}")

    def asks(self, name: str) -> None:
        """Waits until the question of that name is asked and can be answered."""
        self.expect(str(questions()[name]["help"]))
        # What is sent from here on is an answer to this question.
        self.expect(_DRAWN)

    @property
    def rows(self) -> list[str]:
        """The rows of the screen, as they can be read now."""
        return [row.rstrip() for row in self._terminal.display]

    def row(self, start: str) -> str:
        """Waits until a row of the screen starts so, and returns it."""
        while not (found := [row for row in self.rows if row.startswith(start)]):
            self.expect(_DRAWN)
        return found[-1]

    def gone(self, start: str) -> None:
        """Waits until no row of the screen starts so."""
        while any(row.startswith(start) for row in self.rows):
            self.expect(_DRAWN)

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
def dialog_with(command: Path, *arguments: str, cwd: Path, columns: int = 200, **more: str) -> Iterator[Wizard]:
    """Starts a command in a terminal, and ends it with the block."""
    started = Wizard(command, *arguments, cwd=cwd, columns=columns, **more)
    try:
        yield started
    finally:
        started.close()


def copier_dialog(*arguments: str, cwd: Path, columns: int = 200) -> AbstractContextManager[Wizard]:
    """Starts Copier in a terminal, and ends it with the block."""
    program, *quick = QUICK
    return dialog_with(Path(program), *quick, "copier", *arguments, cwd=cwd, columns=columns, PYTHONPATH=str(ROOT))


def wizard(template: Path, folder: Path, *options: str, columns: int = 200) -> AbstractContextManager[Wizard]:
    """Starts `copier copy` in a terminal, and ends it with the block."""
    return copier_dialog("copy", *options, str(template), str(folder), cwd=folder.parent, columns=columns)

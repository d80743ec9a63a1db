"""Copier without what is most of a render's time and does nothing here: `python testing/quick.py <module> …` runs a program so.

Copier compiles each file, and each part of each path, anew for each render, and asks git once for each file whether a
repository around it notes modes. The tests render some thousand times. What was compiled is kept in a folder; programs that
users start have all of it.
"""

from __future__ import annotations

import io
import json
import marshal
import os
import runpy
import signal
import sys
import tempfile
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from types import CodeType
from typing import Any

import jinja2

KEPT = Path(__file__).resolve().parent.parent / ".venv-rendered"
"""What outlives a test run, so that only the first one is slow. `make clean` removes it."""
_PATH = KEPT / f"jinja-{jinja2.__version__}-{sys.implementation.cache_tag}"

_compiled: dict[str, CodeType] = {}
_read = 0


def renew() -> None:
    """Reads what was compiled before, unless that is known."""
    global _read
    try:
        written = _PATH.stat().st_mtime_ns
    except OSError:
        return
    if written != _read:
        _read = written
        _compiled.update(_kept())


@contextmanager
def quick_renders() -> Iterator[None]:
    """Lets renders in this process be quick."""
    compile_ = jinja2.Environment.compile
    renew()
    new: dict[str, CodeType] = {}
    undo: list[Callable[[], None]] = []

    def compile_once(
        environment: jinja2.Environment, source: str, name: str | None = None, *more: object
    ) -> CodeType | str:
        if not undo:
            undo.append(_without_modes())
        if any(more[1:]):
            return compile_(environment, source, name, *more)  # type: ignore[call-overload, no-any-return]
        key = repr((environment.keep_trailing_newline, *environment.extensions, name, source))
        code = _compiled.get(key)
        if code is None:
            code = _compiled[key] = new[key] = compile_(environment, source, name, *more)  # type: ignore[call-overload]
        return code

    jinja2.Environment.compile = compile_once  # type: ignore[method-assign, assignment]
    try:
        yield
    finally:
        jinja2.Environment.compile = compile_  # type: ignore[method-assign]
        for each in undo:
            each()
        if new:
            _keep(new)


def _without_modes() -> Callable[[], None]:
    """Lets Copier ask git for no modes, and returns what undoes that.

    It imports Copier, whose library for processes takes the environment as it is then; so it is called once Copier renders.
    """
    from copier._main import Worker

    mode = Worker._sync_git_index_executable_bit

    def undo() -> None:
        Worker._sync_git_index_executable_bit = mode  # type: ignore[method-assign]

    Worker._sync_git_index_executable_bit = lambda *_: None  # type: ignore[method-assign]
    return undo


def _kept() -> dict[str, CodeType]:
    """Reads what was compiled before; nothing where that cannot be read."""
    try:
        found: dict[str, CodeType] = marshal.loads(_PATH.read_bytes())  # noqa: S302 - written below
    except (OSError, EOFError, ValueError, TypeError):
        return {}
    return found


def _keep(new: dict[str, CodeType]) -> None:
    """Adds what was compiled to the file; of two that do so at a time, one may win."""
    KEPT.mkdir(parents=True, exist_ok=True)
    handle, unfinished = tempfile.mkstemp(dir=KEPT)
    with os.fdopen(handle, "wb") as file:
        file.write(marshal.dumps({**_kept(), **new}))
    os.replace(unfinished, _PATH)


def run() -> None:
    """Runs the module that the arguments name, which renders quickly."""
    name = sys.argv[0]
    with quick_renders():
        if name == "provider_template":
            _fork_beside()
        runpy.run_module(name, run_name="__main__", alter_sys=True)


def _fork_beside() -> None:
    """Lets the tool's second render be a fork of this process, instead of a process that imports Copier again."""
    from provider_template import render

    render.Beside.__init__ = _beside  # type: ignore[method-assign]


def follow_environment() -> None:
    """Lets Copier's library for processes take the environment as it is when it starts one, not as it was when imported."""
    import copier  # noqa: F401 - where it has not been
    from plumbum import local

    local.env.__init__()  # type: ignore[misc] # with the folders of PATH
    local.env._curr = os.environ


def _beside(self: Any, job: Any) -> None:
    follow_environment()
    self._process = _Fork(job)


class _Fork:
    """Does what `python -m provider_template.render` does, and can be used as a process that was started."""

    def __init__(self, job: Any) -> None:
        from provider_template import render

        read, write = os.pipe()
        self.stderr = os.fdopen(read)
        self._status: int | None = None
        self._id = os.fork()
        if self._id:
            os.close(write)
            return
        status = 1
        try:
            os.dup2(write, 2)
            os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
            os.environ.update(dict.fromkeys(("TMPDIR", "TEMP", "TMP"), str(Path(job.folder).parent)))
            tempfile.tempdir = None
            sys.stdin = io.StringIO(json.dumps(asdict(job)))
            status = render.main()
        except BaseException:
            traceback.print_exc()
        finally:
            sys.stderr.flush()
            os._exit(status)

    def wait(self) -> int:
        """Waits for its end; returns its status."""
        if self._status is None:
            self._status = os.waitstatus_to_exitcode(os.waitpid(self._id, 0)[1])
        return self._status

    def kill(self) -> None:
        """Ends it, if it is still at work."""
        if self._status is None:
            os.kill(self._id, signal.SIGKILL)


if __name__ == "__main__":
    del sys.argv[0]
    sys.path[0] = os.getcwd()  # as for `python -m`; packages have a folder named tests, too
    run()

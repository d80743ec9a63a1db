"""Copier without what is most of a render's time and does nothing here: `python testing/quick.py <module> …` runs a program so.

Copier compiles each file, and each part of each path, anew for each render, gathers the answers anew for each of them, reads
the questions anew, and asks git once for each file whether a repository around it notes modes. The tests render some thousand
times. What was compiled and read is kept in a folder; programs that users start have all of it.
"""

from __future__ import annotations

import hashlib
import io
import json
import marshal
import os
import re
import runpy
import signal
import sys
import tempfile
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict
from pathlib import Path
from types import CodeType
from typing import Any, TypeAlias

import jinja2

KEPT = Path(__file__).resolve().parent.parent / ".venv-rendered"
"""What outlives a test run, so that only the first one is slow. `make clean` removes it."""
_PATH = KEPT / f"jinja-{jinja2.__version__}-{sys.implementation.cache_tag}"

_Kept: TypeAlias = CodeType | bytes
_compiled: dict[str, _Kept] = {}
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
def quick_renders() -> Iterator[Callable[[], None]]:
    """Lets renders in this process be quick; yields what changes Copier before it renders, where it is imported only later."""
    compile_ = jinja2.Environment.compile
    renew()
    new: dict[str, _Kept] = {}
    undo: list[Callable[[], None]] = []

    def change_copier() -> None:
        if not undo:
            undo.append(_copier_once(new))

    def compile_once(
        environment: jinja2.Environment, source: str, name: str | None = None, *more: object
    ) -> CodeType | str:
        change_copier()
        if any(more[1:]):
            return compile_(environment, source, name, *more)  # type: ignore[call-overload, no-any-return]
        key = repr((environment.keep_trailing_newline, *environment.extensions, name, source))
        code = _compiled.get(key)
        if not isinstance(code, CodeType):
            code = _compiled[key] = new[key] = compile_(environment, source, name, *more)  # type: ignore[call-overload]
        return code

    jinja2.Environment.compile = compile_once  # type: ignore[method-assign, assignment]
    if "copier" in sys.modules:
        change_copier()
    try:
        yield change_copier
    finally:
        jinja2.Environment.compile = compile_  # type: ignore[method-assign]
        for each in undo:
            each()
        if new:
            _keep(new)


def _copier_once(new: dict[str, _Kept]) -> Callable[[], None]:
    """Lets Copier do once for a render what it does for each file or not at all, and returns what undoes that.

    It asks git for no modes, reads the questions of a template once, and takes the answers to be what they are while it writes
    files. It imports Copier, whose library for processes takes the environment as it is then; so it is called where Copier is
    imported, or else once it renders.
    """
    from copier import _template
    from copier._main import Worker
    from copier._user_data import AnswersMap

    load = _template.load_template_config
    remembered, relpath, render = Worker._answers_to_remember, Worker.answers_relpath, Worker._render_template
    combined = AnswersMap.combined
    known: dict[tuple[int, str], Any] = {}
    writing: set[int] = set()

    def once(owner: object, name: str, make: Callable[[], Any]) -> Any:
        if id(owner) not in writing:
            return make()
        key = (id(owner), name)
        if key not in known:
            known[key] = make()
        return known[key]

    def render_once(self: Worker) -> None:
        here = {id(self), id(self.answers)}
        writing.update(here)
        try:
            render(self)
        finally:
            writing.difference_update(here)
            for key in [key for key in known if key[0] in here]:
                del known[key]

    def load_once(path: Path, *more: Any) -> dict[str, Any]:
        key = _key_of_questions(path)
        kept = _compiled.get(key)
        if not isinstance(kept, bytes):
            found = load(path, *more)
            with suppress(ValueError):  # a date, say
                _compiled[key] = new[key] = marshal.dumps(found)
            return found
        read: dict[str, Any] = marshal.loads(kept)  # noqa: S302 - written above
        return read

    def patch(owner: Any, **values: Any) -> None:
        for name, value in values.items():
            setattr(owner, name, value)

    def undo() -> None:
        patch(_template, load_template_config=load)
        patch(AnswersMap, combined=combined)
        patch(Worker, _sync_git_index_executable_bit=mode, _render_template=render)
        patch(Worker, _answers_to_remember=remembered, answers_relpath=relpath)

    mode = Worker._sync_git_index_executable_bit
    patch(_template, load_template_config=load_once)
    patch(AnswersMap, combined=property(lambda self: dict(once(self, "combined", lambda: combined.__get__(self)))))
    patch(Worker, _sync_git_index_executable_bit=lambda *_: None, _render_template=render_once)
    patch(Worker, _answers_to_remember=lambda self: dict(once(self, "remembered", lambda: remembered(self))))
    patch(Worker, answers_relpath=property(lambda self: once(self, "relpath", lambda: relpath.__get__(self))))
    return undo


def _key_of_questions(path: Path) -> str:
    """Returns what tells the questions of a template from others: the bytes of all files that they are read from."""
    found = [path.read_bytes()]
    for text in found:
        for pattern in re.findall(rb"!include\s+['\"]?([^\s'\"]+)", text):
            found += [each.read_bytes() for each in path.parent.glob(pattern.decode())]
    return f"questions {hashlib.sha256(repr(found).encode()).hexdigest()}"


def _kept() -> dict[str, _Kept]:
    """Reads what was compiled before; nothing where that cannot be read."""
    try:
        found: dict[str, _Kept] = marshal.loads(_PATH.read_bytes())  # noqa: S302 - written below
    except (OSError, EOFError, ValueError, TypeError):
        return {}
    return found


def _keep(new: dict[str, _Kept]) -> None:
    """Adds what was compiled to the file; of two that do so at a time, one may win."""
    KEPT.mkdir(parents=True, exist_ok=True)
    handle, unfinished = tempfile.mkstemp(dir=KEPT)
    with os.fdopen(handle, "wb") as file:
        file.write(marshal.dumps({**_kept(), **new}))
    os.replace(unfinished, _PATH)


def run() -> None:
    """Runs the module that the arguments name, which renders quickly."""
    name = sys.argv[0]
    if name == "copier":
        follow_environment()
    with quick_renders() as change_copier:
        if name == "provider_template":
            _fork_beside(change_copier)
        runpy.run_module(name, run_name="__main__", alter_sys=True)


def _fork_beside(change_copier: Callable[[], None]) -> None:
    """Lets the tool's second render be a fork of this process, instead of a process that imports Copier again."""
    from provider_template import render

    def beside(self: Any, job: Any) -> None:
        follow_environment()
        change_copier()
        self._process = _Fork(job)

    render.Beside.__init__ = beside  # type: ignore[method-assign]


def follow_environment() -> None:
    """Lets Copier's library for processes take the environment as it is when it starts one, not as it was when imported."""
    import copier  # noqa: F401 - where it has not been
    from plumbum import local

    local.env.__init__()  # type: ignore[misc] # with the folders of PATH
    local.env._curr = os.environ


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

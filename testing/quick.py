"""Copier without what is most of a render's time and does nothing here: `python testing/quick.py <module> …` runs a program so.

Copier compiles each file, and each part of each path, anew for each render, and asks git once for each file whether a
repository around it notes modes. The tests render some thousand times. What was compiled is kept in a folder; programs that
users start have all of it.
"""

from __future__ import annotations

import marshal
import os
import runpy
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import CodeType

import jinja2

KEPT = Path(__file__).resolve().parent.parent / ".venv-rendered"
"""What outlives a test run, so that only the first one is slow. `make clean` removes it."""


@contextmanager
def quick_renders() -> Iterator[None]:
    """Lets renders in this process be quick."""
    compile_ = jinja2.Environment.compile
    path = KEPT / f"jinja-{jinja2.__version__}-{sys.implementation.cache_tag}"
    compiled = _kept(path)
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
        code = compiled.get(key)
        if code is None:
            code = compiled[key] = new[key] = compile_(environment, source, name, *more)  # type: ignore[call-overload]
        return code

    jinja2.Environment.compile = compile_once  # type: ignore[method-assign, assignment]
    try:
        yield
    finally:
        jinja2.Environment.compile = compile_  # type: ignore[method-assign]
        for each in undo:
            each()
        if new:
            _keep(path, new)


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


def _kept(path: Path) -> dict[str, CodeType]:
    """Reads what was compiled before; nothing where that cannot be read."""
    try:
        found: dict[str, CodeType] = marshal.loads(path.read_bytes())  # noqa: S302 - written below
    except (OSError, EOFError, ValueError, TypeError):
        return {}
    return found


def _keep(path: Path, new: dict[str, CodeType]) -> None:
    """Adds what was compiled to the file; of two that do so at a time, one may win."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, unfinished = tempfile.mkstemp(dir=path.parent)
    with os.fdopen(handle, "wb") as file:
        file.write(marshal.dumps({**_kept(path), **new}))
    os.replace(unfinished, path)


if __name__ == "__main__":
    del sys.argv[0]
    sys.path[0] = os.getcwd()  # as for `python -m`; packages have a folder named tests, too
    with quick_renders():
        runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)

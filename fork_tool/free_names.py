"""The names that some lines of a Python file use and do not define."""

from __future__ import annotations

import ast
import builtins
from collections.abc import Iterable, Iterator, Sequence

_BUILT_IN = frozenset(dir(builtins)) | {
    "__file__",
    "__name__",
    "__doc__",
    "__package__",
    "__path__",
    "__spec__",
}


def free_names(text: str, first: int, last: int) -> set[str]:
    """Returns the names that the lines from `first` to `last` use, and neither define nor have built in.

    Raises:
        SyntaxError: the text is no Python.
    """
    used: set[str] = set()
    bound: set[str] = set()
    for node in _within(ast.walk(ast.parse(text)), first, last):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load):
            used.add(node.id)
        bound.update(_bound(node))
    return used - bound - _BUILT_IN


def module_names(text: str, without: Sequence[tuple[int, int]]) -> set[str]:
    """Returns the names that a Python file binds anywhere, outside some ranges of lines.

    Raises:
        SyntaxError: the text is no Python.
    """
    return {
        name
        for node in ast.walk(ast.parse(text))
        if not any(first <= getattr(node, "lineno", 0) <= last for first, last in without)
        for name in _bound(node)
    }


def _within(nodes: Iterable[ast.AST], first: int, last: int) -> Iterator[ast.AST]:
    return (node for node in nodes if first <= getattr(node, "lineno", 0) <= last)


def _bound(node: ast.AST) -> list[str]:
    match node:
        case ast.Name(id=name, ctx=ast.Store()):
            return [name]
        case ast.Import(names=names) | ast.ImportFrom(names=names):
            return [(one.asname or one.name).partition(".")[0] for one in names]
        case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
            return [name]
        case (
            ast.arg(arg=name)
            | ast.ExceptHandler(name=str(name))
            | ast.MatchAs(name=str(name))
            | ast.MatchStar(name=str(name))
            | ast.MatchMapping(rest=str(name))
        ):
            return [name]
        case _:
            return []

"""The command lines of programs that code starts, as far as they are written out."""

from __future__ import annotations

import ast
import re
import shlex
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

PROGRAMS = (
    *("subprocess.run", "subprocess.check_output", "subprocess.call", "subprocess.check_call", "subprocess.Popen"),
    *("os.popen", "create_subprocess_exec", "create_subprocess_shell", "check_output", "pexpect.spawn"),
    *("anyio.run_process", "anyio.open_process"),
)
# What a word of a shell has that stands for something else, or ends the command.
_SHELL = re.compile(r"[|&;<>$`*?(){}]")
# Programs that only start another one, which their options may be of.
_LAUNCHERS = {
    *("bash", "bunx", "cmd", "conda", "docker", "env", "node", "nohup", "npm", "npx", "pipx", "podman", "powershell"),
    *("python", "python3", "sh", "ssh", "sudo", "timeout", "uv", "uvx", "wsl", "xargs", "zsh"),
}
# Programs beside a model, and words by which one is asked for something else than an answer.
_BESIDE = {
    *("git", "kill", "lsof", "nvidia-smi", "open", "pip", "pkill", "ps", "security", "sw_vers", "sysctl"),
    *("system_profiler", "taskkill", "uname", "where", "which", "xdg-open"),
}
_NO_ANSWER = re.compile(r"(-v|-V|(--?)?(version|help)|login|logout|status|whoami|doctor|install|update|upgrade)\Z")
_DEEPEST = 5


@dataclass(frozen=True)
class Command:
    """A command line, as far as it is written out."""

    words: tuple[str, ...]
    """Its leading words up to the first that is no text; none if the program itself is not written out."""
    texts: tuple[str, ...]
    """All its words that are texts."""
    where: str

    @property
    def asks_the_model(self) -> bool:
        """Whether it may be for an answer: no login, no version, no program that has nothing to do with it."""
        name = self.words[0].rpartition("/")[2] if self.words else ""
        return name not in _BESIDE and not any(map(_NO_ANSWER.match, self.texts))

    @property
    def lasting(self) -> tuple[str, ...]:
        """The words before the first option: options are of one call."""
        words = self.words
        number = next((number for number, word in enumerate(words) if word.startswith("-")), len(words))
        kept = words[:number]
        return () if len(kept) == 1 and kept[0].rpartition("/")[2] in _LAUNCHERS else kept


@dataclass
class Assignments:
    """What a file's names, attributes and functions stand for."""

    values: dict[str, list[ast.expr]] = field(default_factory=dict)
    text: Callable[[ast.AST | None], str | None] = lambda node: None
    """Returns the text that a constant or a name is, or None."""

    @classmethod
    def of(cls, tree: ast.Module, text: Callable[[ast.AST | None], str | None]) -> Assignments:
        """Reads a file."""
        found = cls(text=text)
        for node in ast.walk(tree):
            if isinstance(node, ast.Assign):
                for target in node.targets:
                    found._add(_name(target), node.value)
            elif isinstance(node, ast.AnnAssign) and node.value is not None:
                found._add(_name(node.target), node.value)
            elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                for inner in ast.walk(node):
                    if isinstance(inner, ast.Return) and inner.value is not None:
                        found._add(node.name, inner.value)
        return found

    def _add(self, name: str, value: ast.expr) -> None:
        if name:
            self.values.setdefault(name, []).append(value)


def commands(call: ast.Call, where: str, assignments: Assignments) -> Iterator[Command]:
    """Yields what a call may start: one command for each list that its argument may be.

    Args:
        call: The call of a function that starts programs.
        where: Its place.
        assignments: What the names of the file stand for.
    """
    reader = _Words(assignments)
    first = (
        call.args[0] if call.args else next((one.value for one in call.keywords if one.arg in ("args", "cmd")), None)
    )
    if first is None:
        yield Command((), (), where)
    elif _name(call.func) in ("create_subprocess_exec", "spawn") and not isinstance(first, ast.Starred):
        yield reader.command([*call.args], where)
    else:
        yield from reader.alternatives(first, where, 0)


def _name(node: ast.AST) -> str:
    """Returns the last part of a name, such as `command` of `self.command`."""
    return node.id if isinstance(node, ast.Name) else node.attr if isinstance(node, ast.Attribute) else ""


class _Words:
    def __init__(self, assignments: Assignments) -> None:
        self._values = assignments.values
        self._text = assignments.text

    def alternatives(self, node: ast.expr, where: str, depth: int) -> Iterator[Command]:
        if isinstance(node, ast.Starred):
            node = node.value
        if isinstance(node, ast.List | ast.Tuple | ast.BinOp) and self._is_list(node):
            yield self.command(self._items(node, depth), where)
            return
        name = _name(node.func if isinstance(node, ast.Call) else node)
        values = self._values.get(name, []) if depth < _DEEPEST else []
        found = [one for value in values for one in self.alternatives(value, where, depth + 1) if one.words]
        if found:
            yield from found
        elif line := self._line(node):
            yield Command(line, line, where)
        else:
            yield Command((), (), where)

    def _is_list(self, node: ast.expr) -> bool:
        while isinstance(node, ast.BinOp):
            node = node.left
        values = [node, *self._values.get(_name(node), [])]
        return any(isinstance(one, ast.List | ast.Tuple) for one in values)

    def command(self, items: list[ast.expr], where: str) -> Command:
        """Reads the items of a list."""
        words: list[str] = []
        for item in items:
            word = self._word(item, first=not words)
            if word is None:
                break
            words.append(word)
        texts = [one.value for one in items if isinstance(one, ast.Constant) and isinstance(one.value, str)]
        return Command(tuple(words), (*words[:1], *texts), where)

    def _items(self, node: ast.expr, depth: int) -> list[ast.expr]:
        """Returns the items of a list, with those of lists that are put into it; what is unknown is an item, too."""
        if depth >= _DEEPEST:
            return [node]
        if isinstance(node, ast.List | ast.Tuple):
            return [
                inner
                for one in node.elts
                for inner in (self._items(one.value, depth + 1) if isinstance(one, ast.Starred) else [one])
            ]
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
            return [*self._items(node.left, depth + 1), *self._items(node.right, depth + 1)]
        values = self._values.get(_name(node), [])
        lists = [one for one in values if isinstance(one, ast.List | ast.Tuple)]
        return self._items(lists[0], depth + 1) if len(lists) == len(values) == 1 else [node]

    def _word(self, node: ast.expr, *, first: bool, depth: int = 0) -> str | None:
        """Returns a word that is the same in each call: the program's may be a default."""
        constant = isinstance(node, ast.Constant) or _name(node).isupper()
        if not first:
            return self._text(node) if constant else None
        if (text := self._text(node)) is not None and text.strip():
            return text
        if isinstance(node, ast.BoolOp):
            inner = node.values
        elif isinstance(node, ast.Call):  # os.environ.get("ACME", "acme"), shutil.which("acme"), str(path)
            name = _name(node.func)
            inner = node.args[1:] if name in ("get", "getenv", "getattr") else node.args if name in _SAME else []
        else:
            inner = self._values.get(_name(node), []) if depth < _DEEPEST else []
        found = (self._word(one, first=True, depth=depth + 1) for one in inner)
        return next((one for one in found if one is not None), None)

    def _line(self, node: ast.expr) -> tuple[str, ...]:
        """Returns the first words of a line for a shell."""
        text, whole = self._text(node), True
        if isinstance(node, ast.Call) and _name(node.func) == "split" and node.args:
            text = self._text(node.args[0])
        elif isinstance(node, ast.JoinedStr):
            text, whole = self._text(node.values[0]) if node.values else None, False
        elif isinstance(node, ast.BinOp):
            text, whole = self._text(node.left), False
        try:
            words = shlex.split(text or "")
        except ValueError:
            return ()
        if not whole and text is not None and not text.endswith(" "):
            words = words[:-1]
        number = next((number for number, word in enumerate(words) if _SHELL.search(word)), len(words))
        return tuple(words[:number])


_SAME = ("which", "str", "Path", "fspath", "expanduser")

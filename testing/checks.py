"""What is wrong with a rendered folder: each check returns sentences, none when all is well."""

from __future__ import annotations

import ast
import hashlib
import json
import re
import sys
import tomllib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from fnmatch import fnmatch
from functools import cache
from pathlib import Path

import jinja2
import yaml

from testing.answers import Answer, asked, config, questions

ANSWERS_FILE = ".copier-answers.yml"
FILES = ".template-files.yml"

_LEFTOVER = re.compile(r"(?<!\$)\{\{|\{%|\{#")
# In Python, two braces in a row are also an f-string's way to write one.
_LEFTOVER_IN_PYTHON = re.compile(r"\{\{-? |\{%|\{#")
_UNFINISHED = re.compile(r"\b(TODO|FIXME|XXX|raise NotImplementedError)\b")
_SECRET = re.compile(r"secret|passw|passphrase|credential|(api|private|client|jwt)_key$|token$", re.IGNORECASE)
# These ask where in a file a token is, not for the token.
_PLACES = ("file_access_token", "file_refresh_token")
_HOMES = re.compile(r"/home/\w|/Users/\w|[A-Z]:\\Users")
# These describe a container, whose home folders are nobody's.
_OF_CONTAINERS = ("Dockerfile", "compose.yaml")
# Modules of distributions: of those that are called otherwise, and of those that are in their own interface.
_MODULES = {
    "aiohttp": {"multidict", "yarl"},
    "litellm": {"openai"},
    "pydantic-settings": {"pydantic", "pydantic_core", "pydantic_settings"},
    "pyyaml": {"yaml"},
}
# `git apply` finds a changed line by itself and three lines on each side.
_WINDOW = 6
# Records of one shape repeat their lines, and nobody merges into them: updates leave the author's models alone.
_DATA = ("*.lock", "models.yaml")
_WINDOWS = re.compile(r'[<>:"|?*\\\x00-\x1f]|[. ]$|^(con|prn|aux|nul|com\d|lpt\d)(\.|$)', re.IGNORECASE)


def in_fork(folder: Path, name: str) -> Path:
    """Returns the place of one of Copier's and our own files in a render of either layout, with one provider."""
    return next(folder.glob(f"fork/*/{name}"), folder / name)


def files(folder: Path) -> list[Path]:
    """Returns the files of a render, sorted, without what git and tools put beside them."""
    return sorted(p for p in folder.rglob("*") if p.is_file() and ".git" not in p.relative_to(folder).parts)


def names(folder: Path) -> list[str]:
    """File names that another system or a careless render would spoil."""
    found: list[str] = []
    relative = [path.relative_to(folder) for path in files(folder)]
    for path in relative:
        found += [f"{path}: not a legal name on Windows" for part in path.parts if _WINDOWS.search(part)]
        if path.suffix == ".jinja" or "{{" in str(path) or "{%" in str(path):
            found.append(f"{path}: a template's name")
        if len(str(path)) > 180:
            found.append(f"{path}: too long for Windows")
    lower = Counter(str(path).lower() for path in relative)
    found += [f"{path}: differs from another name in case only" for path, times in lower.items() if times > 1]
    return found


def texts(folder: Path, machine: Iterable[Path] = ()) -> list[str]:
    """Bytes and words that do not belong into a rendered file; `machine` are paths that must not show."""
    found: list[str] = []
    for path in files(folder):
        name = path.relative_to(folder)
        raw = path.read_bytes()
        try:
            text = raw.decode("utf-8")
        except UnicodeDecodeError:
            found.append(f"{name}: not UTF-8 text")
            continue
        if name.name == ANSWERS_FILE:
            # Where the template came from is the one path that has to be there.
            text = re.sub(r"^_src_path: .*\n", "", text, flags=re.MULTILINE)
        if text and (not text.endswith("\n") or text.endswith("\n\n") or text == "\n"):
            found.append(f"{name}: does not end in exactly one newline")
        if "\r" in text:
            found.append(f"{name}: has a carriage return")
        found += [f"{name}: has the word {word}" for word in _UNFINISHED.findall(text)]
        found += [f"{name}: has a path of this machine, {p}" for p in machine if str(p) in text]
        if str(name) not in _OF_CONTAINERS:
            found += [f"{name}: has a path below a home folder, {match}" for match in _HOMES.findall(text)]
    return found


def owners(folder: Path) -> list[str]:
    """What `.template-files.yml` says of the files, against the files; and whether the template's say whose they are."""
    listed = yaml.safe_load(in_fork(folder, FILES).read_text(encoding="utf-8"))
    there = {path.relative_to(folder).as_posix() for path in files(folder) if path.name not in (FILES, ANSWERS_FILE)}
    all_listed = [*listed["template"], *listed["shared"], *listed["yours"]]
    found = [f"{path}: listed twice" for path, times in Counter(all_listed).items() if times > 1]
    found += [f"{path}: listed, and not there" for path in sorted({*all_listed} - there)]
    found += [f"{path}: there, and not listed" for path in sorted(there - {*all_listed})]
    for path, rendered in listed["template"].items():
        content = (folder / path).read_bytes()
        if hashlib.sha256(content).hexdigest() != rendered:
            found.append(f"{path}: is not what its hash says")
        if path.startswith("fork/tool/"):  # a program by itself, which is there as it is in fork_tool
            continue
        if content and b"emplate's" not in b"\n".join(content.splitlines()[:12]):
            found.append(f"{path}: does not say that it is the template's")
    return found


def leftovers(folder: Path) -> list[str]:
    """Jinja that was not rendered, other than the expressions of GitHub; for answers without braces."""
    return [
        f"{path.relative_to(folder)}:{number}: unrendered Jinja: {line.strip()}"
        for path in files(folder)
        if not path.is_relative_to(folder / "fork" / "tool")  # a program by itself, with braces of its own
        for number, line in _unrendered(path.read_text(encoding="utf-8"), path.suffix)
    ]


def unrendered(template: Path) -> list[str]:
    """Jinja in the files of a template that no answers would render: in files that Copier copies, and in raw blocks."""
    found: list[str] = []
    for path in files(template):
        text = path.read_text(encoding="utf-8")
        if path.suffix == ".jinja":
            tokens = jinja2.Environment(autoescape=True).lex(text)
            texts = [(number, value) for number, kind, value in tokens if kind == "data"]
        else:
            texts = [(1, text)]
        found += [
            f"{path.relative_to(template)}:{first + number - 1}: unrendered Jinja: {line.strip()}"
            for first, part in texts
            for number, line in _unrendered(
                part, path.with_suffix("").suffix if path.suffix == ".jinja" else path.suffix
            )
        ]
    return found


def _unrendered(text: str, suffix: str) -> list[tuple[int, str]]:
    pattern = _LEFTOVER_IN_PYTHON if suffix == ".py" else _LEFTOVER
    return [(number, line) for number, line in enumerate(text.splitlines(), 1) if pattern.search(line)]


def syntax(folder: Path) -> list[str]:
    """Python, TOML, YAML and JSON files that do not parse, and YAML mappings that have a key twice."""
    found: list[str] = []
    for path in files(folder):
        text = path.read_text(encoding="utf-8")
        try:
            match path.suffix:
                case ".py":
                    compile(text, str(path), "exec", dont_inherit=True)
                case ".toml":
                    tomllib.loads(text)
                case ".json":
                    json.loads(text)
                case ".yml" | ".yaml":
                    # Composed, not constructed: the tags of a documentation tool are its own business.
                    for node in yaml.compose_all(text, Loader=yaml.SafeLoader):
                        found += [f"{path.relative_to(folder)}: {twice} twice" for twice in _doubles(node)]
        except (SyntaxError, ValueError, yaml.YAMLError) as error:
            found.append(f"{path.relative_to(folder)}: {error}")
    return found


def repeated_lines(folder: Path) -> list[str]:
    """Lines that stand twice in a file: an update can merge an edit of one place into the other."""
    found: list[str] = []
    for path in files(folder):
        if any(fnmatch(path.name, pattern) for pattern in _DATA):
            continue
        # As git splits them: Python would at other characters, too.
        lines = path.read_text(encoding="utf-8").removesuffix("\n").split("\n")
        found += [
            f"{path.relative_to(folder)}: lines {one} to {one + count - 1} stand again at {other} to {other + count - 1}"
            for one, other, count in _repeats(lines)
        ]
    return found


def _repeats(lines: Sequence[str]) -> list[tuple[int, int, int]]:
    """Returns (first line, first line again, number of lines) of what stands twice, counted from 1."""
    last: dict[tuple[str, ...], int] = {}
    found: list[tuple[int, int, int]] = []
    for here in range(len(lines) - _WINDOW + 1):
        window = tuple(lines[here : here + _WINDOW])
        if window in last:
            there = last[window]
            # The window one line on from the one before makes that one longer.
            if found and (there, here) == (found[-1][0] + found[-1][2], found[-1][1] + found[-1][2]):
                found[-1] = (found[-1][0], found[-1][1], found[-1][2] + 1)
            else:
                found.append((there, here, 1))
        last[window] = here
    return [(there + 1, here + 1, count + _WINDOW - 1) for there, here, count in found]


def imports(folder: Path) -> list[str]:
    """What the source of a package imports and its pyproject.toml does not name among the dependencies."""
    project = tomllib.loads((folder / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    wishes = [re.split(r"[^A-Za-z0-9._-]", wish)[0].lower() for wish in project["dependencies"]]
    named = {*wishes}.union(*(_MODULES.get(wish, ()) for wish in wishes))
    found: list[str] = []
    for path in sorted((folder / "src").rglob("*.py")):
        found += [
            f"{path.relative_to(folder)}: imports {module}, and pyproject.toml does not name it"
            for module in _imported(path.read_text(encoding="utf-8"))
            if module.partition(".")[0] not in {*named, *sys.stdlib_module_names}
        ]
    return found


@cache
def _imported(text: str) -> list[str]:
    """Returns the modules that the text of a file imports by their absolute names; most renders have the same files."""
    found: list[str] = []
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import):
            found += [name.name for name in node.names]
        elif isinstance(node, ast.ImportFrom) and not node.level and node.module:
            found.append(node.module)
    return found


def _doubles(node: yaml.Node | None) -> list[str]:
    found: list[str] = []
    if isinstance(node, yaml.MappingNode):
        keys = Counter(str(key.value) for key, _ in node.value)
        found += [key for key, times in keys.items() if times > 1]
        for _, value in node.value:
            found += _doubles(value)
    elif isinstance(node, yaml.SequenceNode):
        for value in node.value:
            found += _doubles(value)
    return found


def recorded(folder: Path, answers: Mapping[str, Answer]) -> list[str]:
    """What the answers file says wrongly: other questions than those asked, other values, a secret."""
    record = yaml.safe_load(in_fork(folder, ANSWERS_FILE).read_text(encoding="utf-8"))
    silent = {name for name, q in config().items() if not name.startswith("_") and q.get("ask") is False}
    kept = {name for name, question in questions().items() if not question.get("secret")}
    wanted = {"_commit", "_src_path", *silent, *(name for name in kept if asked(name, answers))}
    found = [f"{ANSWERS_FILE}: {name} is missing" for name in sorted(wanted - set(record))]
    found += [f"{ANSWERS_FILE}: {name} was not asked" for name in sorted(set(record) - wanted)]
    found += [
        f"{ANSWERS_FILE}: {name} is {record[name]!r}, not {answer!r}"
        for name, answer in answers.items()
        if name in record and record[name] != answer
    ]
    found += [f"{ANSWERS_FILE}: {name} looks like a secret" for name in record if asks_for_a_secret(name)]
    return found


def asks_for_a_secret(name: str) -> bool:
    """Tells whether a question of that name looks as if its answer were a secret."""
    return name not in _PLACES and _SECRET.search(name) is not None


def same(one: Path, other: Path) -> list[str]:
    """Files of two renders that differ in name, bytes or mode."""
    left, right = (
        {p.relative_to(folder): (p.read_bytes(), p.stat().st_mode) for p in files(folder)} for folder in (one, other)
    )
    return [
        f"{path}: two renders of the same answers differ"
        for path in left.keys() | right.keys()
        if left.get(path) != right.get(path)
    ]

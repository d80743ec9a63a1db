"""Each check of a render finds what it is there to find."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from testing import checks
from testing.answers import Answers
from testing.checks import ANSWERS_FILE
from testing.support import Tools, commit_all, render, run

CHECKS: dict[str, Callable[[Path], list[str]]] = {
    "names": checks.names,
    "texts": lambda folder: checks.texts(folder, machine=(Path("/srv/build-7"),)),
    "leftovers": checks.leftovers,
    "syntax": checks.syntax,
    "repeated_lines": checks.repeated_lines,
}
SEVEN = b"1\n2\n3\n4\n5\n6\n7\n"

# check, file, content, and a part of what the check has to say.
BAD: list[tuple[str, str, bytes, str]] = [
    ("names", "a:b.txt", b"", "not a legal name on Windows"),
    ("names", "con.txt", b"", "not a legal name on Windows"),
    ("names", "trailing.", b"", "not a legal name on Windows"),
    ("names", "a.py.jinja", b"", "a template's name"),
    ("names", "{{ x }}.py", b"", "a template's name"),
    ("names", "README.MD", b"", "in case only"),
    ("names", f"{'x' * 100}/{'y' * 100}", b"", "too long"),
    ("texts", "a.txt", b"no end", "exactly one newline"),
    ("texts", "a.txt", b"two ends\n\n", "exactly one newline"),
    ("texts", "a.txt", b"\n", "exactly one newline"),
    ("texts", "a.txt", b"a\r\n", "carriage return"),
    ("texts", "a.txt", b"\xff\n", "not UTF-8"),
    ("texts", "a.txt", b"# FIXME\n", "the word FIXME"),
    ("texts", "a.txt", b"in /srv/build-7/x\n", "path of this machine"),
    ("texts", "a.txt", b"in /home/me/x\n", "home folder"),
    ("texts", ANSWERS_FILE, b"_src_path: /srv/build-7\nmodels: /srv/build-7\n", "path of this machine"),
    ("leftovers", "a.txt", b"{{ name }}\n", "a.txt:1: unrendered"),
    ("leftovers", "a.txt", b"\n{% if x %}\n", "a.txt:2: unrendered"),
    ("leftovers", "a.txt", b"{# note #}\n", "unrendered"),
    ("leftovers", "a.py", b"{{ name }}\n", "unrendered"),
    ("syntax", "a.py", b"def\n", "a.py"),
    ("syntax", "a.toml", b"a = \n", "a.toml"),
    ("syntax", "a.json", b"{,}\n", "a.json"),
    ("syntax", "a.yml", b"a: [\n", "a.yml"),
    ("syntax", "a.yaml", b"a: {b: 1, b: 2}\n", "b twice"),
    ("syntax", "a.yaml", b"- {b: [{c: 1, c: 2}]}\n", "c twice"),
    ("repeated_lines", "a.md", b"a\n" + SEVEN + b"b\n" + SEVEN, "a.md: lines 2 to 8 stand again at 10 to 16"),
    ("repeated_lines", "a.md", b"a" + 9 * b"\n" + b"b\n", "a.md: lines 2 to 8 stand again at 3 to 9"),
]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Makes a folder in which every check is content."""
    made = tmp_path / "package"
    made.mkdir()
    (made / "README.md").write_text("Text with a ${{ github.ref }}\n", encoding="utf-8")
    (made / "empty.py").touch()
    (made / "braces.py").write_text('name = 1\ntext = f"{{{name}}}"\n', encoding="utf-8")
    (made / "five.md").write_text("1\n2\n3\n4\n5\nbetween\n1\n2\n3\n4\n5\n", encoding="utf-8")
    (made / "records.lock").write_text(20 * "x\n", encoding="utf-8")
    (made / ANSWERS_FILE).write_text("_src_path: /srv/build-7\n", encoding="utf-8")
    for check in CHECKS.values():
        assert check(made) == []
    return made


@pytest.mark.parametrize(("check", "name", "content", "says"), BAD)
def test_a_check_finds_it(check: str, name: str, content: bytes, says: str, folder: Path) -> None:
    path = folder / name
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(content)
    assert says in "\n".join(CHECKS[check](folder))


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"api_key": "abc"}, "api_key was not asked"),
        ({"client_secret": "abc"}, "looks like a secret"),
        ({"provider": "other"}, "provider is 'other', not 'acme'"),
        ({"license": None}, "license is missing"),
    ],
)
def test_a_wrong_record_is_found(
    change: dict[str, str | None], says: str, copier_template: Path, tmp_path: Path
) -> None:
    answers: Answers = {"provider": "acme"}
    folder = render(copier_template, tmp_path / "package", answers)
    assert checks.recorded(folder, answers) == []

    path = folder / ANSWERS_FILE
    record = {**yaml.safe_load(path.read_text(encoding="utf-8")), **change}
    path.write_text(yaml.safe_dump({k: v for k, v in record.items() if v is not None}), encoding="utf-8")
    assert says in "\n".join(checks.recorded(folder, answers))


def test_two_renders_are_compared_by_name_bytes_and_mode(folder: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    for path in folder.iterdir():
        (other / path.name).write_bytes(path.read_bytes())
    assert checks.same(folder, other) == []

    (other / "README.md").write_text("Another text\n", encoding="utf-8")
    (other / "new.txt").touch()
    (other / "empty.py").chmod(0o755)
    assert {line.split(":")[0] for line in checks.same(folder, other)} == {"README.md", "new.txt", "empty.py"}


def test_the_tools_find_what_is_wrong(copier_template: Path, tmp_path: Path, tools: Tools) -> None:
    folder = render(copier_template, tmp_path / "package", {})
    path = folder / "examples" / "wrong.py"
    path.parent.mkdir(exist_ok=True)
    path.write_text('import os\nnumber: int = "text"\nx = {  "a":1}\n', encoding="utf-8")
    commit_all(folder)
    assert "wrong.py" in "".join(tools.ruff(folder, "format", "--check"))
    assert "F401" in "".join(tools.ruff(folder, "check"))
    assert "wrong.py:2" in "".join(tools.mypy(folder))
    tools.ruff(folder, "format")
    assert "examples/wrong.py" in run("git", "status", "--porcelain", cwd=folder).stdout

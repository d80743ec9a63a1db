"""A repository with the line ends of Windows is updated like any other, and keeps them."""

from __future__ import annotations

from pathlib import Path

import pytest

from testing.support import must
from testing.tool import PACKAGE, edit, plan_of, release, state, tool, updated, write
from testing.upgrades import commit, render


def plain(folder: Path) -> dict[str, bytes]:
    """Returns the committed files with the line ends of Unix."""
    listed = must("git", "ls-files", "-z", cwd=folder).split("\0")
    return {path: (folder / path).read_bytes().replace(b"\r\n", b"\n") for path in listed if path}


def unix(folder: Path) -> list[str]:
    """Returns the committed files that have a line end of Unix, as committed and as they lie there."""
    words = must("git", "ls-files", "--eol", cwd=folder).splitlines()
    return [line for line in words if not line.startswith(("i/crlf  w/crlf", "i/none"))]


def to_windows(folder: Path) -> None:
    """Commits every file with the line ends of Windows."""
    write(folder / ".git" / "info" / "attributes", "* -text\n")
    for path in plain(folder):
        text = (folder / path).read_bytes()
        (folder / path).write_bytes(text.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n"))
    commit(folder, "Line ends of Windows")


@pytest.fixture
def windows(package: Path) -> Path:
    """A package of v0.2.0 that is committed with the line ends of Windows."""
    to_windows(package)
    return package


def test_nothing_was_edited(windows: Path, tmp_path: Path, rendered: Path) -> None:
    same = tmp_path / "same"
    must("git", "clone", "--quiet", rendered, same, cwd=tmp_path)
    updated(same)
    plan = plan_of(windows)
    assert plan["conflicts"] == []
    assert plan["copier_update"]["drops"] == []
    updated(windows)
    assert plain(windows) == plain(same)
    assert unix(windows) == []
    assert tool(windows, "check", "--offline").returncode == 0
    assert tool(windows, "update").stdout.endswith("nothing to update.\n")


def test_edits(windows: Path) -> None:
    """One that is apart from the template's changes, in a file that moves, and one of the same line."""
    edit(windows, "tests/demo.py", "def say(", "# mine\ndef say(")
    edit(windows, "Makefile", "$(RUN) python -m tests.demo", "$(RUN) python -m tests.demo --mine")
    edit(windows, "AGENTS.md", "For people", "For all people")
    must("git", "mv", "AGENTS.md", "CLAUDE.md", cwd=windows)
    to_windows(windows)
    done = tool(windows, "update")
    assert done.returncode == 3, done.stdout
    assert must("git", "diff", "--name-only", "--diff-filter=U", cwd=windows) == "Makefile\n"
    text = (windows / "Makefile").read_bytes()
    assert text.count(b"\r\n") == text.count(b"\n")
    ours, theirs = text.partition(b"<<<<<<< yours\r\n")[2].partition(b"=======\r\n")[::2]
    assert (b"--mine" in ours, b"tests.conformance.demo" in theirs) == (True, True)
    assert must("git", "rev-parse", ":2:Makefile", cwd=windows) == must(
        "git", "rev-parse", "HEAD:Makefile", cwd=windows
    )
    assert b"# mine\r\ndef say(" in (windows / "tests/conformance/demo.py").read_bytes()
    assert b"make preview" in (windows / "CLAUDE.md").read_bytes()
    commit(windows, "Update")
    assert unix(windows) == []


def test_files_of_git_with_another_checkout(package: Path) -> None:
    """Git keeps the line ends of Unix, and writes those of Windows."""
    write(package / ".gitattributes", "* text=auto eol=crlf\n")
    must("git", "config", "core.autocrlf", "true", cwd=package)
    commit(package, "Attributes")
    must("git", "rm", "-rq", "--cached", ".", cwd=package)
    must("git", "reset", "--quiet", "--hard", cwd=package)
    assert (package / "Makefile").read_bytes().count(b"\r\n") > 20
    edit(package, "tests/demo.py", "def say(", "# mine\ndef say(")
    updated(package)
    assert b"# mine\r\ndef say(" in (package / "tests/conformance/demo.py").read_bytes()
    assert all(
        line.startswith(("i/lf", "i/none")) for line in must("git", "ls-files", "--eol", cwd=package).splitlines()
    )
    assert must("git", "status", "--porcelain", cwd=package) == ""


def test_mixed_line_ends(fork: Path, tmp_path: Path) -> None:
    """An editor of Windows has written some of the lines, and the template changes others."""
    lines = [f"line {number}\n" for number in range(30)]
    release(fork, "v1000.0.0", lambda: write(fork / PACKAGE / "mixed.txt", "template's\n" + "".join(lines)))
    package = render(fork, "v1000.0.0", {}, tmp_path / "package")
    lines[20] = "line 20, the template's\n"
    release(fork, "v1001.0.0", lambda: write(fork / PACKAGE / "mixed.txt", "template's\n" + "".join(lines)))
    text = (package / "mixed.txt").read_bytes()
    mine = (
        text.replace(b"line 5\n", b"mine\r\n")
        .replace(b"line 19\n", b"line 19\r\n")
        .replace(b"line 20\n", b"line 20\r\n")
    )
    write(package / ".git" / "info" / "attributes", "* -text\n")
    (package / "mixed.txt").write_bytes(mine)
    commit(package, "Mixed")
    updated(package)
    # The line that the template has changed has the end of most lines.
    assert (package / "mixed.txt").read_bytes() == mine.replace(b"line 20\r\n", b"line 20, the template's\n")
    assert must("git", "status", "--porcelain", cwd=package) == ""


def test_template_that_changes_line_ends(fork: Path, tmp_path: Path) -> None:
    """What only the template has changed is taken; what git has turned to those of Unix is no edit."""
    text = "template's\n" + "".join(f"line {number}\n" for number in range(9))
    turned = text.replace("\n", "\r\n")

    def first() -> None:
        write(fork / PACKAGE / ".gitattributes.jinja", "* text=auto eol=lf\n*.bat -text\n")
        write(fork / PACKAGE / "to.bat", text)
        write(fork / PACKAGE / "was.bat", turned)

    def second() -> None:
        write(fork / PACKAGE / "to.bat", turned)
        write(fork / PACKAGE / "was.bat", turned.replace("line 5", "line five"))

    must("git", "config", "core.autocrlf", "false", cwd=fork)
    release(fork, "v1000.0.0", first)
    package = render(fork, "v1000.0.0", {}, tmp_path / "package")
    write(package / ".gitattributes", "* text=auto eol=lf\n")
    must("git", "add", "--renormalize", ".", cwd=package)
    commit(package, "Line ends of Unix")
    release(fork, "v1001.0.0", second)
    before = state(package)
    assert plan_of(package)["conflicts"] == []
    assert state(package) == before
    updated(package)
    assert (package / "to.bat").read_bytes() == turned.encode()
    committed = must("git", "cat-file", "blob", "HEAD:was.bat", cwd=package)
    assert committed == text.replace("line 5", "line five")

"""An update that git cannot finish: a file that becomes too large, a full disk, a folder that takes no files.

What git half wrote is put back; where that cannot be, the message has the commands, and they do.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from fork_tool.git import Git
from fork_tool.restore import NotRestored, restore
from fork_tool.sync import move
from provider_template.adopt import _switch
from provider_template.errors import Refusal
from provider_template.plan import Wish, make_plan
from provider_template.project import open_package
from provider_template.update import apply
from testing.answers import ROOT
from testing.support import must, no_file_above, wait_for_index
from testing.tool import COMMAND, PACKAGE, edit, state, tree
from testing.upgrades import commit

PROVIDER = Path("src/litellm_acme_ai/provider.py")


LIMIT = 200_000
"""Bytes; no other file of a package, and no file of git's for it, is that large."""
BEYOND = "# So that it is a large file.\n" * (LIMIT // 20)


@pytest.fixture
def package(package: Path, versions: Path, fork: Path) -> Path:
    """A package whose template has a version with a provider.py that is larger than the limit."""
    newer = fork / PACKAGE / "src" / "{{ module_name }}" / PROVIDER.name
    newer.write_text(BEYOND + newer.read_text(encoding="utf-8"), encoding="utf-8")
    commit(fork, "A large file")
    must("git", "tag", "v1000.0.0", cwd=fork)
    edit(package, ".copier-answers.yml", str(versions), str(fork))
    return package


def refused_update(package: Path) -> str:
    """Updates a package where files cannot be larger than the limit; returns the refusal."""
    with (
        make_plan(open_package(package), Wish(), keep=True) as plan,
        no_file_above(LIMIT),
        pytest.raises(Refusal) as refusal,
    ):
        apply(plan)
    return str(refusal.value)


def commands_in(words: str) -> str:
    """Returns the commands that a message names."""
    found = re.search(r"This puts it back: (.*)", words, re.DOTALL)
    assert found is not None, words
    return found[1]


def test_half_written_files_are_put_back(package: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    before = state(package)
    words = refused_update(package)
    assert f"unable to write file {PROVIDER}" in words
    assert words.endswith("What git had replaced by then was put back: fix that, then do it again.")
    assert state(package)[:4] == before[:4]
    assert not (package / ".ci").exists()


def test_commands_for_what_cannot_be_put_back(package: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The old provider.py is larger than the limit, too. The package's folder has a name that has to be quoted."""
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    package = package.rename(package.with_name("it's $HOME; a package"))
    with (package / PROVIDER).open("a", encoding="utf-8") as file:
        file.write(BEYOND)
    commit(package, "Mine is large")
    before = state(package)
    words = refused_update(package)
    assert f"Not as before: {PROVIDER}. This puts it back: " in words
    assert "was put back" not in words
    assert state(package)[:4] != before[:4]
    must("sh", "-c", commands_in(words), cwd=package.parent)
    assert state(package)[:4] == before[:4]


# What a repository is brought to halfway, and what it has to be again, without a template.
OLD = {
    "changed": "old\n",
    "gone": "gone\n",
    "folder/one": "one\n",
    "becomes": "a file\n",
    ".gitattributes": "* text\n",
}
NEW = {
    "changed": "new\n" * 9999,
    "added/new": "new\n" * 9999,
    "folder": "a file now\n",
    "becomes/a": "a folder now\n",
    ".gitattributes": "* text=auto eol=crlf\n",
}


def put(folder: Path, files: dict[str, str]) -> str:
    """Makes a commit with these files and no others; returns it."""
    must("git", "rm", "-rfq", "--ignore-unmatch", ".", cwd=folder)
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
    commit(folder, "Files")
    return must("git", "rev-parse", "HEAD", cwd=folder).strip()


@pytest.fixture
def halfway(tmp_path: Path) -> tuple[Git, str, str]:
    """A repository with two commits of which the first is checked out."""
    folder = tmp_path / "repository"
    folder.mkdir()
    must("git", "init", "--quiet", "--initial-branch", "main", cwd=folder)
    old = put(folder, OLD)
    new = put(folder, NEW)
    must("git", "reset", "--quiet", "--hard", old, cwd=folder)
    return Git(folder), old, new


NOTHING = NotRestored(index=False, lock=None, replaced=(), new=(), edited=())


def test_killed_git_leaves_its_lock(halfway: tuple[Git, str, str], tmp_path: Path) -> None:
    """Every file is new, the index is, too, and the next command was killed."""
    here, old, new = halfway
    before = tree(here.folder, tmp_path / "index")
    here.must("read-tree", "-m", "-u", old, new)
    (here.folder / ".git" / "index.lock").touch()
    assert restore(here, old, new, killed=True) == NOTHING
    assert here.must("status", "--porcelain") == ""
    assert tree(here.folder, tmp_path / "index") == before
    assert not (here.folder / ".git" / "index.lock").exists()


def test_beginnings_are_put_back_and_edits_are_not(halfway: tuple[Git, str, str]) -> None:
    here, old, new = halfway
    (here.folder / "added").mkdir()
    # A beginning with the line ends that the new .gitattributes ask for, an empty file, and somebody's work.
    (here.folder / "changed").write_bytes(b"new\r\nnew\r\nne")
    (here.folder / "added" / "new").write_bytes(b"")
    (here.folder / "gone").write_text("mine\n", encoding="utf-8")
    assert restore(here, old, new, killed=False) == NotRestored(
        index=False, lock=None, replaced=(), new=(), edited=("gone",)
    )
    assert here.must("status", "--porcelain") == " M gone"
    assert (here.folder / "changed").read_text(encoding="utf-8") == "old\n"
    assert not (here.folder / "added").exists()


MOVES: dict[str, Callable[[Git, str, str], None]] = {
    "merge": lambda here, old, new: move(here, "main", old, new, rewrites=False),
    "reset": lambda here, old, new: move(here, "main", old, new, rewrites=True),
    "switch": lambda here, old, new: _switch("adopted", new, old, here.folder),
}


@pytest.mark.parametrize("way", MOVES)
def test_every_command_that_moves_files(way: str, halfway: tuple[Git, str, str]) -> None:
    """The sync of a fork by merge and by rebase, and the new branch of an adoption."""
    here, old, _ = halfway
    new = put(here.folder, {name: text for name, text in NEW.items() if name != "folder"})
    here.must("reset", "--quiet", "--hard", old)
    refs = here.must("for-each-ref")
    with no_file_above(9999), pytest.raises(Refusal, match="What git had replaced by then was put back"):
        MOVES[way](here, old, new)
    assert (here.must("status", "--porcelain"), here.must("for-each-ref")) == ("", refs)
    assert (here.must("rev-parse", "HEAD"), here.branch()) == (old, "main")
    assert not (here.folder / "added").exists()


def test_filter_that_fails(halfway: tuple[Git, str, str]) -> None:
    """Git writes neither the new file nor the old one; the commands do, once the filter is fixed."""
    here, old, new = halfway
    (here.folder / ".git" / "info" / "attributes").write_text("changed filter=broken\n", encoding="utf-8")
    for name, value in (("smudge", "false"), ("clean", "cat"), ("required", "true")):
        here.must("config", f"filter.broken.{name}", value)
    assert here.run("read-tree", "-m", "-u", old, new).returncode != 0
    left = restore(here, old, new, killed=False)
    assert left == NotRestored(index=False, lock=None, replaced=("changed",), new=(), edited=())
    here.must("config", "filter.broken.smudge", "cat")
    must("sh", "-c", commands_in(left.words(here.folder)), cwd=ROOT)
    assert here.must("status", "--porcelain") == ""


def test_index_that_cannot_be_written(halfway: tuple[Git, str, str]) -> None:
    """Another git has its lock: the message says so, and the commands bring files and index back."""
    here, old, new = halfway
    here.must("read-tree", "-m", "-u", old, new)
    lock = here.folder / ".git" / "index.lock"
    lock.touch()
    left = restore(here, old, new, killed=False)
    assert left.index
    lock.unlink()
    must("sh", "-c", commands_in(left.words(here.folder)), cwd=ROOT)
    assert here.must("status", "--porcelain") == ""


def test_interrupted_while_files_are_replaced(package: Path, tmp_path: Path) -> None:
    """Ctrl-C, again and again: git and what comes after it go on to their end, conflicts and all."""
    (package / "Makefile").write_text("mine\n", encoding="utf-8")
    commit(package, "Mine")
    slow = tmp_path / "bin" / "git"
    slow.parent.mkdir()
    slow.write_text(
        f'#!/bin/sh\n[ "$1" = read-tree ] && touch "{tmp_path}/now" && sleep 1\nexec {shutil.which("git")} "$@"\n',
        encoding="utf-8",
    )
    slow.chmod(0o755)
    process = subprocess.Popen(
        [*COMMAND, "update", "--defaults"],
        cwd=package,
        env={**os.environ, "PYTHONPATH": str(ROOT), "PATH": f"{slow.parent}:{os.environ['PATH']}"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    while not (tmp_path / "now").exists():
        assert process.poll() is None, process.communicate()
        time.sleep(0.02)
    for _ in range(2):
        process.send_signal(signal.SIGINT)
        time.sleep(0.3)
    said, _ = process.communicate()
    wait_for_index(package)
    assert process.returncode == 3, said
    assert must("git", "diff", "--name-only", "--diff-filter=U", cwd=package) == "Makefile\n"

"""What an update refuses before it begins, in one sentence that names the fix."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from fork_tool.git import Git
from fork_tool.in_progress import refuse_in_progress
from provider_template.errors import Refusal
from testing.support import must, run
from testing.tool import state, tool
from testing.upgrades import commit

FILE = "notes.txt"


def branches(package: Path) -> None:
    """Makes two branches that have changed the same line, and checks one of them out."""
    (package / FILE).write_text("one\n", encoding="utf-8")
    commit(package, "One")
    for name, text in (("other", "two\n"), ("mine", "three\n")):
        must("git", "switch", "--quiet", "-c", name, cwd=package)
        (package / FILE).write_text(text, encoding="utf-8")
        commit(package, name)
        must("git", "switch", "--quiet", "-", cwd=package)
    must("git", "switch", "--quiet", "mine", cwd=package)


def merge(package: Path) -> None:
    """Stops before the commit of a merge that changes nothing, so that all seems to be committed."""
    must("git", "merge", "--quiet", "--no-commit", "-s", "ours", "other", cwd=package)


def rebase(package: Path) -> None:
    """Stops at a commit to edit."""
    must("git", "rebase", "--quiet", "-i", "HEAD~1", cwd=package, GIT_SEQUENCE_EDITOR="sed -i s/^pick/edit/")


def am(package: Path) -> None:
    """Stops at a patch that does not apply."""
    patch = must("git", "format-patch", "-1", "--stdout", "other", cwd=package)
    (package.parent / "patch").write_text(patch.replace("-one", "-none"), encoding="utf-8")
    assert run("git", "am", "--quiet", package.parent / "patch", cwd=package).returncode != 0


def sequence(command: str) -> Callable[[Path], None]:
    """Returns what leaves the first of two picks or reverts to be committed, and that commits it."""

    def start(package: Path) -> None:
        branch = "other" if command == "cherry-pick" else "mine"
        must("git", "switch", "--quiet", "other" if command == "revert" else "mine", cwd=package)
        commits = must("git", "rev-parse", branch, f"{branch}~1", cwd=package).split()
        assert run("git", command, *commits, cwd=package).returncode != 0
        must("git", "checkout", "--quiet", "HEAD", "--", ".", cwd=package)
        assert run("git", "commit", "--quiet", "--allow-empty", "-m", "Solved", cwd=package).returncode == 0

    return start


def bisect(package: Path) -> None:
    """Looks for a commit."""
    must("git", "bisect", "start", "HEAD", "HEAD~1", cwd=package)


@pytest.mark.parametrize(
    ("start", "words"),
    [
        (merge, "git merge is under way"),
        (rebase, "git rebase is under way"),
        (am, "git am is under way"),
        (sequence("cherry-pick"), "git cherry-pick is under way"),
        (sequence("revert"), "git revert is under way"),
        (bisect, "git bisect is under way"),
    ],
    ids=["merge", "rebase", "am", "cherry-pick", "revert", "bisect"],
)
def test_git_is_in_the_middle_of_something(start: Callable[[Path], None], words: str, package: Path) -> None:
    branches(package)
    start(package)
    assert must("git", "status", "--porcelain", cwd=package) == ""
    before = state(package)
    for command in ("preview", "update"):
        done = tool(package, command)
        assert (done.returncode, len(done.stdout.splitlines())) == (1, 1), done.stdout
        assert f"{words} in {package}" in done.stdout
    assert state(package) == before
    # The command that the sentence names ends it.
    name = words.split()[1]
    must("git", name, "reset" if name == "bisect" else "--abort", cwd=package)
    refuse_in_progress(Git(package))


def test_worktree_beside_a_merge(package: Path, tmp_path: Path) -> None:
    """What is under way in another work tree is none of this one's business."""
    branches(package)
    must("git", "worktree", "add", "--quiet", "--detach", tmp_path / "tree", cwd=package)
    merge(package)
    refuse_in_progress(Git(tmp_path / "tree"))
    with pytest.raises(Refusal, match="git merge is under way"):
        refuse_in_progress(Git(package))


def test_conflict_beside_the_package(tmp_path: Path) -> None:
    """As git stash pop leaves it, which is in the middle of nothing."""
    must("git", "init", "--quiet", cwd=tmp_path)
    for text in ("one\n", "two\n", "three\n"):
        (tmp_path / FILE).write_text(text, encoding="utf-8")
        if text == "two\n":
            must("git", "stash", "--quiet", cwd=tmp_path)
        else:
            commit(tmp_path, text)
    assert run("git", "stash", "pop", cwd=tmp_path).returncode != 0
    with pytest.raises(Refusal, match=f"{FILE} in .* has a conflict that is not resolved"):
        refuse_in_progress(Git(tmp_path))


def test_ignored_repository_in_the_way(package: Path) -> None:
    with (package / ".gitignore").open("a", encoding="utf-8") as file:
        file.write("/.ci/\n")
    commit(package, "Ignore")
    must("git", "init", "--quiet", ".ci", cwd=package)
    before = state(package)
    done = tool(package, "update")
    assert done.returncode == 1
    assert f"{package}/.ci is in the way of .ci/forge.py, a new file of the template" in done.stdout
    assert state(package)[:4] == before[:4]


def submodule(package: Path, path: str) -> None:
    """Puts a submodule in the place of whatever is there."""
    other = package.parent / "other"
    must("git", "init", "--quiet", other, cwd=package)
    (other / FILE).write_text("vendor's\n", encoding="utf-8")
    commit(other, "Other")
    must("git", "rm", "-rfq", "--ignore-unmatch", path.removesuffix("/below"), cwd=package)
    add = ("submodule", "--quiet", "add", str(other), path)
    must("git", "-c", "protocol.file.allow=always", *add, cwd=package)
    commit(package, "Vendor")


@pytest.mark.parametrize(
    ("path", "clash"),
    [
        ("Makefile", "Makefile"),
        (".ci", ".ci/forge.py"),
        ("tests/conformance", "tests/conformance/"),
        ("AGENTS.md/below", "AGENTS.md"),
    ],
    ids=["file", "new-folder", "folder", "below-a-file"],
)
def test_submodule_in_the_place_of_a_file(path: str, clash: str, package: Path) -> None:
    submodule(package, path)
    before = state(package)
    for command in ("preview", "update")[:: 1 if path == ".ci" else 2]:
        done = tool(package, command)
        assert done.returncode == 1, done.stdout
        assert f"The submodule {path} has the place of {clash}" in done.stdout
        assert f"git mv {path} <another path>" in done.stdout
    assert state(package)[:4] == before[:4]


def test_submodule_in_the_place_of_ones_own_files(package: Path) -> None:
    submodule(package, "docs")
    done = tool(package, "update")
    assert done.returncode == 0, done.stdout
    assert must("git", "ls-files", "--stage", "docs", cwd=package).startswith("160000")

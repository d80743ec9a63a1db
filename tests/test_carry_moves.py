"""The migration that carries edits along where a file of the template has moved."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest
from packaging.version import Version

from fork_tool.declaration import in_folder
from hooks import carry_moves
from testing.answers import ROOT
from testing.support import copier_in, must
from testing.upgrades import NEXT, commit, render, template_with_versions

BASE = b"one\ntwo\nthree\nfour\nfive\n"
LISTED: Mapping[str, carry_moves.Moves] = {
    "v0.2.0": {"a": "b", "gone": None},
    "v0.3.0": {"b": "c/d", "src/{{ module_name }}/x": "src/{{module_name}}/y"},
}


def between(old: str, new: str) -> dict[str, str | None]:
    return carry_moves.moves_between(LISTED, Version(old), Version(new), {"module_name": "acme"})


def test_moves_between_versions() -> None:
    assert between("0.1.0", "0.2.0") == {"a": "b", "gone": None}
    assert between("0.1.0", "0.3.0") == {"a": "c/d", "gone": None, "src/acme/x": "src/acme/y"}
    assert between("0.2.0", "0.9.0") == {"b": "c/d", "src/acme/x": "src/acme/y"}
    assert between("0.3.0", "0.4.0") == {}


@pytest.fixture
def package(tmp_path: Path) -> Path:
    """A package with a file at its old path, committed; the update has then made the new one."""
    folder = tmp_path / "package"
    folder.mkdir()
    must("git", "init", "--quiet", cwd=folder)
    return folder


def moved(folder: Path, mine: bytes, new: bytes | None) -> list[str]:
    """Commits `mine` at `old`, leaves `new` at `to/new` as an update would, and carries."""
    (folder / "old").write_bytes(mine)
    commit(folder, "Edit")
    (folder / "old").unlink()
    if new is not None:
        (folder / "to").mkdir(exist_ok=True)
        (folder / "to" / "new").write_bytes(new)
    return carry_moves.carry(folder, {"old": "to/new"}, lambda _: BASE)


def test_nothing_edited(package: Path) -> None:
    assert moved(package, BASE, b"new\n") == []
    assert (package / "to" / "new").read_bytes() == b"new\n"
    assert not (package / "old").exists()


def test_edit_is_carried_once(package: Path) -> None:
    mine, new = BASE.replace(b"one", b"mine"), BASE.replace(b"five", b"theirs")
    assert moved(package, mine, new) == ["to/new has your edits of old now."]
    both = mine.replace(b"five", b"theirs")
    assert (package / "to" / "new").read_bytes() == both
    # A second run finds nothing more to do.
    carry_moves.carry(package, {"old": "to/new"}, lambda _: BASE)
    assert (package / "to" / "new").read_bytes() == both


def test_conflict(package: Path) -> None:
    (note,) = moved(package, BASE.replace(b"two", b"mine"), BASE.replace(b"two", b"theirs"))
    assert "conflicts" in note
    text = (package / "to" / "new").read_bytes()
    assert b"<<<<<<< before updating\nmine\n=======\ntheirs\n>>>>>>> after updating\n" in text


def test_file_that_is_gone(package: Path) -> None:
    mine = BASE + b"mine\n"
    (note,) = moved(package, mine, None)
    assert "your edited copy of it was kept" in note
    assert (package / "old").read_bytes() == mine


def test_file_that_the_author_deleted(package: Path) -> None:
    (package / "other").write_bytes(b"")
    commit(package, "No old")
    assert carry_moves.carry(package, {"old": "to/new"}, lambda _: BASE) == []


def test_failure_says_the_way_back(package: Path) -> None:
    (package / "tests").mkdir()
    (package / "tests" / "demo.py").write_text("mine\n", encoding="utf-8")
    commit(package, "No answers")
    done = subprocess.run(
        [sys.executable, ROOT / "hooks" / "carry_moves.py"],
        cwd=package,
        env={
            **os.environ,
            "VERSION_PEP440_FROM": "0.2.0",
            "VERSION_PEP440_TO": "0.3.0",
            "VERSION_PEP440_CURRENT": "0.3.0",
            "VERSION_FROM": "v0.2.0",
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "Go back with `git reset --hard && git clean -fd`" in done.stderr
    assert "Traceback" not in done.stderr


def test_with_copier(tmp_path: Path) -> None:
    """`copier update` over the version that moved the demo, trusted."""
    template = template_with_versions(tmp_path / "template")
    package = render(template, "v0.2.0", {}, tmp_path / "package")
    demo = package / "tests" / "demo.py"
    demo.write_text(demo.read_text(encoding="utf-8").replace("def say(", "# mine\ndef say("), encoding="utf-8")
    commit(package, "Edit")
    refused = copier_in(package, "update", "--defaults")
    assert refused.returncode == 4  # Copier's own for a template that is not trusted
    updated = copier_in(package, "update", "--defaults", "--trust", "--vcs-ref", NEXT)
    assert updated.returncode == 0, updated.stdout
    moved_demo = (package / "tests" / "conformance" / "demo.py").read_text(encoding="utf-8")
    assert "# mine\ndef say(" in moved_demo
    assert "from ..package import" in moved_demo
    assert not demo.exists()


def test_a_fork_with_copier(tmp_path: Path) -> None:
    """A fork of v0.5.0 with two providers and an entry of its own under the name of that version, one after the other."""
    template = template_with_versions(tmp_path / "template")
    fork = tmp_path / "fork"
    for name in ("Acme AI", "Beta"):
        data = ("--data", "layout=fork", "--data", f"provider_name={name}", "--data", "fork_name=ours")
        copied = copier_in(tmp_path, "copy", "--defaults", "--quiet", "--vcs-ref", "v0.5.0", *data, template, fork)
        assert copied.returncode == 0, copied.stdout
    must("git", "init", "--quiet", cwd=fork)
    listed = fork / "fork" / "acme_ai" / "hooks.toml"
    listed.write_text(
        listed.read_text(encoding="utf-8").replace('    "pyyaml>=6",', '    "pyyaml>=7",'), encoding="utf-8"
    )
    entry = '\n[[hooks]]\nname = "mine"\nfile = "litellm/main.py"\nwhere = "end"\nwhy = "so"\nbody = "x = 1"\n'
    with (fork / "fork.toml").open("a", encoding="utf-8") as file:
        file.write(entry)
    commit(fork, "Render and edit")
    before = in_folder(fork)
    assert len(before.insertions) == 7
    for folder in ("acme_ai", "beta"):
        answers = f"fork/{folder}/.copier-answers.yml"
        options = ("--defaults", "--trust", "--vcs-ref", NEXT, "--answers-file", answers)
        updated = copier_in(fork, "update", *options)
        assert updated.returncode == 0, updated.stdout
        commit(fork, f"Update {folder}")
        # Also where the providers are of two versions.
        assert in_folder(fork) == before
    assert entry in (fork / "fork.toml").read_text(encoding="utf-8")
    assert '"pyyaml>=7",' in listed.with_name("provider.toml").read_text(encoding="utf-8")
    assert list(fork.glob("fork/*/hooks.toml")) == []
    there = {path.name: path.read_bytes() for path in (fork / "fork" / "tool").glob("*.py")}
    assert there == {path.name: path.read_bytes() for path in (ROOT / "fork_tool").glob("*.py")}

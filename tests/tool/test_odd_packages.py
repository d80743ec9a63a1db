"""Updates of packages, templates and machines that are not as one would have them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from testing.answers import ROOT
from testing.support import must
from testing.tool import PACKAGE, edit, plan_of, release, state, tool, write
from testing.upgrades import NEXT, commit, render

LINES = "".join(f"line {number}\n" for number in range(30))


def test_file_of_the_author_where_a_move_needs_a_folder(fork: Path, tmp_path: Path) -> None:
    release(fork, "v1000.0.0", lambda: write(fork / PACKAGE / "old.txt", f"template's\n{LINES}"))
    package = render(fork, "v1000.0.0", {}, tmp_path / "package")

    def move() -> None:
        (fork / PACKAGE / "old.txt").unlink()
        write(fork / PACKAGE / "listed" / "new.txt", f"template's\n{LINES}")
        with (fork / "hooks" / "moves.yml").open("a", encoding="utf-8") as file:
            file.write("v1001.0.0:\n  old.txt: listed/new.txt\n")

    release(fork, "v1001.0.0", move)
    write(package / "listed", "precious\n")
    commit(package, "Mine")
    done = tool(package, "update")
    assert done.returncode == 3, done.stdout
    assert any(path.is_file() and path.read_text(encoding="utf-8") == "precious\n" for path in package.glob("listed*"))


def test_variables_of_git(package: Path) -> None:
    """As in a hook of git."""
    index = package / ".git" / "index"
    before = state(package)
    done = tool(package, "preview", GIT_INDEX_FILE=str(index), GIT_DIR=str(ROOT / ".git"))
    assert done.returncode == 0, done.stdout
    assert f"from v0.2.0 to {NEXT}" in done.stdout
    assert state(package) == before


def test_files_that_cannot_be_written(package: Path, tmp_path: Path) -> None:
    """Git stops halfway; what it has replaced by then is put back."""
    write(package / ".git" / "info" / "attributes", "tests/conformance/template_files.py filter=broken\n")
    # The user's own, as those of the repository do not count.
    settings = tmp_path / "settings"
    for name, value in (("smudge", "false"), ("clean", "cat"), ("required", "true")):
        must("git", "config", "--file", settings, f"filter.broken.{name}", value, cwd=package)
    before = state(package)
    done = tool(package, "update", GIT_CONFIG_GLOBAL=str(settings))
    assert done.returncode == 1, done.stdout
    assert "could not be replaced" in done.stdout
    assert state(package)[:4] == before[:4]


@pytest.mark.slow
def test_both_sides_move_a_file(fork: Path, tmp_path: Path) -> None:
    release(fork, "v1000.0.0", lambda: write(fork / PACKAGE / "bits" / "mover.txt", f"template's\n{LINES}"))
    package = render(fork, "v1000.0.0", {}, tmp_path / "package")

    def move() -> None:
        (fork / PACKAGE / "bits" / "mover.txt").unlink()
        write(fork / PACKAGE / "tools" / "mover.txt", f"template's\n{LINES}more\n")

    release(fork, "v1001.0.0", move)
    (package / "mine").mkdir()
    must("git", "mv", "bits/mover.txt", "mine/mover.txt", cwd=package)
    commit(package, "Move")
    done = tool(package, "update")
    assert done.returncode == 3, done.stdout
    assert (package / "mine" / "mover.txt").is_file()


@pytest.mark.slow
def test_twins_of_which_one_moves(fork: Path, tmp_path: Path) -> None:
    def twins() -> None:
        for name in ("one", "two"):
            write(fork / PACKAGE / "bits" / f"{name}.txt", f"template's\n{LINES}")

    release(fork, "v1000.0.0", twins)
    package = render(fork, "v1000.0.0", {}, tmp_path / "package")
    source = fork / PACKAGE / "bits" / "one.txt"
    release(fork, "v1001.0.0", lambda: source.rename(source.with_name("three.txt")))
    must("git", "rm", "--quiet", "bits/one.txt", "bits/two.txt", cwd=package)
    commit(package, "Delete")
    assert tool(package, "update").returncode == 0
    assert [path.name for path in (package / "bits").iterdir()] == ["three.txt"]


@pytest.mark.slow
def test_folder_that_becomes_a_file(fork: Path, tmp_path: Path) -> None:
    release(fork, "v1000.0.0", lambda: write(fork / PACKAGE / "book" / "one.txt", f"template's\n{LINES}"))
    package = render(fork, "v1000.0.0", {}, tmp_path / "package")

    def fold() -> None:
        must("rm", "-r", fork / PACKAGE / "book", cwd=fork)
        write(fork / PACKAGE / "book", "template's whole\n")

    release(fork, "v1001.0.0", fold)
    done = tool(package, "update")
    assert done.returncode == 0, done.stdout
    assert (package / "book").read_text(encoding="utf-8") == "template's whole\n"


def test_answers_that_git_ignores(package: Path) -> None:
    must("git", "rm", "--quiet", "--cached", ".copier-answers.yml", cwd=package)
    with (package / ".gitignore").open("a", encoding="utf-8") as file:
        file.write(".copier-answers.yml\n")
    commit(package, "Ignore")
    done = tool(package, "update")
    assert done.returncode == 1
    assert "is not committed, and an update has to change it" in done.stdout


@pytest.mark.slow
def test_tag_that_moves(fork: Path, tmp_path: Path) -> None:
    """v1000 goes along with the newest v1000.x: it must not be what a package is rendered from."""
    release(fork, "v1000.0.0", lambda: write(fork / "one.txt", "1\n"))
    must("git", "tag", "v1000", cwd=fork)
    package = render(fork, NEXT, {}, tmp_path / "package")
    assert tool(package, "update").returncode == 0
    commit(package, "Update")
    assert "_commit: v1000.0.0\n" in (package / ".copier-answers.yml").read_text(encoding="utf-8")
    release(fork, "v1000.1.0", lambda: write(fork / PACKAGE / "new.txt", "template's\n"))
    must("git", "tag", "--force", "v1000", cwd=fork)
    assert tool(package, "update").returncode == 0
    assert (package / "new.txt").is_file()


def test_odd_names(package: Path) -> None:
    """A name with a tab, with a line break, with letters of all kinds, and one that is not UTF-8."""
    for name in ("a\tb.txt", "a\nb.txt", "ä 雲 'x' \"y\".txt", "-dash"):
        (package / name).write_text("mine\n", encoding="utf-8")
    (Path(str(package)) / b"caf\xe9.txt".decode("utf-8", "surrogateescape")).write_text("mine\n", encoding="utf-8")
    (package / "link").symlink_to("README.md")
    commit(package, "Odd")
    must("git", "mv", "AGENTS.md", "AGE\tNTS.md", cwd=package)
    commit(package, "Rename")
    assert plan_of(package)["to"] == NEXT
    done = tool(package, "update", PYTHONIOENCODING="utf-8:strict")
    assert done.returncode == 0, done.stdout
    commit(package, "Update")
    assert (package / "a\tb.txt").read_text(encoding="utf-8") == "mine\n"
    assert (package / "link").is_symlink()


@pytest.mark.slow
def test_migration_beside_a_submodule(fork: Path, package: Path, versions: Path) -> None:
    def migrate() -> None:
        text = (fork / "copier.yml").read_text(encoding="utf-8")
        mine = "_migrations:\n  - version: v1000.0.0\n    command: [touch, migrated]\n"
        write(fork / "copier.yml", text.replace("_migrations:\n", mine))

    release(fork, "v1000.0.0", migrate)
    must(
        "git",
        "-c",
        "protocol.file.allow=always",
        "submodule",
        "--quiet",
        "add",
        str(ROOT),
        "vendor",
        cwd=package,
    )
    commit(package, "Vendor")
    edit(package, ".copier-answers.yml", str(versions), str(fork))
    must("git", "config", "core.autocrlf", "true", cwd=package)
    must("git", "config", "commit.gpgsign", "true", cwd=package)
    done = tool(package, "update", "--trust")
    assert done.returncode == 0, done.stdout
    changed = must("git", "diff", "--cached", "--name-only", "HEAD", cwd=package).splitlines()
    assert "migrated" in changed
    assert not {"vendor", "README.md", "src/litellm_acme_ai/transformation.py"} & set(changed)


@pytest.mark.slow
def test_migration_that_converts_an_answer(fork: Path, package: Path, versions: Path) -> None:
    """Trust is asked for before the answer is refused that the migration would have converted."""

    def drop() -> None:
        path = fork / "questions" / "package.yml"
        write(path, path.read_text(encoding="utf-8").replace('    "GitLab CI": gitlab\n', ""))
        text = (fork / "copier.yml").read_text(encoding="utf-8")
        command = "sed -i 's/^ci: gitlab/ci: none/' .copier-answers.yml"
        mine = f'_migrations:\n  - version: v1000.0.0\n    when: "{{{{ _stage == \'before\' }}}}"\n    command: "{command}"\n'
        write(fork / "copier.yml", text.replace("_migrations:\n", mine))

    release(fork, "v1000.0.0", drop)
    assert tool(package, "update", "-d", "ci=gitlab").returncode == 0
    commit(package, "GitLab")
    edit(package, ".copier-answers.yml", str(versions), str(fork))
    assert plan_of(package)["needs_trust"]
    refused = tool(package, "update")
    assert (refused.returncode, "add --trust" in refused.stdout) == (1, True)
    done = tool(package, "update", "--trust", "--json")
    assert done.returncode == 0, done.stdout
    assert json.loads(done.stdout)["to"] == "v1000.0.0"
    assert "ci: none\n" in (package / ".copier-answers.yml").read_text(encoding="utf-8")


@pytest.mark.slow
def test_version_that_the_template_has_lost(fork: Path, package: Path, versions: Path) -> None:
    edit(package, ".copier-answers.yml", str(versions), str(fork))
    edit(package, ".copier-answers.yml", "_commit: v0.2.0", "_commit: v0.2.7")
    done = tool(package, "update")
    assert done.returncode == 1
    assert "has no version v0.2.7, which this package was rendered from" in done.stdout

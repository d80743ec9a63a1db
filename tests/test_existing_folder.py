"""Copying into a folder that has files already: a file of the user is never replaced without a question."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from testing.support import copier_in, render
from testing.wizard import ENTER, wizard

THEIRS = "a line of the user\n"
# One file of each owner: the author's files are in _skip_if_exists, the template's are not.
OF_THE_AUTHOR = ("README.md", "proxy/config.yaml", "src/litellm_acme_ai/models.yaml", "docs/index.md")
OF_THE_TEMPLATE = ("pyproject.toml", "Makefile")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Makes a folder with one file that no template knows."""
    made = tmp_path / "package"
    made.mkdir()
    (made / "notes.txt").write_text(THEIRS, encoding="utf-8")
    return made


def put(folder: Path, name: str) -> Path:
    """Writes a file of the user."""
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(THEIRS, encoding="utf-8")
    return path


def copy(template: Path, folder: Path, *options: str) -> subprocess.CompletedProcess[str]:
    """Runs `copier copy --defaults` without a terminal, as a script would."""
    return copier_in(folder.parent, "copy", "--defaults", *options, template, folder)


def test_other_files_stay(copier_template: Path, folder: Path) -> None:
    assert copy(copier_template, folder).returncode == 0
    assert (folder / "notes.txt").read_text(encoding="utf-8") == THEIRS
    assert (folder / "pyproject.toml").is_file()


@pytest.mark.parametrize("name", OF_THE_AUTHOR)
@pytest.mark.parametrize("options", [(), ("--overwrite",)], ids=["plain", "overwrite"])
def test_a_file_of_the_author_is_kept(name: str, options: tuple[str, ...], copier_template: Path, folder: Path) -> None:
    path = put(folder, name)
    assert copy(copier_template, folder, *options).returncode == 0
    assert path.read_text(encoding="utf-8") == THEIRS


@pytest.mark.parametrize("name", OF_THE_TEMPLATE)
def test_a_file_of_the_template_needs_a_yes(name: str, copier_template: Path, folder: Path) -> None:
    path = put(folder, name)
    refused = copy(copier_template, folder)
    assert refused.returncode != 0
    assert "--overwrite" in refused.stdout
    assert path.read_text(encoding="utf-8") == THEIRS

    assert copy(copier_template, folder, "--overwrite").returncode == 0
    assert path.read_text(encoding="utf-8") != THEIRS


@pytest.mark.parametrize(("key", "kept"), [("n", True), ("y", False)])
def test_a_terminal_asks_before_it_overwrites(
    key: str, kept: bool, copier_template: Path, folder: Path, tmp_path: Path
) -> None:
    path = put(folder, "Makefile")
    with wizard(copier_template, folder, "--defaults") as dialog:
        dialog.expect("Overwrite Makefile?")
        dialog.send(key + ENTER)
        assert dialog.end() == 0, dialog.screen
    fresh = render(copier_template, tmp_path / "fresh", {}) / "Makefile"
    assert path.read_text(encoding="utf-8") == (THEIRS if kept else fresh.read_text(encoding="utf-8"))

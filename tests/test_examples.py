"""The worked answers in examples/answers: each file renders, with nothing else asked, to a clean, typed package."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import yaml

from testing import checks
from testing.answers import ROOT, Answers, asked
from testing.support import UV, Tools, commit_all, copier_in, must, render

ANSWERS = ROOT / "examples" / "answers"
PROVIDERS = ROOT / "examples" / "providers"
FILES = sorted(ANSWERS.glob("*.yml"))
DEVELOPED = sorted(path.name for path in PROVIDERS.iterdir() if path.is_dir())


def developed(folder: Path, name: str) -> None:
    """Puts the author's files of an example into its package, if it has some."""
    (source,) = (path.parent for path in folder.glob("src/*/models.yaml"))
    for of_author in (path for path in PROVIDERS.glob(f"{name}/*") if path.is_dir()):
        to = source if of_author.name == "src" else folder / of_author.name
        if (of_author / "stand_in").is_dir():
            shutil.rmtree(to / "stand_in", ignore_errors=True)  # those of the worked example, whose place they take
        shutil.copytree(of_author, to, dirs_exist_ok=True)
    for file in (path for path in PROVIDERS.glob(f"{name}/*") if path.is_file()):
        shutil.copy(file, folder)


def test_each_of_them_is_developed() -> None:
    assert len(FILES) >= 5
    assert DEVELOPED == [file.stem for file in FILES]


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.stem))
def test_a_worked_example_renders_clean(file: Path, copier_template: Path, tmp_path: Path, tools: Tools) -> None:
    answers: Answers = yaml.safe_load(file.read_text(encoding="utf-8"))
    not_asked = [name for name in answers if not asked(name, answers)]
    assert not not_asked

    folder = render(copier_template, tmp_path / "package", answers)
    problems = [
        *checks.names(folder),
        *checks.texts(folder, machine=(ROOT, copier_template, tmp_path)),
        *checks.leftovers(folder),
        *checks.syntax(folder),
        *checks.recorded(folder, answers),
    ]
    developed(folder, file.stem)
    commit_all(folder)
    problems += [*tools.ruff(folder, "format", "--check"), *tools.ruff(folder, "check"), *tools.mypy(folder)]
    assert not problems, "\n".join(problems)


@pytest.mark.slow
@pytest.mark.parametrize("name", DEVELOPED)
def test_a_developed_example_passes_everything(name: str, copier_template: Path, tmp_path: Path) -> None:
    """By the author's files alone: `make check` fails where one of the template's is another."""
    answers: Answers = yaml.safe_load((ANSWERS / f"{name}.yml").read_text(encoding="utf-8"))
    folder = render(copier_template, tmp_path / "package", answers)
    developed(folder, name)
    commit_all(folder)
    must("make", "check", "test", "demo", f"UV={UV}", "JOBS=0", cwd=folder)


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.stem))
def test_the_command_of_the_readme_takes_it(file: Path, copier_template: Path, tmp_path: Path) -> None:
    folder = tmp_path / "package"
    done = copier_in(tmp_path, "copy", "--defaults", "--data-file", file, copier_template, folder)
    assert done.returncode == 0, done.stdout
    answers = yaml.safe_load(file.read_text(encoding="utf-8"))
    assert not checks.recorded(folder, answers)

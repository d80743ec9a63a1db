"""Measures `copier copy` of this template, of an empty one, and of public ones where their clones are given.

One more template has what this one renders as plain files, without a question: what Copier itself takes for
that many files.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.prepare import ROOT, run
from benchmarks.rounds import Times, timed, turns

THIS = "this template"
EMPTY = "empty template"
STATIC = "the same files, static"
_TAG = "9999.0.0"
_WHO = ("-c", "user.name=Benchmark", "-c", "user.email=benchmark@example.com")


@dataclass(frozen=True)
class Template:
    """A template to measure.

    Args:
        name: as the table has it.
        source: a git repository.
        answers: to the questions that have no default.
        trust: whether it brings code of its own.
    """

    name: str
    source: Path
    answers: Mapping[str, str] = field(default_factory=dict)
    trust: bool = False


@dataclass(frozen=True)
class Copies:
    """The times of each template, and how many files it renders."""

    times: Times
    files: Mapping[str, int]
    skipped: tuple[str, ...]


def public_templates() -> tuple[list[Template], tuple[str, ...]]:
    """Returns the public templates that the environment gives clones of, and a note for each other one."""
    known = {
        "BENCH_COPIER_UV": Template(
            "copier-uv",
            Path(os.environ.get("BENCH_COPIER_UV", "")),
            {"project_name": "example", "project_description": "An example"},
            trust=True,
        ),
        "BENCH_PYTHON_COPIER_TEMPLATE": Template(
            "python-copier-template",
            Path(os.environ.get("BENCH_PYTHON_COPIER_TEMPLATE", "")),
            {
                "package_name": "example",
                "description": "An example",
                "git_platform": "github.com",
                "author_name": "An Author",
                "author_email": "author@example.com",
                "component_owner": "group:default/example",
                "docker": "true",
                "docs_type": "sphinx",
                "type_checker": "pyright",
                "pypi": "true",
            },
        ),
    }
    given = [template for variable, template in known.items() if os.environ.get(variable)]
    missing = tuple(
        f"{template.name} was not measured: {variable} names no clone of it."
        for variable, template in known.items()
        if not os.environ.get(variable)
    )
    return given, missing


def run_copies(copier: Path, rounds: int) -> Copies:
    """Measures all templates, each cloned and tagged first, as a user's copier finds it.

    Args:
        copier: the program.
        rounds: how many copies are made of each.
    """
    public, skipped = public_templates()
    files: dict[str, int] = {}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        this = _clone(Template(THIS, ROOT), folder)
        run(copier, "copy", "--defaults", "--quiet", this, folder / "files")
        templates = [
            Template(THIS, this),
            Template(EMPTY, _made(folder / "empty", None)),
            Template(STATIC, _made(folder / "static", folder / "files")),
            *public,
        ]
        clones = {THIS: this, **{other.name: _clone(other, folder) for other in templates[1:]}}
        times = Times.of(clones)
        for number, template in turns(templates, rounds + 1):
            target = folder / "copies" / f"{template.name}-{number}".replace(" ", "-")
            data = [part for key, value in template.answers.items() for part in ("--data", f"{key}={value}")]
            trust = ["--trust"] if template.trust else []
            options = ["--defaults", "--quiet", *trust, *data]
            spent = timed([copier, "copy", *options, clones[template.name], target], folder)
            files[template.name] = sum(path.is_file() for path in target.rglob("*"))
            if number:  # the first round warms up
                times.add(template.name, spent)
    return Copies(times, files, skipped)


def _made(folder: Path, files: Path | None) -> Path:
    """Makes a template of these files, or of one that is next to nothing."""
    folder.mkdir()
    (folder / "copier.yml").write_text('_subdirectory: "template"\n', encoding="utf-8")
    if files:
        shutil.copytree(files, folder / "template")
    else:
        (folder / "template").mkdir()
        (folder / "template" / "README.md").write_text("Nothing.\n", encoding="utf-8")
    run("git", "init", "--quiet", cwd=folder)
    run("git", "add", "--all", "--force", cwd=folder)
    run("git", *_WHO, "commit", "--quiet", "--message", "Make", cwd=folder)
    return folder


def _clone(template: Template, folder: Path) -> Path:
    """Clones what is committed, and tags it as the newest version."""
    clone = folder / f"clone-{template.name}".replace(" ", "-")
    run("git", "clone", "--quiet", template.source, clone, cwd=folder)
    run("git", *_WHO, "tag", "--force", "--message", "Newest", _TAG, cwd=clone)
    return clone


def measured_version() -> str:
    """Returns the short name of the commit; what is not committed is in the calls, not in the copies."""
    commit = subprocess.check_output(["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, text=True).strip()
    paths = ["copier.yml", "questions", "template"]
    changed = subprocess.check_output(["git", "status", "--porcelain", *paths], cwd=ROOT, text=True)
    return f"{commit} with uncommitted changes" if changed else commit

"""The workflow files, the rendered ones and the template's own, pass zizmor and actionlint."""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path

import pytest

from testing.answers import ROOT, covering_rows, row_id, to_answers
from testing.linters import actionlint, zizmor
from testing.support import render


def only_workflows(template: Path, folder: Path) -> Path:
    """Copies the template without what is no workflow of a package, which renders much faster."""
    shutil.copytree(template, folder, symlinks=True)
    for path in (folder / "template" / "package").iterdir():
        if ".github" not in path.name and path.name != "{{ _copier_conf.answers_file }}.jinja":
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    return folder


@pytest.fixture(scope="session")
def workflows(copier_template: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Gives every different workflow file that the covering rows render, and the template's own."""
    found: dict[str, Path] = {}
    template = only_workflows(copier_template, tmp_path_factory.mktemp("workflows") / "template")
    for row in covering_rows():
        answers = to_answers(row)
        if answers["ci"] != "github":
            continue
        folder = render(template, tmp_path_factory.mktemp("row") / row_id(row), answers)
        for path in sorted((folder / ".github" / "workflows").iterdir()):
            found.setdefault(hashlib.sha256(path.name.encode() + path.read_bytes()).hexdigest(), path)
    for path in (ROOT / ".github" / "workflows").glob("*.yml"):
        found[f"own {path.name}"] = path
    return found


def test_there_are_workflows_of_each_kind(workflows: dict[str, Path]) -> None:
    names = [path.name for path in workflows.values()]
    assert names.count("ci.yml") >= 2, "the rendered one and the template's own"
    assert names.count("release.yml") >= 2, "to a public and to a private index"


def test_zizmor_finds_nothing(workflows: dict[str, Path]) -> None:
    status, printed = zizmor(*workflows.values())
    assert status == 0, printed


def test_actionlint_finds_nothing(workflows: dict[str, Path]) -> None:
    assert not actionlint(*workflows.values())


def test_both_would_find_something(tmp_path: Path) -> None:
    bad = tmp_path / ".github" / "workflows" / "bad.yml"
    bad.parent.mkdir(parents=True)
    bad.write_text(
        "on: pull_request_target\n"
        "jobs:\n"
        "  a:\n"
        "    runs-on: ubuntu-24.04\n"
        "    steps:\n"
        "      - uses: actions/checkout@main\n"
        "      - run: echo ${{ github.event.pull_request.title }}\n",
        encoding="utf-8",
    )
    assert zizmor(bad)[0] != 0
    said = "\n".join(actionlint(bad))
    assert "potentially untrusted" in said
    assert "ubuntu-24.04" not in said

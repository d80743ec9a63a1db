"""The workflow files, the rendered ones and the template's own, pass zizmor and actionlint."""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path

import pytest
import yaml

from testing.answers import ROOT, covering_rows, row_id, to_answers
from testing.linters import actionlint, zizmor
from testing.support import render, run

CHANGELOG = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8").splitlines()


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
    assert names.count("release.yml") >= 3, "to a public and to a private index, and the template's own"


def test_zizmor_finds_nothing(workflows: dict[str, Path]) -> None:
    status, printed = zizmor(*workflows.values())
    assert status == 0, printed


def test_actionlint_finds_nothing(workflows: dict[str, Path]) -> None:
    assert not actionlint(*workflows.values())


@pytest.mark.parametrize("version", [line[4:].partition("]")[0] for line in CHANGELOG if line.startswith("## [0")])
def test_a_release_has_its_section_of_the_changelog(version: str, tmp_path: Path) -> None:
    workflow = yaml.safe_load((ROOT / ".github" / "workflows" / "release.yml").read_text(encoding="utf-8"))
    (gh := tmp_path / "gh").write_text('#!/bin/sh\nprintf "%s\\n" "$@"\n', encoding="utf-8")
    gh.chmod(0o755)
    environment = {"PATH": f"{tmp_path}:/usr/bin:/bin", "RUNNER_TEMP": str(tmp_path)}
    for name, status in ((f"v{version}", 0), (f"v{version}.post9", 1)):
        done = run(
            "bash",
            "-ec",
            workflow["jobs"]["release"]["steps"][-1]["run"],
            cwd=ROOT,
            GITHUB_REF_NAME=name,
            **environment,
        )
        assert done.returncode == status, done.stdout
    start = CHANGELOG.index(next(line for line in CHANGELOG if line.startswith(f"## [{version}]")))
    end = next((n for n in range(start + 1, len(CHANGELOG)) if CHANGELOG[n].startswith("## ")), len(CHANGELOG))
    (tmp_path / "notes.md").unlink()
    run(
        "bash",
        "-ec",
        workflow["jobs"]["release"]["steps"][-1]["run"],
        cwd=ROOT,
        GITHUB_REF_NAME=f"v{version}",
        **environment,
    )
    assert (tmp_path / "notes.md").read_text(encoding="utf-8").splitlines() == CHANGELOG[start + 1 : end]


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

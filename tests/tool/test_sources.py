"""Where a package's answers and its template are: files that were moved, paths that are relative, clones without tags."""

from __future__ import annotations

import json
import re
import shutil
import sys
from pathlib import Path

import copier
import pytest

from testing.answers import ROOT
from testing.support import copier_in, must, run
from testing.tool import edit, plan_of, state, tool, updated
from testing.upgrades import NEXT, commit, contents, released

ELSEWHERE = ".config/acme.yml"


def made(template: Path, version: str, folder: Path, answers_file: str | None = None, **answers: str) -> Path:
    """Renders a version into a folder and commits it; `answers_file` says where the answers go."""
    copier.run_copy(
        str(template),
        folder,
        answers,
        answers_file=answers_file,
        vcs_ref=version,
        defaults=True,
        quiet=True,
    )
    must("git", "init", "--quiet", cwd=folder)
    commit(folder, "Render")
    return folder


def template_of(folder: Path, *arguments: str) -> str:
    """Returns what `make preview` would run, or what it says instead."""
    return run("make", "preview", "UV=echo", *arguments, cwd=folder).stdout


def test_answers_that_were_always_elsewhere(versions: Path, tmp_path: Path) -> None:
    package = made(versions, NEXT, tmp_path / "package", answers_file=ELSEWHERE)
    assert f"git+file://{versions}@{NEXT} provider-template preview\n" in template_of(package)
    code = "import template_update; print(template_update.tool())"
    assert f"git+file://{versions}@{NEXT}" in must(sys.executable, "-c", code, cwd=package, PYTHONPATH=".ci")
    assert f"| `{ELSEWHERE}` |" in (package / "AGENTS.md").read_text(encoding="utf-8")
    assert tool(package, "preview").stdout == f"{NEXT}: nothing to update.\n"
    said = updated(package, "-d", "ci=gitlab")
    assert f"- `{ELSEWHERE}` changed" in said
    assert "ci: gitlab\n" in (package / ELSEWHERE).read_text(encoding="utf-8")
    assert tool(package, "check", "--offline").returncode == 0
    done = copier_in(package, "update", "--defaults", "--answers-file", ELSEWHERE, "--quiet")
    assert (done.returncode, must("git", "status", "--porcelain", cwd=package)) == (0, ""), done.stdout


def test_renovate_finds_the_answers(versions: Path, tmp_path: Path) -> None:
    """It looks for Copier's default name, and runs Copier in the folder of the file that it has found."""
    for name, expected in (
        (".copier-answers.yml", None),
        (".copier-answers.acme.yml", None),
        ("acme's.yml", {"managerFilePatterns": ["acme's.yml"]}),
        (ELSEWHERE, {"enabled": False}),
    ):
        folder = made(versions, NEXT, tmp_path / name.replace("/", "-"), name, updates="renovate")
        assert json.loads((folder / "renovate.json").read_text(encoding="utf-8")).get("copier") == expected


@pytest.mark.slow
def test_copier_carries_moves_with_answers_elsewhere(versions: Path, tmp_path: Path) -> None:
    package = made(versions, "v0.2.0", tmp_path / "package", answers_file=ELSEWHERE)
    edit(package, "tests/demo.py", "def say(", "# mine\ndef say(")
    arguments = ("--defaults", "--trust", "--answers-file", ELSEWHERE, "--quiet")
    done = copier_in(package, "update", *arguments)
    assert done.returncode == 0, done.stdout
    assert "# mine\n" in (package / "tests" / "conformance" / "demo.py").read_text(encoding="utf-8")


def test_answers_of_an_old_version_elsewhere(versions: Path, tmp_path: Path) -> None:
    """It cannot say where they are, so the refusal does, and not to adopt what is a package."""
    package = made(versions, "v0.2.0", tmp_path / "package", answers_file=ELSEWHERE)
    for command in ("preview", "check", "adopt"):
        more = ("--template", str(versions), "--defaults") if command == "adopt" else ()
        done = tool(package, command, *more)
        assert (done.returncode, len(done.stdout.splitlines())) == (1, 1), done.stdout
        assert f"--answers-file {ELSEWHERE}" in done.stdout
    updated(package, "--answers-file", ELSEWHERE)
    assert contents(package)[".template-files.yml"].count(ELSEWHERE) == 1
    assert tool(package, "preview").stdout == f"{NEXT}: nothing to update.\n"


def test_answers_that_were_moved(versions: Path, tmp_path: Path) -> None:
    package = made(versions, NEXT, tmp_path / "package")
    must("git", "mv", ".copier-answers.yml", "the answers.yml", cwd=package)
    commit(package, "Move")
    sentence = ".copier-answers.yml is not here; if it was moved: make preview ANSWERS=<its path>\n"
    assert template_of(package).splitlines()[0] == sentence.strip()
    job = run(sys.executable, ".ci/template_update.py", cwd=package)
    assert "if it was moved, run `make update ANSWERS=<its path>`" in job.stdout
    assert "--answers-file the answers.yml\n" in template_of(package, "ANSWERS=the answers.yml")
    done = tool(package, "update")
    assert "has no .copier-answers.yml, but the answers.yml is an answers file" in done.stdout
    assert "add --answers-file 'the answers.yml'; with make, ANSWERS='the answers.yml'." in done.stdout
    plan = plan_of(package, "--answers-file", str(package / "the answers.yml"))
    assert {change["path"] for change in plan["changes"]} == {".template-files.yml", "AGENTS.md"}
    updated(package, "-a", "the answers.yml")
    assert not (package / ".copier-answers.yml").exists()
    assert "preview\n" in template_of(package)
    assert tool(package, "preview").stdout == f"{NEXT}: nothing to update.\n"


def test_answers_behind_a_link(package: Path) -> None:
    (package / ".config").mkdir()
    must("git", "mv", ".copier-answers.yml", ELSEWHERE, cwd=package)
    (package / ".copier-answers.yml").symlink_to(ELSEWHERE)
    commit(package, "Link")
    updated(package)
    assert f"_commit: {NEXT}\n" in (package / ELSEWHERE).read_text(encoding="utf-8")
    assert (package / ".copier-answers.yml").is_symlink()
    assert tool(package, "preview").stdout == f"{NEXT}: nothing to update.\n"


@pytest.mark.parametrize("path", ["../other.yml", "/etc/other.yml", "a/../../other.yml"])
def test_answers_of_another_folder(path: str, package: Path) -> None:
    done = tool(package, "preview", "--answers-file", path)
    assert done.returncode == 1
    assert f"The answers file {path} is not in {package}: name a file of the package" in done.stdout


def test_folder_with_a_package_in_it(package: Path, tmp_path: Path) -> None:
    whole = tmp_path / "whole"
    (whole / "libs").mkdir(parents=True)
    must("git", "init", "--quiet", cwd=whole)
    package.rename(whole / "libs" / "acme")
    must("rm", "-rf", "libs/acme/.git", cwd=whole)
    commit(whole, "All")
    done = tool(whole, "preview")
    assert done.returncode == 1
    assert f"is no package of a template, but has one in it: go to {whole}/libs/acme." in done.stdout


def test_template_with_a_relative_path(versions: Path, tmp_path: Path, package: Path) -> None:
    """The sentence names the folder, where the path still leads to it."""
    edit(package, ".copier-answers.yml", f"_src_path: {versions}", "_src_path: ../the-template")
    before = state(package)
    words = "_src_path in .copier-answers.yml is the path ../the-template, which is another folder wherever"
    for command in ("preview", "update"):
        done = tool(package, command)
        assert (done.returncode, len(done.stdout.splitlines())) == (1, 1), done.stdout
        assert words in done.stdout
        assert "whole path there, commit, and do this again." in done.stdout
    assert state(package) == before
    (tmp_path / "the-template").symlink_to(versions)
    assert f"whole path there, such as {versions}, commit" in tool(package, "preview").stdout
    checked = tool(package, "check")
    assert (checked.returncode, words in checked.stdout) == (1, True)


def test_make_with_a_relative_path(versions: Path, tmp_path: Path) -> None:
    package = made(versions, NEXT, tmp_path / "package")
    for source in ("../the-template", "the-template", "~/template"):
        text = (package / ".copier-answers.yml").read_text(encoding="utf-8")
        text = re.sub("(?m)^_src_path: .*$", f"_src_path: {source}", text)
        (package / ".copier-answers.yml").write_text(text, encoding="utf-8")
        sentence = "_src_path in .copier-answers.yml is no URL and no absolute path: write one there"
        assert template_of(package).startswith(sentence)
    job = run(sys.executable, ".ci/template_update.py", cwd=package)
    assert "The template is ~/template, a path that holds on no other machine" in job.stdout


def test_clone_of_the_template_without_tags(versions: Path, tmp_path: Path) -> None:
    """The command that the sentence names brings the tags, and the bare commit is the version that it is."""
    clone = tmp_path / "a clone"
    must("git", "clone", "--quiet", "--no-tags", versions, clone, cwd=tmp_path)
    package = made(clone, "HEAD", tmp_path / "package")
    before = state(package)
    done = tool(package, "preview")
    assert (done.returncode, len(done.stdout.splitlines())) == (1, 1), done.stdout
    assert f"The template at {clone} has no released version to update to" in done.stdout
    assert "such as --to HEAD." in done.stdout
    assert tool(package, "preview", "--to", "HEAD").stdout.endswith("nothing to update.\n")
    assert state(package) == before
    found = re.search(r"get them \((.*?)\)", done.stdout)
    assert found is not None
    must("sh", "-c", found[1], cwd=tmp_path)
    said = updated(package)
    assert f"to {NEXT}" in said
    assert f"_commit: {NEXT}\n" in (package / ".copier-answers.yml").read_text(encoding="utf-8")


def test_commit_that_a_shallow_clone_has_not(versions: Path, tmp_path: Path, package: Path) -> None:
    clone = tmp_path / "shallow"
    must("git", "clone", "--quiet", "--depth", "1", versions.as_uri(), clone, cwd=tmp_path)
    edit(package, ".copier-answers.yml", f"_src_path: {versions}", f"_src_path: {clone}")
    done = tool(package, "update", "--to", "HEAD")
    assert done.returncode == 1
    assert "has no version v0.2.0, which this package was rendered from" in done.stdout
    assert f"(git -C {clone} fetch --tags --unshallow)" in done.stdout
    must("git", "fetch", "--quiet", "--tags", "--unshallow", cwd=clone)
    assert tool(package, "preview").returncode == 0


def test_tags_from_the_list_of_releases(versions: Path, tmp_path: Path) -> None:
    """A clone of a clone without tags has none to fetch; one that is there is left as it is."""
    clone = tmp_path / "clone"
    must("git", "clone", "--quiet", "--no-tags", versions, clone, cwd=tmp_path)
    must("git", "tag", "v0.1.0", "HEAD", cwd=clone)
    shutil.copy2(ROOT / "Makefile", clone)
    must("make", "tags", cwd=clone)
    tags = {name: must("git", "rev-parse", f"{name}^{{commit}}", cwd=clone).strip() for name in released()}
    assert tags == {**released(), "v0.1.0": must("git", "rev-parse", "HEAD", cwd=clone).strip()}

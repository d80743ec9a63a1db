"""`provider-template check`: a package's version and health."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from testing.answers import ROOT
from testing.support import must
from testing.tool import COMMAND, tool, updated
from testing.upgrades import NEXT


def test_old_version(package: Path) -> None:
    done = tool(package, "check")
    assert done.returncode == 0
    assert done.stdout.startswith(f"v0.2.0 (newest {NEXT})")
    assert "not known" in done.stdout


def test_healthy(package: Path) -> None:
    updated(package)
    done = tool(package, "check")
    assert (done.returncode, done.stdout) == (0, f"{NEXT} (the newest); well\n")
    health = json.loads(tool(package, "check", "--json").stdout)
    assert (health["behind"], health["edited"], health["well"]) == (False, [], True)


def test_edits_of_template_files(package: Path) -> None:
    updated(package)
    with (package / "Makefile").open("a", encoding="utf-8") as file:
        file.write("# mine\n")
    (package / "compose.yaml").unlink()
    (package / "README.md").write_text("<<<<<<< a\n", encoding="utf-8")
    (package / "Dockerfile.rej").write_text("@@\n", encoding="utf-8")
    health = json.loads(tool(package, "check", "--json", "--offline").stdout)
    assert health["edited"] == ["Makefile"]
    assert health["missing"] == ["compose.yaml"]
    assert health["conflicts"] == ["Dockerfile.rej", "README.md"]
    assert health["newest"] is None
    done = tool(package, "check", "--offline")
    assert done.returncode == 3
    assert "edited: Makefile; deleted: compose.yaml; to resolve: Dockerfile.rej, README.md" in done.stdout


def test_line_ends_are_no_edit(package: Path) -> None:
    updated(package)
    path = package / "Makefile"
    path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
    assert tool(package, "check", "--offline").returncode == 0


def test_template_that_cannot_be_reached(package: Path) -> None:
    answers = package / ".copier-answers.yml"
    text = answers.read_text(encoding="utf-8")
    source = next(line for line in text.splitlines() if line.startswith("_src_path"))
    answers.write_text(text.replace(source, "_src_path: file:///nowhere"), encoding="utf-8")
    done = tool(package, "check")
    assert (done.returncode, "newest not known" in done.stdout, "well" in done.stdout) == (1, True, False)
    assert "The template at file:///nowhere cannot be read" in done.stdout
    health = json.loads(tool(package, "check", "--json").stdout)
    assert (health["well"], health["newest"], "cannot be read" in health["unreachable"]) == (False, None, True)
    assert tool(package, "check", "--offline").returncode == 0


@pytest.mark.parametrize(
    ("name", "text"),
    [
        *(
            pytest.param(name, "[" * 60_000, id=f"deep{name}")
            for name in (".copier-answers.yml", ".template-files.yml")
        ),
        *(
            (".copier-answers.yml", text)
            for text in ("", "- a\n", "_commit: v1\n", "a: [\n", '_commit: "v1\\0"\n_src_path: /x\n')
        ),
        *((".template-files.yml", text) for text in ("", "[1]\n", "template: 3\n", "{\n")),
    ],
)
def test_file_that_says_nothing(package: Path, name: str, text: str) -> None:
    (package / name).write_text(text, encoding="utf-8")
    done = tool(package, "check")
    assert done.returncode == 1
    assert len(done.stdout.splitlines()) == 1
    assert name in done.stdout


def test_no_package(tmp_path: Path) -> None:
    done = tool(tmp_path, "check")
    assert done.returncode == 1
    assert "is no package of a template" in done.stdout
    assert "provider-template adopt" in done.stdout


def test_what_is_imported(package: Path) -> None:
    """Help and check are looked at often: neither loads Copier, Jinja or rich's tables."""
    for arguments in (["--help"], ["check", "--offline"]):
        code = (
            "import sys; from provider_template.cli import app\n"
            f"try: app({arguments!r}, standalone_mode=False)\n"
            "except BaseException: pass\n"
            "print(sorted({'copier', 'jinja2', 'questionary'} & set(sys.modules)))"
        )
        said = must(COMMAND[0], "-c", code, cwd=package, PYTHONPATH=str(ROOT))
        assert said.splitlines()[-1] == "[]", (arguments, said)

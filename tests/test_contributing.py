"""CONTRIBUTING.md names what is there, and its lists of what to touch name all of it."""

from __future__ import annotations

import re
import subprocess

import pytest
import yaml

from testing.answers import ROOT, choices, config, questions

TEXT = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
PATHS = sorted(set(re.findall(r"`([^`\n]*/[^`\n]*|\w+\.(?:yml|md))`", TEXT)))
# What uses one as an example or a case, what is generated, and what tells of the past.
ELSEWHERE = re.compile(
    r"tests/|testing/|examples/|docs/|benchmarks/|template/package/tests/|CHANGELOG.md|releases.yml|questions/files.yml"
    r"|questions/taken.jinja|.*[.]template-files.yml.jinja|CONTRIBUTING.md"
)
# Kinds whose name is not a word for other things as well, such as a setting.
KINDS = [kind for kind in choices(questions()["auth"]) if kind.startswith("oauth_") or kind == "signed_jwt"]
MOVES = yaml.safe_load((ROOT / "hooks" / "moves.yml").read_text(encoding="utf-8"))


def of(path: str, names: dict[str, str]) -> str:
    """Returns a path with names in the place of <kind> and the like."""
    for name, value in names.items():
        path = path.replace(f"<{name}>", value)
    return path


def listed(change: str) -> list[str]:
    """Returns the paths in the lists of a kind of change."""
    section = TEXT.partition(f"### {change}\n")[2].partition("\n##")[0]
    bullets = re.findall(r"^- (.*)$", section, re.MULTILINE)
    return [path for bullet in bullets for path in re.findall(r"`([^` ]*(?:[^`]*\}\})?[^` ]*[./][^` ]*)`", bullet)]


def not_listed(change: str, *names: str, **placeholders: str) -> list[str]:
    """Returns the files that name a thing and are not in the lists.

    Args:
        change: the heading in CONTRIBUTING.md.
        names: as the files may write it.
        placeholders: what stands for <kind> and the like.
    """
    patterns = [re.compile(re.escape(of(path, placeholders)).replace(r"\*", "[^/]*")) for path in listed(change)]
    words = [part for name in names for part in ("-e", name)]
    done = subprocess.run(["git", "grep", "-lwF", *words], cwd=ROOT, capture_output=True, text=True, check=True)
    found = done.stdout.splitlines()
    return [path for path in found if not ELSEWHERE.match(path) and not any(one.fullmatch(path) for one in patterns)]


@pytest.mark.parametrize("path", PATHS)
def test_a_path_is_there(path: str) -> None:
    pattern = re.sub("<[a-z]+>", "*", path.rstrip("/"))
    assert any(ROOT.glob(pattern)) or any(ROOT.glob(f"**/{pattern}")), path


@pytest.mark.parametrize("kind", KINDS)
def test_a_way_to_authenticate(kind: str) -> None:
    page = kind.replace("_", "-")
    assert not not_listed("A way to authenticate", kind, f"auth-{page}", kind=kind, page=page)


@pytest.mark.parametrize("name", ["jwt_headers", "token_file_headers", "redirect_uri", "device_authorization_url"])
def test_a_question(name: str) -> None:
    left = not_listed("A question", name)
    assert not [path for path in left if not path.startswith(("template/", "provider_template/adopt/"))]
    assert len(listed("A question")) == 3


@pytest.mark.parametrize("name", choices(questions()["api_format"]))
def test_a_format(name: str) -> None:
    assert not not_listed("A format", f"formats/{name}", f"{name}_format.py", format=name)
    assert len(listed("A format")) == 8


@pytest.mark.parametrize(("capability", "noun"), [("embeddings", "embedding")])
def test_a_capability(capability: str, noun: str) -> None:
    names = {"capability": capability, "noun": noun, "format": "*"}
    assert not not_listed(
        "A capability", capability, f"{noun}_format", f"{noun}_transformation", f"{noun}_ids", **names
    )
    assert not [path for path in listed("A capability") if not any(ROOT.glob(of(path, names)))]


@pytest.mark.parametrize("command", ["adopt", "preview", "update", "check"])
def test_a_command(command: str) -> None:
    cli = (ROOT / "provider_template" / "cli.py").read_text(encoding="utf-8")
    left = not_listed("A command of `provider-template`", f"provider-template {command}", command=command)
    assert not [path for path in left if not path.startswith(("provider_template/", "hooks/README.md"))]
    assert f'"{command}"' in cli or f"def {command}(" in cli
    assert len(listed("A command of `provider-template`")) == 6


@pytest.mark.parametrize("version", MOVES)
def test_a_file_that_moves(version: str) -> None:
    assert listed("A file that moves") == ["hooks/moves.yml", "copier.yml"]
    assert version in {str(one["version"]) for one in config()["_migrations"]}
    for old in MOVES[version]:
        assert not not_listed("A file that moves", old)


def test_a_target_is_there() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    for target in re.findall(r"`make ([a-z-]+)`", TEXT):
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), target

"""The pages of docs/ that follow from the template are current, and the site has every page."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from scripts import reference_pages
from testing.answers import ROOT, choices, questions
from testing.support import must

QUESTIONS = (ROOT / "docs" / "questions.md").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("name", "page"), [("questions.md", reference_pages.questions_page), ("rendered.md", reference_pages.rendered_page)]
)
def test_a_page_is_current(name: str, page: Callable[[], str]) -> None:
    assert (ROOT / "docs" / name).read_text(encoding="utf-8") == page(), "run make files"


def test_the_page_has_every_question_in_order() -> None:
    assert re.findall(r"^### `(\w+)`$", QUESTIONS, re.MULTILINE) == list(questions())


@pytest.mark.parametrize("name", [name for name, question in questions().items() if choices(question)])
def test_the_page_has_every_choice_and_the_default(name: str) -> None:
    section = QUESTIONS.split(f"\n### `{name}`\n")[1].split("\n#")[0]
    assert re.findall(r"^- `([^`]+)`", section, re.MULTILINE) == choices(questions()[name])
    said = section.split("Default: ")[1].split(". Asked")[0].splitlines()[0].rstrip(".")
    default = questions()[name]["default"]
    if "{" not in str(default):
        assert said == ", ".join(f"`{one}`" for one in (default if isinstance(default, list) else [default]))
    else:  # it depends on other answers, or is a choice that Copier's own state gives
        assert said.startswith("follows from `") or said.strip("`") in choices(questions()[name])


def test_a_condition_without_words_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(questions()["token_url"], "when", "{{ auth == 'new' }}")
    with pytest.raises(ValueError, match=r"give it words in _WHEN .*; \"auth == 'new'\", when token_url is asked"):
        reference_pages.questions_page()


def test_the_site_has_every_page() -> None:
    nav = yaml.safe_load((ROOT / "mkdocs.yml").read_text(encoding="utf-8"))["nav"]
    listed = re.findall(r"[\w/.-]+\.md", yaml.safe_dump(nav))
    docs = ROOT / "docs"
    assert sorted(listed) == sorted(path.relative_to(docs).as_posix() for path in docs.rglob("*.md"))


def test_the_site_builds_and_a_broken_link_stops_it(tmp_path: Path) -> None:
    must("make", ".venv-docs/installed", cwd=ROOT)
    must("cp", "-R", "docs", "mkdocs.yml", str(tmp_path), cwd=ROOT)
    build = [str(ROOT / ".venv-docs" / "bin" / "zensical"), "build", "--strict", "--clean"]
    must(*build, cwd=tmp_path)
    assert 'id="auth_fallback"' in (tmp_path / "site" / "questions" / "index.html").read_text(encoding="utf-8")
    with (tmp_path / "docs" / "fork.md").open("a", encoding="utf-8") as page:
        page.write("\n[gone](ownership.md#gone)\n")
    broken = subprocess.run(build, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert broken.returncode != 0
    assert "anchor does not exist" in broken.stdout + broken.stderr

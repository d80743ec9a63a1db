"""Each way to authenticate brings its own modules, tests and dependencies, and none of another's."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest

from testing import checks
from testing.answers import Answers, asked, choices, config, questions
from testing.auth_parts import DEPENDENCIES, FOR_TESTS, KINDS, PARTS, SOME_KINDS_ONLY, kinds_of, parts_of
from testing.auth_table import in_words, ways
from testing.support import EVERYTHING, render


def dependencies_of(folder: Path) -> tuple[set[str], set[str]]:
    """Returns the names of what a rendered package depends on, and of what its development does."""
    project: dict[str, Any] = tomllib.loads((folder / "pyproject.toml").read_text(encoding="utf-8"))
    wanted = (project["project"]["dependencies"], project["dependency-groups"]["dev"])
    own, dev = ({wish.split(">")[0].lower() for wish in wishes if isinstance(wish, str)} for wishes in wanted)
    return own, dev


def cases() -> list[object]:
    """Returns every way to authenticate, with each token store where there is one."""
    found: list[object] = []
    for answers in ways():
        stores = choices(questions()["token_store"]) if asked("token_store", answers) else [""]
        for store in stores:
            more: Answers = {**answers, "token_store": store} if store else answers
            found.append(pytest.param(more, id=f"{in_words(answers)} {store}".strip().replace(" ", "-")))
    return found


def test_every_kind_is_in_the_table() -> None:
    assert set(KINDS) == set(choices(questions()["auth"]))


@pytest.mark.parametrize("answers", cases())
def test_only_what_the_answer_needs_is_rendered(answers: Answers, copier_template: Path, tmp_path: Path) -> None:
    folder = render(copier_template, tmp_path / "package", answers)
    parts = parts_of(answers)
    wanted = {"__init__.py", "authenticator.py", *(f"{kind}.py" for kind in kinds_of(answers))}
    assert {path.name for path in (folder / "src" / "litellm_acme_ai" / "auth").iterdir()} == wanted.union(
        *(PARTS[part] for part in parts)
    )
    tests = {path.stem for path in (folder / "tests" / "conformance" / "auth").glob("*.py")}
    assert tests & set(KINDS) == set(kinds_of(answers))

    own, dev = dependencies_of(folder)
    assert own & SOME_KINDS_ONLY == set().union(*(DEPENDENCIES.get(part, set()) for part in parts))
    assert dev & SOME_KINDS_ONLY == set().union(*(FOR_TESTS.get(part, set()) for part in parts))


@pytest.mark.parametrize("auth", choices(questions()["auth"]))
def test_without_the_command_a_module_logs_in(auth: str, copier_template: Path, tmp_path: Path) -> None:
    folder = render(copier_template, tmp_path / "package", {"auth": auth, "include": []})
    module = folder / "src" / "litellm_acme_ai" / "auth" / "__main__.py"
    assert module.is_file() is (auth not in ("api_key", "none"))


def test_the_tools_have_what_every_render_depends_on(copier_template: Path, tmp_path: Path) -> None:
    folder = render(copier_template, tmp_path / "package", EVERYTHING)
    assert set().union(*dependencies_of(folder)) >= SOME_KINDS_ONLY


@pytest.mark.parametrize("name", [*config()])
def test_no_question_asks_for_a_secret(name: str) -> None:
    assert not checks.asks_for_a_secret(name)


def test_a_question_for_a_secret_would_be_seen() -> None:
    for name in (
        "client_secret",
        "api_key",
        "password",
        "refresh_token",
        "jwt_key",
        "private_key_passphrase",
    ):
        assert checks.asks_for_a_secret(name)
    for name in ("file_access_token", "file_refresh_token"):
        assert str(questions()[name]["help"]).startswith("Where in the file is")

"""Each way to authenticate brings its own modules, tests and dependencies, and none of another's."""

from __future__ import annotations

import ast
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from testing import checks
from testing.answers import Answers, asked, choices, config, questions
from testing.auth_parts import FOR_TESTS, kinds_of, parts_of
from testing.auth_table import in_words, ways
from testing.support import EVERYTHING, render

MODULE = Path("src", "litellm_acme_ai")
AUTH = MODULE / "auth"
# Imported by its name, and only if the answer to `token_store` is keyring.
KEYRING = "keyring_store"


def dependencies_of(folder: Path) -> tuple[set[str], set[str]]:
    """Returns the names of what a rendered package depends on, and of what its development does."""
    project: dict[str, Any] = tomllib.loads((folder / "pyproject.toml").read_text(encoding="utf-8"))
    groups = project["dependency-groups"]
    wanted = (project["project"]["dependencies"], [*groups["dev"], *groups["proxy"], *groups["test"]])
    own, dev = ({wish.split(">")[0].lower() for wish in wishes if isinstance(wish, str)} for wishes in wanted)
    return own, dev


def imports_of(file: Path) -> Iterator[tuple[int, str]]:
    """Yields what a module imports: how many dots go before the name, and its first part."""
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from ((0, alias.name.partition(".")[0]) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            names = [node.module] if node.module else [alias.name for alias in node.names]
            yield from ((node.level, name.partition(".")[0]) for name in names)


def third_party(folder: Path) -> set[str]:
    """Returns what the modules of a folder import from elsewhere."""
    names = {name for file in folder.rglob("*.py") for dots, name in imports_of(file) if dots == 0}
    return names - sys.stdlib_module_names


def modules_in_use(folder: Path) -> set[str]:
    """Returns the modules of a package's folder that its __init__.py imports, and those that these import."""
    found: set[str] = set()
    left = {"__init__"}
    while left:
        name = left.pop()
        found.add(name)
        left |= {other for dots, other in imports_of(folder / f"{name}.py") if dots == 1} - found
    return found


def cases() -> list[object]:
    """Returns every way to authenticate, with each token store where there is one."""
    found: list[object] = []
    for answers in ways():
        stores = choices(questions()["token_store"]) if asked("token_store", answers) else [""]
        for store in stores:
            more: Answers = {**answers, "token_store": store} if store else answers
            found.append(pytest.param(more, id=f"{in_words(answers)} {store}".strip().replace(" ", "-")))
    return found


@pytest.fixture(scope="module")
def without_credential(copier_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A package that sends no credential: what others have besides, they have for theirs."""
    return render(copier_template, tmp_path_factory.mktemp("without") / "package", {"auth": "none"})


@pytest.fixture(scope="module")
def everything(copier_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The package whose dependencies the tools have."""
    return render(copier_template, tmp_path_factory.mktemp("everything") / "package", EVERYTHING)


@pytest.mark.parametrize("answers", cases())
def test_only_what_the_answer_needs_is_rendered(
    answers: Answers, copier_template: Path, without_credential: Path, everything: Path, tmp_path: Path
) -> None:
    folder = render(copier_template, tmp_path / "package", answers)
    parts = parts_of(answers)
    modules = {path.stem for path in (folder / AUTH).iterdir()}
    assert modules - {KEYRING} == modules_in_use(folder / AUTH)
    assert (KEYRING in modules) is ("keyring" in parts)
    kinds = set(choices(questions()["auth"]))
    assert modules & kinds == set(kinds_of(answers))
    tests = {path.stem for path in (folder / "tests" / "conformance" / "auth").glob("*.py")}
    assert tests & kinds == set(kinds_of(answers))

    own, dev = dependencies_of(folder)
    common, common_dev = dependencies_of(without_credential)
    assert own - common == third_party(folder / AUTH) - third_party(without_credential / MODULE)
    assert dev - common_dev == set().union(*(FOR_TESTS.get(part, set()) for part in parts))
    assert own | dev <= set().union(*dependencies_of(everything)), "the tools have it"


@pytest.mark.parametrize("auth", choices(questions()["auth"]))
def test_without_the_command_a_module_logs_in(auth: str, copier_template: Path, tmp_path: Path) -> None:
    folder = render(copier_template, tmp_path / "package", {"auth": auth, "include": []})
    module = folder / "src" / "litellm_acme_ai" / "auth" / "__main__.py"
    assert module.is_file() is (auth not in ("api_key", "none"))


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

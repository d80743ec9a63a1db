"""What each question accepts and refuses, and what a refusal leaves on disk: nothing."""

from __future__ import annotations

import re
import shutil
import sys
import tomllib
from itertools import chain
from pathlib import Path

import pytest
import yaml
from jinja2 import Environment, FileSystemLoader

from testing import checks
from testing.answers import ROOT, Answer, Answers, choices, leading_to, questions
from testing.checks import ANSWERS_FILE, same
from testing.support import EVERYTHING, render
from testing.values import BAD, BAD_LINES, BAD_MODELS, COLUMNS, GOOD, LISTS_OF_MODELS


def names_in(file: str, name: str) -> list[str]:
    """Returns the names in a list that validators import."""
    environment = Environment(loader=FileSystemLoader(ROOT / "questions"), autoescape=True)
    return str(vars(environment.get_template(file).module)[name]).split()


# The names of providers that LiteLLM serves itself.
TAKEN = names_in("taken.jinja", "taken_providers")


def cases(table: dict[str, tuple[str, ...]]) -> list[object]:
    """Returns one case for each value of the table."""
    return [
        pytest.param(name, value, id=f"{name}-{value[:24]!a}") for name, values in table.items() for value in values
    ]


def refusal(template: Path, folder: Path, answers: Answers) -> str:
    """Renders answers that have to be refused; returns what the template says, nothing being written."""
    with pytest.raises(ValueError, match="Validation error for question") as refused:
        render(template, folder, answers)
    assert not folder.exists()
    return str(refused.value)


@pytest.fixture(scope="session")
def questions_only(copier_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The template with its questions and answers files alone: what is refused or recorded needs no more.

    Odd values in rendered files are for testing/answers.py, whose rows are rendered whole.
    """
    folder = tmp_path_factory.mktemp("questions-only") / "template"
    for path in ("copier.yml", "questions", "hooks"):
        source = copier_template / path
        (shutil.copytree if source.is_dir() else shutil.copy2)(source, _made(folder) / path)
    for answers in ("package/{{ _copier_conf.answers_file }}.jinja", "fork/{{ answers_path }}.jinja"):
        shutil.copy2(copier_template / "template" / answers, _made((folder / "template" / answers).parent))
    shutil.copy2(copier_template / "template" / "bad_litellm.toml", folder / "template")  # a validator reads it
    return folder


def _made(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def test_every_free_text_has_good_and_bad_values() -> None:
    free = {name for name, question in questions().items() if not choices(question)}
    assert set(GOOD) == set(BAD) == free


@pytest.mark.parametrize(("name", "value"), cases(GOOD))
def test_good_values_are_recorded(name: str, value: str, questions_only: Path, tmp_path: Path) -> None:
    folder = render(questions_only, tmp_path / "package", {**leading_to(name), name: value})
    record = yaml.safe_load(checks.in_fork(folder, ANSWERS_FILE).read_text(encoding="utf-8"))
    assert record[name] == value


@pytest.mark.parametrize(("name", "value"), [*cases(BAD), *cases({"models": BAD_MODELS}), *cases(BAD_LINES)])
def test_bad_values_are_refused_in_one_sentence(name: str, value: str, questions_only: Path, tmp_path: Path) -> None:
    said = refusal(questions_only, tmp_path / "package", {**leading_to(name), name: value})
    question, sentence = re.fullmatch(r"Validation error for question '(\w+)': (.*)", said, re.DOTALL).groups()  # type: ignore[union-attr]
    assert question == name
    # How to mend it; "value" and what is wrong with it.
    culprit = value
    if name in LISTS_OF_MODELS and value.strip():
        culprit = value.splitlines()[0].strip()
    elif name in BAD_LINES:
        culprit = value.splitlines()[-1]
    mend, _, rest = sentence.partition("; ")
    assert re.match(r"(write|use|put|pick|leave|give)\b", mend), sentence
    # Copier shows one row of a terminal, and its own words come first.
    room = COLUMNS - len(f"Validation error for question '{name}': ;")
    assert len(mend) <= min(40, room), f"{mend} is not seen whole"
    assert rest.startswith(f'"{culprit}" '), sentence
    rule = rest.removeprefix(f'"{culprit}" ')
    assert re.match(r"(is|cannot|carries|stands|names)\b", rule), sentence
    assert sentence.endswith(".")
    assert "\n" not in rule
    assert not re.search(r"[.!?] [A-Z]", rule), "more than one sentence"


@pytest.mark.parametrize("taken", sorted({*TAKEN[::12], "openai", "custom", "nano-gpt"}))
def test_providers_of_litellm_are_refused(taken: str, questions_only: Path, tmp_path: Path) -> None:
    said = refusal(questions_only, tmp_path / "package", {"provider": taken})
    assert f'put my- before it, or pick another; "{taken}" is a provider that LiteLLM serves itself' in said


@pytest.mark.parametrize("name", ["base-llm", "custom-httpx", "tavily", "tool", "ci", "yaml", "copy"])
def test_folders_of_a_fork_that_are_others_are_refused(name: str, questions_only: Path, tmp_path: Path) -> None:
    said = refusal(questions_only, tmp_path / "fork", {"layout": "fork", "provider": name})
    assert f'put my- before it, or pick another; "{name}" is a folder of LiteLLM\'s or a module' in said
    render(questions_only, tmp_path / "package", {"provider": name})


def test_a_fork_takes_no_docs_and_no_image(questions_only: Path, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="not in a fork of LiteLLM: leave docs out"):
        render(questions_only, tmp_path / "fork", {"layout": "fork", "include": ["cli", "docs"]})
    assert not (tmp_path / "fork").exists()


@pytest.mark.parametrize("taken", ["openai", "groq", "publicai", "nano-gpt", "custom"])
def test_names_of_the_enum_and_of_the_registry_are_known(taken: str) -> None:
    assert taken in TAKEN


def test_the_default_provider_avoids_a_taken_name(questions_only: Path, tmp_path: Path) -> None:
    folder = render(questions_only, tmp_path / "package", {"provider_name": "OpenAI"})
    assert yaml.safe_load((folder / ANSWERS_FILE).read_text(encoding="utf-8"))["provider"] == "my-provider"


@pytest.mark.parametrize("provider", ["enterprise", "proxy-extras", "proxy_extras"])
def test_the_default_package_avoids_a_dependency(provider: str, copier_template: Path, tmp_path: Path) -> None:
    folder = render(copier_template, tmp_path / "package", {"provider": provider})
    expected = f"litellm-{provider.replace('_', '-')}-provider"
    assert yaml.safe_load((folder / ANSWERS_FILE).read_text(encoding="utf-8"))["package_name"] == expected


def test_what_is_proprietary_goes_to_pypi_only_when_told(copier_template: Path, tmp_path: Path) -> None:
    for given, publish in (({}, "private"), ({"publish": "pypi"}, "pypi")):
        answers: Answers = {"license": "Proprietary", **given}
        folder = render(copier_template, tmp_path / publish, answers)
        assert yaml.safe_load((folder / ANSWERS_FILE).read_text(encoding="utf-8"))["publish"] == publish


@pytest.mark.parametrize(
    "lines", ["\n\nm1\nm2", "m1\nm2\n\n\n", " \n m1 \n\t\n\n m2\n ", "\r\nm1\r\n\u3000\r\nm2\r\n"], ids=ascii
)
def test_blank_lines_in_the_list_of_models_are_nothing(lines: str, copier_template: Path, tmp_path: Path) -> None:
    expected = render(copier_template, tmp_path / "plain", {"models": "m1\nm2"})
    folder = render(copier_template, tmp_path / "blank", {"models": lines})
    assert same(folder, expected) == [f"{ANSWERS_FILE}: two renders of the same answers differ"]


def test_no_dependency_and_no_module_of_python_can_be_the_package(copier_template: Path, tmp_path: Path) -> None:
    folder = render(copier_template, tmp_path / "package", EVERYTHING)
    project = tomllib.loads((folder / "pyproject.toml").read_text(encoding="utf-8"))
    wanted = [*project["project"]["dependencies"], *chain(*project["dependency-groups"].values())]
    names = {re.split(r"[^A-Za-z0-9._-]", wish)[0].lower() for wish in wanted if isinstance(wish, str)}
    reserved = {name: set(names_in("names.jinja", f"reserved_{name}")) for name in ("modules", "distributions")}
    assert names <= reserved["distributions"]
    assert {name for name in sys.stdlib_module_names if re.fullmatch("[a-z][a-z0-9_]*", name)} <= reserved["modules"]


@pytest.mark.parametrize("name", [name for name, question in questions().items() if choices(question)])
def test_only_the_choices_can_be_chosen(name: str, questions_only: Path, tmp_path: Path) -> None:
    folder = tmp_path / "package"
    wrong: Answer = ["nonsense"] if questions()[name].get("multiselect") else "nonsense"
    with pytest.raises(ValueError, match=r"nonsense|Invalid choice"):
        render(questions_only, folder, {**leading_to(name), name: wrong})
    assert not folder.exists()

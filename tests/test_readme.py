"""The README says what is there: the questions, their choices, the make targets, the YAML."""

from __future__ import annotations

import re

import pytest
import yaml

from testing.answers import ROOT, Answers, choices, questions, shown

README = (ROOT / "README.md").read_text(encoding="utf-8")
MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")


def rows() -> dict[str, str]:
    """Returns the lines of the table of questions, by name."""
    table = README.split("## Questions")[1].split("\n## ")[0]
    return {line.split("`")[1]: line for line in table.splitlines() if line.startswith("| `")}


def test_the_table_has_every_question_in_order() -> None:
    assert list(rows()) == list(questions())


def test_the_numbers_of_questions() -> None:
    def number(**answers: str) -> int:
        given: Answers = {**answers}
        return sum(shown(name, given) for name in questions())

    kinds, fallbacks = (choices(questions()[name]) for name in ("auth", "auth_fallback"))
    most = max(number(auth=kind, auth_fallback=other) for kind in kinds for other in fallbacks)
    assert (
        f"With an API key {number()} are asked, with client credentials {number(auth='oauth_client_credentials')}, "
        f"and never more than {most}:"
    ) in README


@pytest.mark.parametrize("name", [name for name, question in questions().items() if choices(question)])
def test_the_table_has_every_choice_and_the_default(name: str) -> None:
    line = rows()[name]
    assert [choice for choice in choices(questions()[name]) if f"`{choice}`" not in line] == []
    default = questions()[name]["default"]
    shown = line.split("|")[2].strip()
    if "{{" in str(default):  # it depends on other answers, and is put in words
        assert shown
        return
    assert shown == ("all" if default == choices(questions()[name]) else f"`{default}`")


def test_the_named_targets_exist() -> None:
    template = (ROOT / "template" / "package" / "Makefile").read_text(encoding="utf-8")
    own, rendered = ({*re.findall(r"^([a-z-]+):", text, re.MULTILINE)} for text in (MAKEFILE, template))
    parts = README.split("## Work on the template")
    for text, targets in ((parts[0], rendered), (parts[1], own)):
        commands = re.findall(r"(?:`|^)make ((?:[a-z-]+ ?)+)(?:`|$| *#)", text, re.MULTILINE)
        named = {name for command in commands for name in command.split()}
        assert named
        assert named <= targets


def test_the_yaml_is_a_model_list() -> None:
    block = re.search(r"```yaml\n(.*?)```", README, re.DOTALL)
    assert block
    (entry,) = yaml.safe_load(block[1])["model_list"]
    assert set(entry) == {"model_name", "litellm_params"}
    assert entry["litellm_params"]["model"].startswith("openai/")
    assert entry["litellm_params"]["api_key"].startswith("os.environ/")


def test_the_floor_is_the_default() -> None:
    assert f"LiteLLM {questions()['litellm_min']['default']} or newer" in README
    assert f"Python {questions()['python_min']['default']} or newer" in README

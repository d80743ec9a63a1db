"""The README says what is there: the numbers of questions, the pages that it links to, the make targets, the YAML."""

from __future__ import annotations

import re

import yaml

from testing.answers import ROOT, Answers, choices, questions, shown

README = (ROOT / "README.md").read_text(encoding="utf-8")
MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")


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


def test_what_it_links_to_is_there() -> None:
    links = re.findall(r"\]\((?!https:)([^)#]+)(?:#([^)]*))?\)", README)
    assert links
    for path, heading in links:
        text = (ROOT / path).read_text(encoding="utf-8")
        assert not heading or f"### `{heading}`\n" in text, f"{path}#{heading}"


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

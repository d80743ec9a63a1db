"""A person at a terminal: the questions of `copier copy`, answered by key presses."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from tests.answers import Answers, asked, choices, questions
from tests.checks import ANSWERS_FILE, in_fork, same
from tests.support import render
from tests.wizard import CLEAR, DOWN, END_OF_LINES, ENTER, REDRAW, UP, Wizard, wizard


def accept(dialog: Wizard, name: str) -> None:
    """Takes the answer that the question shows."""
    dialog.asks(name)
    dialog.send(END_OF_LINES if questions()[name].get("multiline") else ENTER)


def choose(dialog: Wizard, name: str, answer: str) -> None:
    """Picks an answer from a list, whichever it stands on."""
    offered = choices(questions()[name])
    default = str(questions()[name]["default"])
    assert default in offered, "the list may stand anywhere"
    steps = offered.index(answer) - offered.index(default)
    dialog.send((DOWN if steps > 0 else UP) * abs(steps) + ENTER)


def asked_with(answers: Answers) -> list[str]:
    """Returns the questions that are asked when these answers are given, and the default everywhere else."""
    return [name for name in questions() if asked(name, answers)]


def test_enter_takes_every_default(copier_template: Path, tmp_path: Path) -> None:
    folder = tmp_path / "package"
    with wizard(copier_template, folder) as dialog:
        dialog.expect("Ctrl-C stops and leaves nothing behind")
        for name in asked_with({}):
            accept(dialog, name)
        assert dialog.end() == 0, dialog.screen
        before, after = dialog.screen, dialog.screen.split("Made ")[-1]

    assert "Enter takes the answer shown" in before
    assert "An OpenAI-compatible API with a fixed key needs no package" in before
    for command in (f"cd {folder}", "make check test", "make demo"):
        assert command in after
    assert not same(folder, render(copier_template, tmp_path / "by-api", {}))


def test_a_wrong_provider_is_explained_and_corrected(copier_template: Path, tmp_path: Path) -> None:
    folder = tmp_path / "package"
    with wizard(copier_template, folder) as dialog:
        accept(dialog, "layout")
        accept(dialog, "provider_name")
        dialog.asks("provider")
        dialog.send(CLEAR + "Acme AI" + ENTER + REDRAW)
        dialog.expect('"Acme AI" is not a provider prefix')
        dialog.expect("such as acme-ai.")
        assert not folder.exists()
        dialog.send(CLEAR + "openai" + ENTER + REDRAW)
        dialog.expect('"openai" is a provider that LiteLLM serves itself')
        dialog.expect("such as my-openai.")
        assert not folder.exists()
        dialog.send(CLEAR + "my-openai" + ENTER)
        for name in asked_with({})[3:]:
            accept(dialog, name)
        assert dialog.end() == 0, dialog.screen

    record = yaml.safe_load((folder / ANSWERS_FILE).read_text(encoding="utf-8"))
    assert record["provider"] == "my-openai"
    assert record["package_name"] == "litellm-my-openai"
    assert record["module_name"] == "litellm_my_openai"


@pytest.mark.parametrize(
    "chosen",
    [
        {"auth": "none", "ci": "none"},
        {"auth": "api_key", "api_key_in": "query"},
        {"auth": "oauth_authorization_code", "ci": "none"},
        {"auth": "token_file", "auth_fallback": "signed_jwt"},
        {"layout": "fork", "ci": "gitlab"},
    ],
    ids=lambda chosen: "-".join(chosen.values()),
)
def test_follow_ups_are_asked_only_where_they_apply(
    chosen: dict[str, str], copier_template: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "package"
    with wizard(copier_template, folder) as dialog:
        for name in asked_with({**chosen}):
            if name in chosen:
                dialog.asks(name)
                choose(dialog, name, chosen[name])
            else:
                accept(dialog, name)
        assert dialog.end() == 0, dialog.screen
        shown = dialog.screen

    record = yaml.safe_load(in_fork(folder, ANSWERS_FILE).read_text(encoding="utf-8"))
    for name in set(questions()) - set(asked_with({**chosen})):
        assert str(questions()[name]["help"]) not in shown
        assert name not in record
    assert {name: record[name] for name in chosen} == chosen


@pytest.mark.parametrize("stop_at", ["provider_name", "models", "include", "litellm_min"])
def test_ctrl_c_leaves_nothing_behind(stop_at: str, copier_template: Path, tmp_path: Path) -> None:
    folder = tmp_path / "package"
    with wizard(copier_template, folder) as dialog:
        for name in asked_with({}):
            if name == stop_at:
                dialog.asks(name)
                dialog.interrupt()
                break
            accept(dialog, name)
        assert dialog.end() != 0, dialog.screen
    assert not folder.exists()
    assert not list(tmp_path.iterdir())

"""A person at a terminal: the questions of `copier copy`, answered by key presses."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from testing.answers import Answers, asked, choices, config, questions, shown
from testing.checks import ANSWERS_FILE, in_fork, same
from testing.rules import copiers
from testing.support import render
from testing.values import BAD, BAD_LINES, BAD_MODELS, COLUMNS, GOOD
from testing.wizard import CLEAR, DOWN, END_OF_LINES, ENTER, PASTE, REDRAW, UP, Wizard, copier_dialog, wizard

# The most that a person is asked who wants nothing special.
MOST = {
    "api_key": 9,
    "oauth_client_credentials": 11,
    "oauth_authorization_code": 12,
    "oauth_device_code": 12,
    "oauth_refresh_token": 13,
    "signed_jwt": 9,
    "token_file": 10,
    "token_command": 10,
    "none": 8,
}
REFUSED = "Validation error for question "


def accept(dialog: Wizard, name: str) -> None:
    """Takes the answer that the question shows."""
    dialog.asks(name)
    dialog.send(end(name))


def choose(dialog: Wizard, name: str, answer: str) -> None:
    """Picks an answer from a list, whichever it stands on."""
    offered = choices(questions()[name])
    default = "recommended" if name == "more" else str(questions()[name]["default"])
    assert default in offered, "the list may stand anywhere"
    steps = offered.index(answer) - offered.index(default)
    dialog.send((DOWN if steps > 0 else UP) * abs(steps) + ENTER)


def asked_with(answers: Answers) -> list[str]:
    """Returns the questions that are asked when these answers are given, and the default everywhere else."""
    return [name for name in questions() if shown(name, answers)]


def typed(name: str, answer: str) -> str:
    """Returns the keys that put an answer in the place of the one that the question shows."""
    empty = CLEAR * 20 if questions()[name].get("multiline") else CLEAR
    return empty + (PASTE.format(answer) if answer else "")


def end(name: str) -> str:
    """Returns the keys that end an answer."""
    return END_OF_LINES if questions()[name].get("multiline") else ENTER


def right(name: str) -> str:
    """Returns an answer to a free question that what is wrong with later ones does not depend on."""
    default = str(questions()[name]["default"])
    return "acme-ai" if name == "provider" else typeable(name, GOOD[name])[0] if "{" in default else default


def typeable(name: str, answers: tuple[str, ...]) -> list[str]:
    """Returns those answers to a question that keys can write."""
    lines = "\n" if questions()[name].get("multiline") else ""
    return [answer for answer in answers if all(char.isprintable() or char in lines for char in answer)]


def test_enter_takes_every_default(copier_template: Path, tmp_path: Path) -> None:
    folder = tmp_path / "package"
    with wizard(copier_template, folder) as dialog:
        dialog.expect("stops and leaves nothing behind")
        for name in asked_with({}):
            accept(dialog, name)
        assert dialog.end() == 0, dialog.screen
        before, after = dialog.screen, dialog.screen.split("Made ")[-1]

    for words in (
        "Enter             takes the answer shown",
        "Ctrl-U            empties a line",
        "there is no way back",
        "An OpenAI-compatible API with a fixed key needs no package",
    ):
        assert words in before
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
        dialog.expect('use a-z, 0-9, - and _, as in acme-ai; "Acme AI" is not a provider prefix')
        assert not folder.exists()
        dialog.send(CLEAR + "openai" + ENTER + REDRAW)
        dialog.expect('put my- before it, or pick another; "openai" is a provider that LiteLLM serves itself')
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
        *({"auth": kind} for kind in MOST),
        {"auth": "none", "more": "ask", "ci": "none"},
        {"auth": "api_key", "api_key_in": "query", "more": "ask"},
        {"auth": "token_file", "auth_fallback": "signed_jwt"},
        {"layout": "fork", "more": "ask", "ci": "gitlab"},
    ],
    ids=lambda chosen: "-".join(chosen.values()),
)
def test_what_is_asked(chosen: dict[str, str], copier_template: Path, tmp_path: Path) -> None:
    folder = tmp_path / "package"
    with wizard(copier_template, folder) as dialog:
        for name in asked_with({**chosen}):
            if name in chosen:
                dialog.asks(name)
                choose(dialog, name, chosen[name])
            else:
                accept(dialog, name)
        assert dialog.end() == 0, dialog.screen
        screen = dialog.screen

    if [*chosen] == ["auth"]:
        assert len(asked_with({**chosen})) == MOST[chosen["auth"]]
    record = yaml.safe_load(in_fork(folder, ANSWERS_FILE).read_text(encoding="utf-8"))
    for name in set(questions()) - set(asked_with({**chosen})):
        assert str(questions()[name]["help"]) not in screen
    # What was taken as recommended is recorded, too, so that a default can change.
    assert set(record) - {"_commit", "_src_path"} == {
        name for name in questions() if asked(name, {**chosen}) and name != "more"
    }
    assert {name: record.get(name, "ask") for name in chosen} == chosen


def test_a_later_run_does_not_ask_the_rest_again(copier_template: Path, tmp_path: Path) -> None:
    folder = render(copier_template, tmp_path / "package", {"auth": "none", "ci": "gitlab", "updates": "none"})
    before = (folder / ANSWERS_FILE).read_text(encoding="utf-8")
    with copier_dialog("recopy", "--overwrite", str(folder), cwd=tmp_path) as dialog:
        for name in asked_with({"auth": "none"}):
            accept(dialog, name)
        assert dialog.end() == 0, dialog.screen
    assert (folder / ANSWERS_FILE).read_text(encoding="utf-8") == before


def test_a_run_that_skips_what_is_answered_asks_what_is_new(copier_template: Path, tmp_path: Path) -> None:
    folder = render(copier_template, tmp_path / "package", {"updates": "none"})
    record = (folder / ANSWERS_FILE).read_text(encoding="utf-8")
    assert "updates: none\n" in record
    (folder / ANSWERS_FILE).write_text(record.replace("updates: none\n", ""), encoding="utf-8")
    with copier_dialog("recopy", "--overwrite", "--skip-answered", str(folder), cwd=tmp_path) as dialog:
        dialog.asks("updates")
        choose(dialog, "updates", "none")
        assert dialog.end() == 0, dialog.screen
    assert (folder / ANSWERS_FILE).read_text(encoding="utf-8") == record


def refuses(dialog: Wizard, name: str, wrong: str) -> None:
    """Gives a wrong answer to the question that is asked, and reads how to mend it, to its end."""
    # Copier looks at what is typed at once: a right answer takes the refusal of the last one away.
    dialog.send(typed(name, right(name)))
    dialog.gone(REFUSED)
    dialog.send(typed(name, wrong) + end(name))
    said = dialog.row(REFUSED)
    assert re.match(rf"{REFUSED}'{name}': (write|use|put|pick|leave|give) [^;]+;", said), f"{wrong!r}: {said}"


@pytest.mark.parametrize("auth", ["api_key", "oauth_client_credentials", "oauth_refresh_token"])
def test_a_wrong_answer_to_every_question(auth: str, copier_template: Path, tmp_path: Path) -> None:
    folder = tmp_path / "package"
    chosen: Answers = {"auth": auth, "more": "ask"}
    given = {}
    with wizard(copier_template, folder, columns=COLUMNS) as dialog:
        for name in asked_with(chosen):
            dialog.asks(name)
            if name in chosen:
                choose(dialog, name, str(chosen[name]))
            elif choices(questions()[name]):
                dialog.send(ENTER)
            else:
                refuses(dialog, name, typeable(name, BAD[name])[0])
                given[name] = right(name)
                dialog.send(typed(name, given[name]) + end(name))
        assert dialog.end() == 0, dialog.screen

    record = yaml.safe_load((folder / ANSWERS_FILE).read_text(encoding="utf-8"))
    assert {name: record[name] for name in given} == given


# Every free question is asked in one of these.
LAYOUTS_AND_KINDS: tuple[Answers, ...] = (
    {"api_key_in": "query"},
    {"auth": "oauth_authorization_code"},
    {"auth": "oauth_device_code", "api_format": "sdk", "sdk_kind": "program"},
    {"auth": "oauth_refresh_token", "api_format": "sdk"},
    {"auth": "token_file", "auth_fallback": "signed_jwt"},
    {"auth": "token_command", "capabilities": ["chat", "embeddings", "images"]},
    {"layout": "fork"},
)


def first_asked(row: int) -> list[str]:
    """Returns the free questions that are asked in this row and in none before."""
    free = [name for name, question in questions().items() if not choices(question)]
    before = LAYOUTS_AND_KINDS[:row]
    return [
        name
        for name in free
        if asked(name, LAYOUTS_AND_KINDS[row]) and not any(asked(name, answers) for answers in before)
    ]


def wrong_answers(name: str) -> list[str]:
    """Returns one answer for each way to mend one."""
    question, _ = copiers(config())[name]
    more = BAD_LINES.get(name, ()) + (BAD_MODELS if name == "models" else ())
    found: dict[str, str] = {}
    for wrong in typeable(name, BAD[name] + more):
        with pytest.raises(ValueError, match=REFUSED) as refused:
            question.validate_answer(wrong)
        found[str(refused.value).split(";")[0]] = wrong
    return [*found.values()]


@pytest.mark.parametrize("row", range(len(LAYOUTS_AND_KINDS)))
def test_every_refusal_is_read_at_80_columns(row: int, copier_template: Path, tmp_path: Path) -> None:
    given = [f"--data={name}={answer}" for name, answer in LAYOUTS_AND_KINDS[row].items()]
    names = first_asked(row)
    options = ["--pretend", "--defaults", *given, *(f"--ask={name}" for name in names)]
    with wizard(copier_template, tmp_path / "package", *options, columns=COLUMNS) as dialog:
        for name in names:
            dialog.asks(name)
            for wrong in wrong_answers(name):
                refuses(dialog, name, wrong)
            dialog.send(typed(name, right(name)) + end(name))
        assert dialog.end() == 0, dialog.screen


def test_every_free_question_is_in_a_row() -> None:
    names = [name for row in range(len(LAYOUTS_AND_KINDS)) for name in first_asked(row)]
    assert sorted(names) == sorted(name for name, question in questions().items() if not choices(question))


@pytest.mark.parametrize("stop_at", ["provider_name", "models", "include", "litellm_min"])
def test_ctrl_c_leaves_nothing_behind(stop_at: str, copier_template: Path, tmp_path: Path) -> None:
    folder = tmp_path / "package"
    with wizard(copier_template, folder) as dialog:
        for name in asked_with({"more": "ask"}):
            if name == stop_at:
                dialog.asks(name)
                dialog.interrupt()
                break
            if name == "more":
                dialog.asks(name)
                choose(dialog, name, "ask")
            else:
                accept(dialog, name)
        assert dialog.end() != 0, dialog.screen
    assert not folder.exists()
    assert not list(tmp_path.iterdir())

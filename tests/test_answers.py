"""The space of answers is what the question files say, and the rows cover it."""

from __future__ import annotations

import subprocess
import sys

from testing.answers import (
    ROOT,
    allowed,
    asked,
    choices,
    config,
    controllers,
    covering_rows,
    factors,
    feasible_pairs,
    of_forks,
    pairs,
    questions,
    sample_rows,
    single_rows,
    to_answers,
    values_of,
)
from testing.values import TEXTS


def test_every_question_of_the_index_is_read() -> None:
    included = [
        line.split()[1]
        for line in (ROOT / "copier.yml").read_text(encoding="utf-8").splitlines()
        if line.startswith("!include")
    ]
    assert sorted(included) == sorted(str(p.relative_to(ROOT)) for p in (ROOT / "questions").glob("*.yml"))
    assert set(questions()) <= set(config())
    recorded = {name for name in questions() if not questions()[name].get("secret")}
    assert {factor.question for factor in factors()} == {name for name in recorded if not of_forks(name)}


def test_one_question_stands_between_the_essential_ones_and_the_rest() -> None:
    names = list(questions())
    place = names.index("more")
    assert [name for name in names[: place + 1] if questions()[name].get("ask", True) is not True] == ["more"]
    assert {questions()[name].get("ask") for name in names[place + 1 :]} == {"{{ more == 'ask' }}"}


def test_texts_are_those_of_free_text_questions() -> None:
    assert set(TEXTS) == {name for name, question in questions().items() if not choices(question)}
    assert all(values[0] is None and len(values) > 1 for values in TEXTS.values())


def test_every_feasible_pair_is_in_a_row() -> None:
    assert not feasible_pairs().difference(*(pairs(row) for row in covering_rows()))


def test_rows_answer_what_is_asked_and_nothing_else() -> None:
    for row in (*covering_rows(), *single_rows()):
        assert allowed(row)
        answers = to_answers(row)
        assert all(asked(name, answers) for name in answers)


def test_a_question_that_is_not_asked_is_a_row_too() -> None:
    for name in {factor.question for factor in factors() if factor.conditional}:
        assert any(name not in to_answers(row) and not asked(name, to_answers(row)) for row in covering_rows())


def test_the_rows_hold_every_answer() -> None:
    everything = {(n, i) for n, factor in enumerate(factors()) for i in range(len(factor.values))}
    assert everything == set().union(*(values_of(row) for row in (*covering_rows(), *single_rows())))


def test_the_sample_holds_every_choice_and_every_odd_text() -> None:
    everything = {
        (n, i) for n, factor in enumerate(factors()) for i, value in enumerate(factor.values) if value is not None
    }
    assert everything <= set().union(*(values_of(row) for row in sample_rows()))
    assert sample_rows() == covering_rows()[: len(sample_rows())]
    assert set(to_answers(sample_rows()[0])) == {
        name
        for name, question in questions().items()
        if choices(question) and asked(name, {}) and not question.get("secret")
    }


def test_every_kind_of_authentication_is_in_the_sample() -> None:
    kinds = [{name: to_answers(row).get(name) for name in ("auth", "auth_fallback")} for row in sample_rows()]
    assert {kind["auth"] for kind in kinds} == set(choices(questions()["auth"]))
    assert {kind["auth_fallback"] for kind in kinds} == {None, *choices(questions()["auth_fallback"])}


def test_each_run_of_the_suite_counts() -> None:
    # A row of the sample takes more than a minute of CI: a new question should not need more rows lightly.
    assert len(sample_rows()) <= 12
    assert len(covering_rows()) <= 82


def test_a_when_is_followed_through_what_is_computed() -> None:
    assert controllers("token_store") == ("auth", "auth_fallback")
    assert asked("token_store", {"auth": "signed_jwt"})
    assert not asked("token_store", {"auth": "token_file"})
    assert asked("token_store", {"auth": "token_file", "auth_fallback": "signed_jwt"})
    assert not asked("jwt_claims", {"auth": "token_command"})


def test_rows_are_the_same_in_every_process() -> None:
    # pytest-xdist needs each worker to collect the same tests.
    code = "from testing.answers import covering_rows, single_rows; print(covering_rows(), single_rows())"
    printed = {
        subprocess.run(
            [sys.executable, "-c", code],
            cwd=ROOT,
            env={"PYTHONHASHSEED": seed},
            text=True,
            capture_output=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    }
    assert len(printed) == 1

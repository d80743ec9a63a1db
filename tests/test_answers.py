"""The space of answers is what the question files say, and the rows cover it."""

from __future__ import annotations

import subprocess
import sys

from tests.answers import (
    ROOT,
    TEXTS,
    allowed,
    asked,
    choices,
    config,
    covering_rows,
    factors,
    feasible_pairs,
    pairs,
    questions,
    sample_rows,
    single_rows,
    to_answers,
    values_of,
)


def test_every_question_of_the_index_is_read() -> None:
    included = [
        line.split()[1]
        for line in (ROOT / "copier.yml").read_text(encoding="utf-8").splitlines()
        if line.startswith("!include")
    ]
    assert sorted(included) == sorted(str(p.relative_to(ROOT)) for p in (ROOT / "questions").glob("*.yml"))
    assert set(questions()) <= set(config())
    assert {factor.question for factor in factors()} == set(questions())


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
    for name in ("api_key_header", "publish"):
        assert any(
            name not in to_answers(row) and not asked(name, to_answers(row)) for row in covering_rows()
        )


def test_the_sample_holds_every_answer() -> None:
    everything = set().union(*(values_of(row) for row in covering_rows()))
    assert everything == {(n, i) for n, factor in enumerate(factors()) for i in range(len(factor.values))}
    assert everything == set().union(*(values_of(row) for row in sample_rows()))


def test_rows_are_the_same_in_every_process() -> None:
    # pytest-xdist needs each worker to collect the same tests.
    code = "from tests.answers import covering_rows, single_rows; print(covering_rows(), single_rows())"
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

"""The space of answers: every choice of every question, odd but legal texts, and rows that pair them up.

The rows are made here in 2.3 s: 73, the 11 of the sample first. With the questions of v0.6.0, for which it took 0.12 s and 67 rows, allpairspy 2.5.1 took 1 s for 57 rows
that lack 257 of the 8,366 pairs, and covertable 3.2.0 took 65 s for 106 rows, so neither takes the place of this.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from functools import cache
from itertools import combinations, product
from pathlib import Path
from typing import Any, TypeAlias

import jinja2
import yaml
from jinja2 import meta

from testing.values import TEXTS

ROOT = Path(__file__).resolve().parent.parent

Answer: TypeAlias = str | list[str]
Answers: TypeAlias = dict[str, Answer]
# One value of one factor: a text, a choice, or whether an element of a multiselect question is on.
# None leaves the question to its default.
Chosen: TypeAlias = str | bool | None
Row: TypeAlias = tuple[int, ...]
# A value of a row: factor, value.
Value: TypeAlias = tuple[int, int]
# Two values that a row holds together: factor, value, factor, value.
Pair: TypeAlias = tuple[int, int, int, int]
# For each factor, the values that are open once the questions are answered that others depend on.
Shape: TypeAlias = tuple[tuple[int, ...], ...]

# Of a question with any number of choices that others depend on, the combinations that rows have, which hold every pair of
# its choices: all of them would make a multiple of the shapes. The default comes first.
COMBINATIONS: Mapping[str, tuple[frozenset[str], ...]] = {
    "capabilities": (
        frozenset({"chat"}),
        frozenset({"chat", "embeddings", "images", "image_edits"}),
        frozenset({"embeddings"}),
        frozenset({"images"}),
        frozenset({"image_edits"}),
    ),
}

_JINJA = jinja2.Environment(undefined=jinja2.StrictUndefined, autoescape=False)  # noqa: S701
_JINJA.filters["to_json"] = json.dumps


class _Loader(yaml.SafeLoader):
    """Reads copier.yml with its includes."""


def _include(loader: _Loader, node: yaml.ScalarNode) -> object:
    return yaml.safe_load((ROOT / str(loader.construct_scalar(node))).read_text(encoding="utf-8"))


_Loader.add_constructor("!include", _include)


@cache
def config() -> dict[str, Any]:
    """Returns everything in copier.yml and its includes: settings (with a leading _) and questions."""
    merged: dict[str, Any] = {}
    for part in yaml.load_all((ROOT / "copier.yml").read_text(encoding="utf-8"), Loader=_Loader):
        merged.update(part)
    return merged


def questions() -> dict[str, dict[str, Any]]:
    """Returns the questions that a person is asked, in the order of asking."""
    return {
        name: question
        for name, question in config().items()
        if not name.startswith("_") and question.get("when") is not False and question.get("ask") is not False
    }


def choices(question: Mapping[str, Any]) -> list[str]:
    """Returns the values that a question offers; none for free text."""
    offered = question.get("choices") or []
    values = offered.values() if isinstance(offered, dict) else offered
    # One that has a validator of its own stands in a mapping.
    return [str(value["value"] if isinstance(value, dict) else value) for value in values]


def asked(name: str, answers: Mapping[str, Answer]) -> bool:
    """Tells whether the `when` of a question holds for these answers."""
    return _holds(name, tuple(str(answers.get(other, questions()[other]["default"])) for other in controllers(name)))


def shown(name: str, answers: Mapping[str, Answer]) -> bool:
    """Tells whether a person at a terminal is asked a question: it is asked, and not taken as recommended."""
    rest = "more" in _variables(str(questions()[name].get("ask", "")))
    return asked(name, answers) and (not rest or answers.get("more") == "ask")


def of_forks(name: str) -> bool:
    """Tells whether a question is asked in forks only."""
    return controllers(name) == ("layout",) and not asked(name, {})


@cache
def controllers(name: str) -> tuple[str, ...]:
    """Returns the questions that the `when` of a question depends on, also by way of what is computed from them."""
    found: set[str] = set()
    looked_at = _variables(str(questions()[name].get("when", "")))
    while looked_at:
        other = looked_at.pop()
        if other in questions():
            found.add(other)
        else:
            looked_at |= _variables(config()[other]["default"])
    return tuple(other for other in questions() if other in found)


@cache
def _holds(name: str, values: tuple[str, ...]) -> bool:
    when = questions()[name].get("when", True)
    return (
        when if isinstance(when, bool) else _rendered(when, dict(zip(controllers(name), values, strict=True))) == "True"
    )


def computed(name: str, answers: Mapping[str, Answer]) -> list[str]:
    """Returns the value of a question that is not asked but computed from others, one of type yaml."""
    found: list[str] = yaml.safe_load(_rendered(config()[name]["default"], {key: str(answers[key]) for key in answers}))
    return found


def _variables(template: str) -> set[str]:
    return meta.find_undeclared_variables(_JINJA.parse(template))


def _rendered(template: str, answers: Mapping[str, str]) -> str:
    """Renders a template of the question files; what is computed there is computed here from its own template."""
    context: dict[str, Any] = {}
    for name in _variables(template):
        if name in answers:
            context[name] = answers[name]
        else:
            text = _rendered(config()[name]["default"], answers)
            context[name] = yaml.safe_load(text) if config()[name]["type"] == "yaml" else text
    return _JINJA.from_string(template).render(context)


@dataclass(frozen=True)
class Factor:
    """One thing that varies: a question, or one element of a multiselect question."""

    question: str
    element: str | None
    values: tuple[Chosen, ...]
    # Whether a `when` can leave the question out; then the last value stands for "not asked".
    conditional: bool

    @property
    def size(self) -> int:
        """The number of values, "not asked" included."""
        return len(self.values) + self.conditional

    def absent(self, index: int) -> bool:
        """Tells whether the value of this index is "not asked"."""
        return index == len(self.values)


@cache
def factors() -> tuple[Factor, ...]:
    """Returns what varies, from the question files; a question without values is an error.

    The rows are of packages. A fork has the same files but for a few, as tests/test_fork_layout.py shows.
    """
    found: list[Factor] = []
    for name, question in questions().items():
        if name == "layout":
            found.append(Factor(name, None, ("package",), conditional=False))
            continue
        if of_forks(name) or question.get("secret"):  # what is not recorded changes no file
            continue
        conditional = bool({*controllers(name)} - {"layout"})
        if question.get("multiselect"):
            found.extend(
                Factor(name, element, _on_and_off(question, element), conditional) for element in choices(question)
            )
        elif choices(question):
            found.append(Factor(name, None, tuple(choices(question)), conditional))
        else:
            found.append(Factor(name, None, TEXTS[name], conditional))
    return tuple(found)


def _on_and_off(question: Mapping[str, Any], element: str) -> tuple[bool, bool]:
    """Whether an element is chosen, the default first."""
    default = question["default"]
    return (False, True) if isinstance(default, list) and element not in default else (True, False)


def to_answers(row: Row) -> Answers:
    """Returns the answers that a row stands for."""
    return _answers_of(enumerate(row))


def _answers_of(values: Iterable[Value]) -> Answers:
    answers: Answers = {}
    for position, index in values:
        factor = factors()[position]
        if factor.absent(index):
            continue
        value = factor.values[index]
        if factor.element is not None:
            chosen = answers.setdefault(factor.question, [])
            assert isinstance(chosen, list)
            if value:
                chosen.append(factor.element)
        elif isinstance(value, str):
            answers[factor.question] = value
    return answers


def allowed(row: Row) -> bool:
    """Tells whether each conditional question of a row is answered exactly where it is asked."""
    answers = to_answers(row)
    return all(
        asked(factor.question, answers) is not factor.absent(index)
        for factor, index in zip(factors(), row, strict=True)
        if factor.conditional
    )


def leading_to(name: str) -> Answers:
    """Returns answers after which a question is asked; none for one that always is."""
    if of_forks(name):
        return {"layout": "fork"}
    if not controllers(name):
        return {}
    position = next(n for n, factor in enumerate(factors()) if factor.question == name)
    shape = next(shape for shape in shapes() if not factors()[position].absent(shape[position][0]))
    answers = _answers_of(enumerate(indices[0] for indices in shape))
    return {other: answers[other] for other in controllers(name) if other in answers}


def pairs(row: Row) -> Iterator[Pair]:
    """Yields the pairs of values in a row, as (factor, value, factor, value)."""
    for (one, first), (two, second) in combinations(enumerate(row), 2):
        yield one, first, two, second


@cache
def shapes() -> tuple[Shape, ...]:
    """Returns the shapes of all legal rows: each is one way to answer the questions that others depend on."""
    steering = {other for name in questions() for other in controllers(name)}
    decided: list[dict[int, int]] = [{}]
    for position, factor in enumerate(factors()):
        if factor.question in steering:
            decided = [
                {**one, position: index}
                for one in decided
                for index in _open(factor, one)
                if _combined(one, position, index)
            ]
    return tuple(
        tuple((one[n],) if n in one else _open(factor, one) for n, factor in enumerate(factors())) for one in decided
    )


def _combined(decided: Mapping[int, int], position: int, index: int) -> bool:
    """Tells whether one of the combinations that rows have begins with these choices."""
    question = factors()[position].question
    known = COMBINATIONS.get(question)
    of_it = [(n, i) for n, i in (*decided.items(), (position, index)) if factors()[n].question == question]
    if known is None or any(factors()[n].absent(i) for n, i in of_it):
        return True
    return any(all((factors()[n].element in one) is factors()[n].values[i] for n, i in of_it) for one in known)


def _open(factor: Factor, decided: Mapping[int, int]) -> tuple[int, ...]:
    """The values that a factor can take after what is decided: all that it has, or "not asked"."""
    if factor.conditional and not asked(factor.question, _answers_of(decided.items())):
        return (len(factor.values),)
    return tuple(range(len(factor.values)))


@cache
def feasible_pairs() -> frozenset[Pair]:
    """Returns every pair of values that some legal row holds and that is worth a row.

    The default text of a question that not everybody is asked is not: the single rows have it.
    """
    open_ones = [
        [[index for index in indices if not _plain(n, index)] for n, indices in enumerate(shape)] for shape in shapes()
    ]
    return frozenset(
        (one, first, two, second)
        for shape in open_ones
        for (one, left), (two, right) in combinations(enumerate(shape), 2)
        for first, second in product(left, right)
    )


def _plain(position: int, index: int) -> bool:
    factor = factors()[position]
    return factor.conditional and not factor.absent(index) and factor.values[index] is None


class _Missing:
    """The pairs that no row holds yet: for each value, those that it has not met, as a set of bits."""

    def __init__(self) -> None:
        self._unmet = {(n, index): 0 for n, factor in enumerate(factors()) for index in range(factor.size)}
        self._bit = {value: 1 << n for n, value in enumerate(self._unmet)}
        for one, first, two, second in feasible_pairs():
            self._unmet[one, first] |= self._bit[two, second]
            self._unmet[two, second] |= self._bit[one, first]

    def __bool__(self) -> bool:
        return any(self._unmet.values())

    def bits(self, values: Iterable[Value]) -> int:
        """Returns values as a set of bits."""
        return sum(self._bit[value] for value in values)

    def gain(self, value: Value, others: int) -> int:
        """Returns how many pairs a value makes with others that are missing."""
        return (self._unmet[value] & others).bit_count()

    def gains(self, row: Row) -> int:
        """Returns how many missing pairs a row has."""
        bits = self.bits(enumerate(row))
        return sum(self.gain(value, bits) for value in enumerate(row)) // 2

    def remove(self, row: Row) -> None:
        """Takes note of a new row."""
        met = self.bits(enumerate(row))
        for value in enumerate(row):
            self._unmet[value] &= ~met

    def one(self) -> tuple[tuple[int, int], Value]:
        """Returns a missing pair: the value with the most of them, and the one of its partners with the most."""
        first = max(self._unmet, key=lambda value: self._unmet[value].bit_count())
        partners = [value for value, bit in self._bit.items() if self._unmet[first] & bit]
        return first, max(partners, key=lambda value: self._unmet[value].bit_count())


def _row(shape: Shape, fixed: Mapping[int, int], missing: _Missing, wanted: AbstractSet[Value]) -> Row:
    """Fills a row of this shape, value by value: with one that is wanted, else with the one that gains most."""
    chosen = dict(fixed)
    bits = missing.bits(chosen.items())
    for position, indices in enumerate(shape):
        if position not in chosen:
            values = [(position, index) for index in indices]
            best = max(values, key=lambda value: (value in wanted, missing.gain(value, bits)))
            chosen[position] = best[1]
            bits |= missing.bits([best])
    return tuple(chosen[position] for position in range(len(shape)))


def _best(rows: Iterable[Row], missing: _Missing, wanted: AbstractSet[Value]) -> Row:
    """Returns the row with most of what is wanted, or else the one that gains most."""
    return max(rows, key=lambda row: (len(wanted & values_of(row)), missing.gains(row)))


@cache
def sample_rows() -> tuple[Row, ...]:
    """Returns a few rows, the defaults first, that together hold every choice and every odd text."""
    missing = _Missing()
    rows = [tuple(indices[0] for indices in shapes()[0])]
    wanted = {(n, i) for n, factor in enumerate(factors()) for i, text in enumerate(factor.values) if text is not None}
    while wanted := wanted - values_of(rows[-1]):
        missing.remove(rows[-1])
        rows.append(_best((_row(shape, {}, missing, wanted) for shape in shapes()), missing, wanted))
    return tuple(rows)


@cache
def covering_rows() -> tuple[Row, ...]:
    """Returns rows that hold every feasible pair of values; the sample comes first."""
    missing = _Missing()
    rows = list(sample_rows())
    for row in rows:
        missing.remove(row)
    while missing:
        fixed = dict(missing.one())
        able = [shape for shape in shapes() if all(index in shape[n] for n, index in fixed.items())]
        rows.append(_best((_row(shape, fixed, missing, set()) for shape in able), missing, set()))
        missing.remove(rows[-1])
    return tuple(rows)


@cache
def single_rows() -> tuple[Row, ...]:
    """Returns the rows that differ from the defaults in one choice (and what `when` makes of it)."""
    rows: list[Row] = []
    for position, factor in enumerate(factors()):
        if None in factor.values:  # a text, whose neighbours do not matter
            continue
        for index in range(1, len(factor.values)):
            shape = next(shape for shape in shapes() if index in shape[position])
            rows.append(tuple(index if n == position else indices[0] for n, indices in enumerate(shape)))
    return tuple(dict.fromkeys(row for row in rows if row not in covering_rows()))


def values_of(row: Row) -> set[Value]:
    """Returns the values of a row as (factor, value), "not asked" left out."""
    return {(n, index) for n, index in enumerate(row) if not factors()[n].absent(index)}


def row_id(row: Row) -> str:
    """Returns a short name of the row for test reports: its values as letters, one for each factor."""
    return "".join("." if factor.absent(i) else chr(ord("a") + i) for factor, i in zip(factors(), row, strict=True))

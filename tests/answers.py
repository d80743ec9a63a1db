"""The space of answers: every choice of every question, odd but legal texts, and rows that pair them up."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from functools import cache
from itertools import combinations, product
from pathlib import Path
from typing import Any, TypeAlias

import jinja2
import yaml
from allpairspy import AllPairs
from jinja2 import meta

ROOT = Path(__file__).resolve().parent.parent

Answer: TypeAlias = str | list[str]
Answers: TypeAlias = dict[str, Answer]
# One value of one factor: a text, a choice, or whether an element of a multiselect question is on.
# None leaves the question to its default.
Value: TypeAlias = str | bool | None
Row: TypeAlias = tuple[int, ...]
# Two values that a row holds together: factor, value, factor, value.
Pair: TypeAlias = tuple[int, int, int, int]

# Legal texts that break careless quoting in Python, TOML, YAML, Markdown, shell or Jinja. `None` is the
# default. Every question that takes free text has an entry here; `factors()` says so when one is missing.
TEXTS: dict[str, tuple[str | None, ...]] = {
    "provider_name": (
        None,
        'Say "hi" \\ it\'s: {{ odd }} #1 | `x` 100%',
        "{% raw %} 雲端 Zoë's 🚀 <b>&amp;</b> {# no #} ${{ x }}",
        'Triple """ quote, ends in a backslash \\',
        "Acme " + "Very Long Display Name of a Provider With Sixty Letters"[:55],
    ),
    "provider": (None, "my_api-2", "no", "a" + "1234567890-abcdefgh_" * 2 + "1234567890-abcdefgh"),
    "package_name": (None, "acme.litellm_provider-x", "0-acme"),
    "module_name": (None, "acme2", "m" + "_very_long_module_name" * 3),
    "description": (
        None,
        'Quotes "a" \'b\' """c""", back\\slash, {{ braces }}, {% tags %}, ${{ secrets.X }}, # and: colon',
        "描述 🚀 | table | `code` <script>alert(1)</script> [link](x) $HOME %s * - _under_ ends in a \\",
        "word " * 59 + "word.",
    ),
    "author_name": (None, 'O\'Brien, "The" Team \\ <x@y>: {{ a }} {% b %} #1', "山田 太郎 🚀 & Söhne"),
    "author_email": (None, "team+litellm@example.com", "a.!#$%&*+/=?^_{|}~-z@sub-1.example.co"),
    "api_base": (
        None,
        "http://localhost:8080",
        "https://[::1]:8443/v1",
        "https://ex-1.example.com:65535/a~b/%7Bx%7D/v1,2;p=1:@!$&()*+",
    ),
    "models": (
        None,
        "chat-large",
        "\n".join(f"vendor-{n}/model-{n}:tag-{n}" for n in range(40)),
        "org/sub/model:latest@sha256:00ff+x=1~2\nno\n12345\n1.0\n1e3\n0x1F\n2026-01-01\nnull\nsk-ant\n  spaced  \n\nZ",
    ),
    "api_key_header": (None, "X-Api-Key", "authorization"),
    "api_key_prefix": (None, "", "Token", "~a.b_c+d-1"),
    "litellm_min": (None, "1.106.2"),
}


_JINJA = jinja2.Environment(undefined=jinja2.StrictUndefined, autoescape=False)  # noqa: S701


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
    return [str(value) for value in (offered.values() if isinstance(offered, dict) else offered)]


def asked(name: str, answers: Mapping[str, Answer]) -> bool:
    """Tells whether the `when` of a question holds for these answers."""
    known = {**defaults(), **answers}
    return _holds(name, tuple(str(known[other]) for other in controllers(name)))


@cache
def controllers(name: str) -> tuple[str, ...]:
    """Returns the questions that the `when` of a question looks at."""
    return tuple(sorted(meta.find_undeclared_variables(_JINJA.parse(str(questions()[name].get("when", ""))))))


@cache
def _holds(name: str, values: tuple[str, ...]) -> bool:
    when = questions()[name].get("when", True)
    context = dict(zip(controllers(name), values, strict=True))
    return when if isinstance(when, bool) else _JINJA.from_string(when).render(context) == "True"


@cache
def defaults() -> dict[str, str]:
    """Returns the defaults of the questions with choices: all that a `when` may depend on."""
    return {
        name: question["default"]
        for name, question in questions().items()
        if choices(question) and not question.get("multiselect")
    }


@dataclass(frozen=True)
class Factor:
    """One thing that varies: a question, or one element of a multiselect question."""

    question: str
    element: str | None
    values: tuple[Value, ...]
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
    """Returns what varies, from the question files; a question without values is an error."""
    found: list[Factor] = []
    for name, question in questions().items():
        conditional = isinstance(question.get("when"), str)
        if question.get("multiselect"):
            found.extend(Factor(name, element, (True, False), conditional) for element in choices(question))
        elif choices(question):
            found.append(Factor(name, None, tuple(choices(question)), conditional))
        else:
            found.append(Factor(name, None, TEXTS[name], conditional))
    return tuple(found)


def to_answers(row: Row) -> Answers:
    """Returns the answers that a row stands for; a row may be shorter than the factors."""
    answers: Answers = {}
    for factor, index in zip(factors(), row, strict=False):
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
    """Tells whether each conditional question of a (partial) row is answered exactly where it is asked."""
    answers = to_answers(row)
    return all(
        asked(factor.question, answers) is not factor.absent(index)
        for factor, index in zip(factors(), row, strict=False)
        if factor.conditional
    )


def pairs(row: Row) -> Iterator[Pair]:
    """Yields the pairs of values in a row, as (factor, value, factor, value)."""
    for (one, first), (two, second) in combinations(enumerate(row), 2):
        yield one, first, two, second


@cache
def feasible_pairs() -> frozenset[Pair]:
    """Returns every pair of values that some legal row holds."""
    found: set[Pair] = set()
    for (one, left), (two, right) in combinations(enumerate(factors()), 2):
        for first in range(left.size):
            for second in range(right.size):
                if _completed({one: first, two: second}) is not None:
                    found.add((one, first, two, second))
    return frozenset(found)


def _completed(fixed: Mapping[int, int], missing: AbstractSet[Pair] = frozenset()) -> Row | None:
    """Returns a legal row with the fixed values, or None; the rest brings in most of the missing pairs."""
    names = {other for position in fixed for other in controllers(factors()[position].question)}
    free = [n for n, factor in enumerate(factors()) if factor.question in names and n not in fixed]
    for values in product(*(range(factors()[n].size) for n in free)):
        wanted = {**dict(zip(free, values, strict=True)), **fixed}
        row: Row = ()
        for position, factor in enumerate(factors()):
            if position in wanted:
                index = wanted[position]
            elif factor.conditional and not asked(factor.question, to_answers(row)):
                index = len(factor.values)
            else:
                known = [*enumerate(row), *((n, value) for n, value in wanted.items() if n > position)]
                gains = [
                    len(missing & {_pair(position, i, *other) for other in known})
                    for i in range(len(factor.values))
                ]
                index = gains.index(max(gains))
            row = (*row, index)
        if allowed(row):
            return row
    return None


def _pair(one: int, first: int, two: int, second: int) -> Pair:
    return (one, first, two, second) if one < two else (two, second, one, first)


@cache
def covering_rows() -> tuple[Row, ...]:
    """Returns rows that hold every feasible pair of values; the first row is the defaults."""
    start = _completed({})
    assert start is not None
    rows: list[Row] = [start]
    # AllPairs gives up at the first row that adds nothing, so whatever it left out is added one by one.
    generated = AllPairs(
        [list(range(factor.size)) for factor in factors()], filter_func=lambda r: allowed(tuple(r))
    )
    rows.extend(tuple(row) for row in generated)
    missing = feasible_pairs().difference(*(pairs(row) for row in rows))
    while missing:
        one, first, two, second = min(missing)
        row = _completed({one: first, two: second}, missing)
        assert row is not None
        rows.append(row)
        missing -= set(pairs(row))
    return tuple(dict.fromkeys(rows))


@cache
def single_rows() -> tuple[Row, ...]:
    """Returns the rows that differ from the defaults in one answer (and what `when` makes of it)."""
    rows = [
        _completed({position: index})
        for position, factor in enumerate(factors())
        for index in range(1, factor.size)
    ]
    return tuple(dict.fromkeys(row for row in rows if row is not None and row not in covering_rows()))


def values_of(row: Row) -> set[tuple[int, int]]:
    """Returns the values of a row as (factor, value), "not asked" left out."""
    return {(n, index) for n, index in enumerate(row) if not factors()[n].absent(index)}


@cache
def sample_rows() -> tuple[Row, ...]:
    """Returns a few of the covering rows that together hold every answer at least once."""
    missing = set().union(*(values_of(row) for row in covering_rows()))
    rows = list(covering_rows()[:1])
    missing -= values_of(rows[0])
    while missing:
        best = max(covering_rows(), key=lambda row: len(missing & values_of(row)))
        rows.append(best)
        missing -= values_of(best)
    return tuple(rows)


def row_id(row: Row) -> str:
    """Returns a short name of the row for test reports: its values as letters, one for each factor."""
    return "".join(
        "." if factor.absent(i) else chr(ord("a") + i) for factor, i in zip(factors(), row, strict=True)
    )

"""What a plan says to people and to programs."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any

from rich.console import Console

from provider_template.copier_update import losses
from provider_template.plan import Plan

_WORDS = {"A": "new", "D": "deleted", "M": "changed", "R": "moved", "T": "changed"}
_OWNERS = {"template": "the template's", "shared": "shared", "yours": "yours"}


@dataclass(frozen=True)
class Change:
    """A file that an update changes."""

    path: str
    kind: str
    """`new`, `deleted`, `changed` or `moved`."""
    owner: str
    added: int
    deleted: int
    """Lines; both are 0 for a file that is no text."""
    source: str = ""
    """Where a file that moved was before."""


def changes(plan: Plan) -> list[Change]:
    """Returns the files that the update changes, by path."""
    kinds = iter(plan.store.diff(plan.before, plan.after, "-M", "-z", "--name-status").split("\0"))
    numbers = iter(plan.store.diff(plan.before, plan.after, "-M", "-z", "--numstat").split("\0"))
    found: list[Change] = []
    for kind in kinds:
        if not kind:
            break
        added, deleted, _ = next(numbers).split("\t")
        if kind[0] == "R":
            source, path = next(kinds), next(kinds)
            next(numbers), next(numbers)
        else:
            source, path = "", next(kinds)
        found.append(Change(path, _WORDS[kind[0]], plan.owner(path), _lines(added), _lines(deleted), source))
    return found


def _lines(number: str) -> int:
    """Returns what `git diff --numstat` says; a dash stands for a file that is no text."""
    return int(number) if number.isdigit() else 0


def as_json(plan: Plan) -> dict[str, Any]:
    """Returns the plan as what `--json` prints."""
    lost = losses(plan)
    return {
        "from": plan.project.commit,
        "to": plan.to,
        "current": plan.is_current,
        "changes": [
            {
                "path": change.path,
                "kind": change.kind,
                "owner": change.owner,
                "added": change.added,
                "deleted": change.deleted,
                **({"from": change.source} if change.source else {}),
            }
            for change in changes(plan)
        ],
        "conflicts": list(plan.conflicts),
        "kept": list(plan.kept),
        "new_answers": plan.new_answers,
        "migrations": [{"version": one.version, "command": one.words} for one in plan.migrations],
        "needs_trust": bool(plan.migrations),
        "copier_update": {
            "drops": list(lost.dropped),
            "misplaces": list(lost.misplaced),
            "needs_trust": plan.copier_needs_trust,
        },
    }


def show(plan: Plan, console: Console, *, diff: bool = False) -> None:
    """Prints the plan for a reader; the text is Markdown, so that it can be the text of a request."""

    def say(text: str = "") -> None:
        console.print(text, markup=False, highlight=False, soft_wrap=True)

    if plan.is_current:
        say(f"{plan.project.commit}: nothing to update.")
        return
    say(f"Update of the template from {plan.project.commit} to {plan.to}")
    found = changes(plan)
    for owner, words in _OWNERS.items():
        of_owner = [change for change in found if change.owner == owner]
        if not of_owner:
            continue
        counts = Counter(change.kind for change in of_owner)
        say()
        say(
            f"**Files that are {words}**: "
            + ", ".join(f"{count} {kind}" for kind, count in sorted(counts.items()))
        )
        say()
        for change in of_owner:
            source = f" (was {change.source})" if change.source else ""
            say(f"- `{change.path}` {change.kind}{source}, +{change.added} -{change.deleted}")
    _list(say, "Conflicts to resolve by hand", plan.conflicts)
    _list(say, "Yours, and no longer rendered: they stay, delete them when you like", plan.kept)
    if plan.new_answers:
        _list(
            say,
            "New questions, answered by default",
            [f"{name}: {value!r}" for name, value in plan.new_answers.items() if not name.startswith("_")],
            code=False,
        )
    if plan.migrations:
        _list(
            say,
            "Code of the template that runs, so --trust is needed",
            [one.words for one in plan.migrations],
        )
    lost = losses(plan)
    _list(say, "`copier update` would delete these with your edits", lost.dropped)
    _list(say, "`copier update` would put your edits at another place in these", lost.misplaced)
    if diff:
        say()
        say("```diff")
        say(plan.store.diff(plan.before, plan.after, "-M"))
        say("```")


def _list(say: Any, title: str, items: Any, *, code: bool = True) -> None:
    if items:
        say()
        say(f"**{title}**")
        say()
        for item in items:
            say(f"- `{item}`" if code else f"- {item}")

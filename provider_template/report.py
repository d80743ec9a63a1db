"""What a plan says to people and to programs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from provider_template.copier_update import Losses, losses
from provider_template.plan import Plan
from provider_template.project import Owner

_WORDS = {"A": "new", "D": "deleted", "M": "changed", "R": "moved", "T": "changed"}
_OWNERS: dict[Owner, str] = {"template": "the template's", "shared": "shared", "yours": "yours"}


@dataclass(frozen=True)
class Change:
    """A file that an update changes."""

    path: str
    kind: str
    """`new`, `deleted`, `changed` or `moved`."""
    owner: Owner
    added: int
    deleted: int
    """Lines; both are 0 for a file that is no text."""
    source: str = ""
    """Where a file that moved was before."""

    @property
    def words(self) -> str:
        """The change in a line."""
        source = f" (was `{self.source}`)" if self.source else ""
        return f"`{self.path}` {self.kind}{source}, +{self.added} -{self.deleted}"


def changes(plan: Plan) -> list[Change]:
    """Returns the files that the update changes, by path."""
    kinds = iter(plan.store.diff(plan.before, plan.after, "-M", "-z", "--name-status").split("\0"))
    numbers = iter(plan.store.diff(plan.before, plan.after, "-M", "-z", "--numstat").split("\0"))
    found: list[Change] = []
    for kind in kinds:
        if not kind:
            break
        added, deleted, _ = next(numbers).split("\t", 2)
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


@dataclass(frozen=True)
class Report:
    """A plan, and what there is to say of it."""

    plan: Plan
    changes: tuple[Change, ...]
    losses: Losses

    @classmethod
    def of(cls, plan: Plan) -> Report:
        """Looks at a plan."""
        return cls(plan, tuple(changes(plan)), losses(plan))

    def as_json(self) -> dict[str, Any]:
        """Returns it as what `--json` prints; `text` is what is printed without it."""
        plan = self.plan
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
                for change in self.changes
            ],
            "conflicts": list(plan.conflicts),
            "kept": list(plan.kept),
            "left_behind": list(plan.left_behind),
            "new_answers": plan.new_answers,
            "security": [{"version": one.version, "fixes": list(one.fixes)} for one in plan.security],
            "migrations": [{"version": one.version, "command": one.words} for one in plan.migrations],
            "needs_trust": bool(plan.migrations),
            "copier_update": {
                "drops": list(self.losses.dropped),
                "misplaces": list(self.losses.misplaced),
                "needs_trust": plan.copier_needs_trust,
            },
            "text": self.as_text(),
        }

    def as_text(self) -> str:
        """Returns it for a reader, as Markdown: it can be the text of a request."""
        plan = self.plan
        if plan.is_current:
            return f"{plan.project.commit}: nothing to update."
        same = plan.project.commit == plan.to
        head = f"Other answers at version {plan.to} of the template"
        parts = [head if same else f"Update of the template from {plan.project.commit} to {plan.to}"]
        if plan.security:
            fixed = ", ".join(one.version for one in plan.security)
            first = next((fix for one in plan.security for fix in one.fixes), "")
            parts[:0] = [f"**Security fixes ({fixed}):** {first}"]
            parts += _section("Security fixes", (f"{one.version}: {fix}" for one in plan.security for fix in one.fixes))
        for owner, words in _OWNERS.items():
            found = [change for change in self.changes if change.owner == owner]
            counts = sorted(Counter(change.kind for change in found).items())
            title = f"Files that are {words}: " + ", ".join(f"{count} {kind}" for kind, count in counts)
            parts += _section(title, (change.words for change in found))
        answers = (f"`{name}`: {value!r}" for name, value in plan.new_answers.items())
        parts += _section("Conflicts to resolve by hand", _quoted(plan.conflicts))
        parts += _section("Yours, and no longer rendered: they stay, delete them when you like", _quoted(plan.kept))
        parts += _section(
            "Yours, and of the answers before: they stay as they are; a package that is rendered beside has the new ones",
            _quoted(plan.left_behind),
        )
        parts += _section("New questions, with their answers", answers)
        commands = (one.words for one in plan.migrations)
        parts += _section("Code of the template that runs, so --trust is needed", _quoted(commands))
        parts += _section("`copier update` would delete these with your edits", _quoted(self.losses.dropped))
        parts += _section(
            "`copier update` would put your edits at another place in these", _quoted(self.losses.misplaced)
        )
        # A name in another encoding than UTF-8 cannot be printed as it is.
        return "\n\n".join(parts).encode(errors="replace").decode()

    def diff(self) -> str:
        """Returns the whole difference."""
        text = self.plan.store.diff(self.plan.before, self.plan.after, "-M")
        return text.encode(errors="replace").decode()


def _section(title: str, lines: Iterable[str]) -> list[str]:
    """Returns a title and a list, or nothing where that is empty."""
    items = [f"- {line}" for line in lines]
    return [f"**{title}**", "\n".join(items)] if items else []


def _quoted(texts: Iterable[str]) -> Iterable[str]:
    return (f"`{text}`" for text in texts)

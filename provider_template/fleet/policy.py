"""What `[policy]` and `[answers.enforce]` ask of a package."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from provider_template.fleet.config import Fleet
from provider_template.fleet.templates import Lag
from provider_template.version import version_of


@dataclass(frozen=True)
class Broken:
    """A rule that a package breaks."""

    rule: str
    """Its name in `fleet.toml`."""
    words: str


def broken(
    fleet: Fleet,
    name: str,
    version: str,
    lag: Lag,
    answers: Mapping[str, Any],
    blocked: Collection[str],
    today: date,
) -> tuple[Broken, ...]:
    """Returns the rules that a package breaks today.

    Args:
        fleet: what `fleet.toml` says.
        name: the package's name, as `[[answers.allow]]` has it.
        version: the template's version that it has.
        lag: how far that is behind.
        answers: its answers.
        blocked: versions of its template that nobody is to have.
        today: the day to count from.
    """
    policy = fleet.policy
    has = version_of(version)
    found: list[Broken] = []
    if has[0] in {version_of(one)[0] for one in blocked}:
        found.append(Broken("blocked", f"has {version}, which is blocked"))
    if policy.minimum and has < version_of(policy.minimum):
        found.append(Broken("minimum", f"is older than {policy.minimum}"))
    for wanted, day in sorted(policy.deadline.items(), key=lambda one: one[1]):
        if has < version_of(wanted) and today > day:
            found.append(Broken("deadline", f"is older than {wanted}, which was due on {day.isoformat()}"))
    if policy.security_days is not None and lag.security and lag.security_days > policy.security_days:
        found.append(Broken("security_days", f"lacks the fixes of {lag.security} for {lag.security_days} days"))
    floor = str(answers.get("litellm_min", ""))
    if policy.litellm_min and floor and version_of(floor) < version_of(policy.litellm_min):
        found.append(Broken("litellm_min", f"runs on LiteLLM {floor}, below {policy.litellm_min}"))
    allowed = fleet.allow.get(name, frozenset())
    for answer, value in sorted(fleet.enforce.items()):
        if answer in answers and answers[answer] != value and answer not in allowed:
            found.append(Broken("enforce", f"answers {answer} with {_shown(answers[answer])}, not {_shown(value)}"))
    return tuple(found)


def _shown(value: object) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)

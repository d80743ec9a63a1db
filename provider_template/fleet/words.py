"""The fleet in words: for a terminal and as Markdown. All text that comes from repositories is escaped for it."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence

from provider_template.fleet.status import Row, Status
from provider_template.template import printable

_WIDEST = 60


def inventory(status: Status) -> str:
    """Returns the packages and the repositories that are none, with the reason."""
    lines = _columns(
        ("PACKAGE", "VERSION", "OWNER", "WHERE"),
        [
            (row.name or "-", row.version or "-", row.owner or "-", row.id)
            for row in status.rows
            if row.state != "error"
        ],
    )
    errors = [f"{printable(row.id)}: {printable(row.error)}" for row in status.rows if row.state == "error"]
    left = [f"{printable(one.id)}: {printable(one.why)}" for one in status.left]
    return "\n".join([*lines, *_titled("Not read", errors), *_titled("Left out", left)])


def table(status: Status) -> str:
    """Returns a line for each package, what is broken, and the totals."""
    head = ("PACKAGE", "STATE", "VERSION", "BEHIND", "SECURITY", "EDITED", "OWNER")
    rows = [
        (
            row.name or row.id,
            row.state,
            row.version or "-",
            behind(row),
            security(row),
            str(len(row.edited)) if row.edited else "-",
            row.owner or "-",
        )
        for row in status.rows
    ]
    notes = [f"{printable(row.id)}: {printable(note)}" for row in status.rows for note in notes_of(row)]
    return "\n".join([*_columns(head, rows), *_titled("To look at", notes), "", totals(status)])


def behind(row: Row) -> str:
    """Returns how far a package is behind, in a few words."""
    if not row.versions_behind:
        return "-"
    return f"{row.versions_behind} ({row.days_behind} d)"


def security(row: Row) -> str:
    """Returns which version with security fixes a package lacks, and since when that is out."""
    return f"{row.security} ({row.security_days} d)" if row.security else "-"


def notes_of(row: Row) -> Iterable[str]:
    """Yields what there is to say of a package besides its versions."""
    if row.error:
        yield row.error
    for one in row.policy:
        yield f"{one.words} [{one.rule}]"
    if row.conflicts:
        yield f"marks of a conflict in {', '.join(row.conflicts)}"
    if row.edited:
        yield f"edited files of the template: {', '.join(row.edited)}"
    if row.state == "other template":
        yield f"its template is {row.template}, which fleet.toml does not name"
    if row.paused_until:
        reason = f" ({row.pause_reason})" if row.pause_reason else ""
        yield f"paused until {row.paused_until}{reason}"
    if row.clone:
        yield f"the clone is {' and '.join(row.clone)}; its default branch was looked at"


def totals(status: Status) -> str:
    """Returns one line with the counts by state."""
    counts = Counter(row.state for row in status.rows)
    parts = ", ".join(f"{count} {state}" for state, count in sorted(counts.items()))
    word = "package" if len(status.rows) == 1 else "packages"
    return f"{len(status.rows)} {word}{f': {parts}' if parts else ''}"


def markdown(status: Status) -> str:
    """Returns the fleet as a table of Markdown in which nobody is mentioned and nothing is a link."""
    lines = [f"**The fleet on {status.day.isoformat()}:** {totals(status)}.", ""]
    lines += [
        "| Package | State | Version | Behind | Security | Owner | |",
        "| --- | --- | --- | --- | --- | --- | --- |",
    ]
    for row in status.rows:
        cells = (
            row.name or row.id,
            row.state,
            row.version,
            behind(row),
            security(row),
            row.owner,
            "; ".join(notes_of(row)),
        )
        lines.append("| " + " | ".join(map(_in_markdown, cells)) + " |")
    return "\n".join(lines)


def _in_markdown(text: str) -> str:
    """Returns a text that Markdown shows as it is: no mark-up, no HTML, no mention, no link, no end of a cell."""
    text = printable(text).replace("\\", "\\\\")
    text = re.sub(r"([`*_{}\[\]()#+!|~<>&$])", lambda found: f"&#{ord(found[1])};", text)
    # An address, and a name after @, are linked wherever they stand.
    return text.replace("@", "@\u200b").replace("://", ":\u200b//").replace("www.", "www\u200b.")


def _columns(head: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    cells = [head, *([_short(printable(cell)) for cell in row] for row in rows)]
    widths = [max(len(row[column]) for row in cells) for column in range(len(head))]
    return ["  ".join(map(str.ljust, row, widths)).rstrip() for row in cells]


def _short(text: str) -> str:
    return text if len(text) <= _WIDEST else f"{text[: _WIDEST - 1]}…"


def _titled(title: str, lines: Sequence[str]) -> list[str]:
    return ["", f"{title}:", *(f"  {line}" for line in lines)] if lines else []

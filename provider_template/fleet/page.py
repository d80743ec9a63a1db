"""The fleet as one page of HTML: a file of its own without scripts, images, fonts or anything else from a network.

Its policy (`Content-Security-Policy`) lets a browser load nothing and apply the one style, by its hash. All text from
repositories is escaped, and none of it is a link.
"""

from __future__ import annotations

import base64
import hashlib
from collections import Counter
from collections.abc import Iterable, Sequence
from html import escape
from itertools import islice

from provider_template.fleet.status import Row, Status
from provider_template.fleet.words import behind, notes_of, security, totals
from provider_template.template import printable
from provider_template.version import version_of

_STYLE = """
:root{color-scheme:light dark;--line:#8885;--soft:#8882;--bad:light-dark(#b3261e,#ff8a80);--warn:light-dark(#7a5200,#ffcc66);--good:light-dark(#1b6b34,#7ddc96)}
*{box-sizing:border-box}
body{font:16px/1.5 system-ui,sans-serif;margin:0 auto;padding:1rem;max-width:90rem;color:light-dark(#1b1b1b,#eee);background:light-dark(#fff,#161616)}
h1{font-size:1.5rem;margin:.5rem 0}h2{font-size:1.2rem;margin:2rem 0 .5rem}
a{color:inherit}a:focus-visible,[tabindex]:focus-visible{outline:3px solid Highlight;outline-offset:2px}
.skip{position:absolute;left:-99rem}.skip:focus{left:1rem}
ul.counts{display:flex;flex-wrap:wrap;gap:.5rem;padding:0;list-style:none}
ul.counts li{border:1px solid var(--line);border-radius:.5rem;padding:.25rem .75rem}
.wide{overflow-x:auto}
table{border-collapse:collapse;width:100%}
caption{text-align:left;font-weight:600;padding:.25rem 0}
th,td{text-align:left;vertical-align:top;padding:.35rem .6rem;border-bottom:1px solid var(--line)}
tbody th,.rows td:nth-child(6){overflow-wrap:anywhere}tbody th{min-width:13rem}.rows td:nth-child(6){min-width:18rem}
tbody tr:hover{background:var(--soft)}
small{display:block;font-weight:400;opacity:.8}
.bad{color:var(--bad);font-weight:600}.warn{color:var(--warn);font-weight:600}.good{color:var(--good)}
@media(max-width:48rem){
.rows thead{position:absolute;left:-99rem}
.rows tr{display:block;border:1px solid var(--line);border-radius:.5rem;margin:.5rem 0;padding:.25rem}
.rows th,.rows td{display:block;border:0;padding:.15rem .5rem;overflow-wrap:anywhere}.rows tbody th,.rows td:nth-child(6){min-width:0}
.rows td:empty{display:none}
.rows td::before{content:attr(data-l) ": ";font-weight:400;opacity:.8}
}
@media print{.skip{display:none}}
"""

_BAD = ("error", "unknown", "off standard")
_WARN = ("edited", "behind", "other template")
_MOST_NOTES = 240
"""Letters of what is to say of a package; its own files say the rest."""


def page(status: Status) -> str:
    """Returns the whole page."""
    style = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
    policy = f"default-src 'none'; style-src 'sha256-{style}'; base-uri 'none'; form-action 'none'"
    return "".join(
        (
            '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">',
            f'<meta http-equiv="Content-Security-Policy" content="{policy}">',
            '<meta name="viewport" content="width=device-width,initial-scale=1"><meta name="robots" content="noindex">',
            f"<title>The fleet on {status.day.isoformat()}</title><style>{_STYLE}</style></head>\n<body>",
            '<a class="skip" href="#packages">To the packages</a>',
            *_head(status),
            *_packages(status),
            *_by_version(status),
            *_floors(status),
            *_broken(status),
            *_errors(status),
            *_left(status),
            "</main></body></html>\n",
        )
    )


def _text(text: str, most: int = 120) -> str:
    """Returns a text of somebody else's for HTML: what a reader cannot see is told, and what is long is cut."""
    shown = printable(text)
    return escape(shown if len(shown) <= most else f"{shown[: most - 1]}…")


def _class(state: str) -> str:
    return "bad" if state in _BAD else "warn" if state in _WARN else "good" if state == "current" else ""


def _head(status: Status) -> Iterable[str]:
    yield f"<main><h1>The fleet on {status.day.isoformat()}</h1><p>{escape(totals(status))}.</p>"
    counts = Counter(row.state for row in status.rows)
    items = "".join(
        f'<li><span class="{_class(state)}">{escape(state)}</span> {count}</li>'
        for state, count in sorted(counts.items())
    )
    yield f'<ul class="counts">{items}</ul>' if items else ""
    known = [row for row in status.rows if row.newest and row.has_result]
    if known:
        share = 100 * sum(not row.versions_behind for row in known) // len(known)
        yield f"<p>{share} % have the newest version of their template. "
        oldest = max(known, key=lambda row: row.security_days)
        if oldest.security:
            yield (
                f'<span class="bad">The oldest missing security fix: {_text(oldest.security)}, '
                f"for {oldest.security_days} days, in {_text(oldest.name)}.</span>"
            )
        else:
            yield "No package lacks a version with security fixes."
        yield "</p>"
    for one in status.templates:
        newest = f"newest {_text(str(one['newest']))}" if one["newest"] else "newest not known"
        yield f"<p>Template {_text(str(one['url']))}: {newest}.</p>"


_COLUMNS = (
    "Package",
    "State",
    "Version",
    "Behind",
    "Security",
    "To look at",
    "Edited",
    "LiteLLM",
    "Login",
    "Format",
    "CI",
)


def _packages(status: Status) -> Iterable[str]:
    heads = "".join(f'<th scope="col">{name}</th>' for name in _COLUMNS)
    yield (
        '<div class="wide" id="packages" tabindex="0" role="region" aria-label="Packages"><table class="rows">'
        f"<caption>Packages</caption><thead><tr>{heads}</tr></thead><tbody>"
    )
    for row in status.rows:
        yield _row(row)
    yield "</tbody></table></div>"


def _row(row: Row) -> str:
    answers = row.answers
    where = _text(row.id) if row.name else ""
    small = "".join(f"<small>{one}</small>" for one in (_text(row.owner), where) if one)
    who = "/".join(str(answers[name]) for name in ("ci", "updates") if answers.get(name))
    store = f" ({answers['token_store']})" if answers.get("token_store") else ""
    cells = (
        f'<span class="{_class(row.state)}">{escape(row.state)}</span>',
        _text(row.version, 40),
        "" if behind(row) == "-" else _text(behind(row)),
        "" if security(row) == "-" else f'<span class="bad">{_text(security(row), 40)}</span>',
        _text("; ".join(notes_of(row)), _MOST_NOTES),
        str(len(row.edited)) if row.edited else "",
        _text(str(answers.get("litellm_min", "")), 20),
        _text(f"{answers.get('auth', '')}{store}", 60),
        _text(str(answers.get("api_format", "")), 20),
        _text(who, 30),
    )
    named = zip(_COLUMNS[1:], cells, strict=True)
    data = "".join(f'<td data-l="{name}">{cell}</td>' if cell else "<td></td>" for name, cell in named)
    return f'<tr><th scope="row">{_text(row.name or row.id, 80)}{small}</th>{data}</tr>\n'


def _by_version(status: Status) -> Iterable[str]:
    """Yields how many packages of each kind of login have which version."""
    pairs = Counter((str(row.answers.get("auth", "")), row.version) for row in status.rows if row.answers.get("auth"))
    versions = sorted({version for _, version in pairs}, key=version_of)
    if not pairs:
        return
    rows = [
        [auth, *(str(pairs[auth, version] or "") for version in versions)]
        for auth in sorted({auth for auth, _ in pairs})
    ]
    yield from _table("Logins and versions", ["Login", *versions], rows)


def _floors(status: Status) -> Iterable[str]:
    floors = Counter(str(row.answers["litellm_min"]) for row in status.rows if row.answers.get("litellm_min"))
    if floors:
        rows = [[floor, str(floors[floor])] for floor in sorted(floors, key=version_of)]
        yield from _table("Lowest LiteLLM", ["LiteLLM", "Packages"], rows)


def _broken(status: Status) -> Iterable[str]:
    rules = Counter(one.rule for row in status.rows for one in row.policy)
    if rules:
        rows = [[rule, str(count), _some(_breaking(status, rule))] for rule, count in sorted(rules.items())]
        yield from _table("Broken rules", ["Rule", "Packages", "Such as"], rows)


def _breaking(status: Status, rule: str) -> list[str]:
    return [row.name for row in status.rows if any(one.rule == rule for one in row.policy)]


def _errors(status: Status) -> Iterable[str]:
    errors = Counter(row.error for row in status.rows if row.error)
    rows = [[error, str(count)] for error, count in islice(errors.most_common(), 50)]
    if rows:
        yield from _table("Errors", ["In their own words", "Rows"], rows)


def _left(status: Status) -> Iterable[str]:
    reasons = Counter(one.why for one in status.left)
    if reasons:
        rows = [[why, str(count)] for why, count in sorted(reasons.items())]
        yield from _table("Repositories that do not count", ["Why", "Repositories"], rows)


def _some(names: list[str]) -> str:
    return ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")


def _table(title: str, head: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterable[str]:
    yield f'<h2>{title}</h2><div class="wide" tabindex="0" role="region" aria-label="{title}"><table><thead><tr>'
    yield "".join(f'<th scope="col">{_text(name, 40)}</th>' for name in head) + "</tr></thead><tbody>"
    for first, *rest in rows:
        cells = "".join(f"<td>{_text(cell, _MOST_NOTES)}</td>" for cell in rest)
        yield f'<tr><th scope="row">{_text(first, _MOST_NOTES)}</th>{cells}</tr>\n'
    yield "</tbody></table></div>"

"""A status that was printed as JSON, read again."""

from __future__ import annotations

import json
from dataclasses import fields
from datetime import date
from pathlib import Path
from typing import Any

from provider_template.errors import Refusal
from provider_template.fleet.policy import Broken
from provider_template.fleet.status import SCHEMA, Left, Row, Status

_LISTS = ("edited", "missing", "conflicts", "clone")


def read_status(path: Path) -> Status:
    """Reads what `fleet status --json` has printed.

    Raises:
        Refusal: it is not there, or is something else.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        if content["schema"] != SCHEMA:
            raise Refusal(
                f"{path} has schema {content['schema']}, and this command reads {SCHEMA}: make it anew with fleet status --json."
            )
        return Status(
            date.fromisoformat(content["date"]),
            tuple(_row(one) for one in content["packages"]),
            tuple(Left(**one) for one in content["left_out"]),
            tuple(content["templates"]),
        )
    except FileNotFoundError:
        raise Refusal(f"There is no {path}: write it with provider-template fleet status --json.") from None
    except (ValueError, KeyError, TypeError, AttributeError):
        raise Refusal(f"{path} is not what fleet status --json prints: make it anew.") from None


def _row(one: dict[str, Any]) -> Row:
    known = {field.name for field in fields(Row)}
    found = {name: value for name, value in one.items() if name in known}
    found |= {name: tuple(found[name]) for name in _LISTS}
    found["policy"] = tuple(Broken(**each) for each in found["policy"])
    return Row(**found)

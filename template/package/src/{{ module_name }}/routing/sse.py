"""The beginning of a stream of server-sent events: is there something of substance in it? Template's file: do not edit."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, Final

_ENDS: Final = (b"\r\n\r\n", b"\n\n", b"\r\r")
_PRELIMINARY: Final = frozenset(
    (
        *("ping", "message_start", "response.created", "response.in_progress", "response.queued", "codex.rate_limits"),
        "keepalive",
    )
)


class Events:
    """Splits a stream into events, however its bytes come in (HTML standard, section 9.2)."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, chunk: bytes) -> Iterator[tuple[str, str]]:
        """Yields the name and the data of each event that is complete now; comments are events without both."""
        self._rest += chunk
        while True:
            ends = [(at, len(end)) for end in _ENDS if (at := self._rest.find(end)) >= 0]
            if not ends:
                return
            at, length = min(ends)
            event, self._rest = self._rest[:at], self._rest[at + length :]
            yield _fields(event.decode("utf-8", "replace"))

    @property
    def rest(self) -> bytes:
        """What is there of the next event."""
        return self._rest


def _fields(event: str) -> tuple[str, str]:
    name, data = "", []
    for line in event.replace("\r\n", "\n").replace("\r", "\n").split("\n"):
        field, _, value = line.removeprefix("\ufeff").partition(":")
        value = value.removeprefix(" ")
        if field == "event":
            name = value
        elif field == "data":
            data.append(value)
    return name, "\n".join(data)


def is_preliminary(name: str, data: str) -> bool:
    """Returns whether an event says nothing of substance: the answer begins, or the connection is alive.

    Args:
        name: the event's.
        data: its data, which repeats the name as `type` in the APIs that have names.
    """
    if not data.strip():
        return True
    if name in _PRELIMINARY or data.strip() == "[DONE]":
        return True
    try:
        found = json.loads(data)
    except ValueError:
        return False
    if not isinstance(found, dict):
        return False
    return found.get("type") in _PRELIMINARY or _is_role_only(found)


def _is_role_only(chunk: dict[str, Any]) -> bool:
    """Returns whether a chunk of chat completions has a role and no word yet."""
    choices = chunk.get("choices")
    if not isinstance(choices, list) or chunk.get("usage"):
        return False
    for choice in choices:
        delta = choice.get("delta") if isinstance(choice, dict) else None
        if not isinstance(delta, dict) or choice.get("finish_reason"):
            return False
        if any(value for key, value in delta.items() if key != "role"):
            return False
    return bool(choices) or "prompt_filter_results" in chunk

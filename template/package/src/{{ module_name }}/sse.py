"""Bodies of streams, split into events. Template's file: do not edit.

Server-sent events are read as the HTML standard says, section 9.2.6 "Interpreting an event stream"; dialects that send
a line for each event have `LineDecoder`. Both work on bytes, so that characters may be split across reads, and break
lines at CR, LF and CRLF only, so that other line separators may stand inside of JSON. Beside the standard, `data` may have
blanks or zero bytes before it and be in capitals, and the blank line between two events may be left out where the first is
whole JSON: both would cost the answer.
"""

from __future__ import annotations

import json
from abc import abstractmethod
from typing import NamedTuple, Protocol

MAX_EVENT_BYTES = 32 * 1024 * 1024
"""An event larger than this is an error of the upstream, not a reason to fill the memory."""


class EventTooLargeError(ValueError):
    """The upstream sent an event without end."""


class Event(NamedTuple):
    """One event of a stream."""

    data: bytes
    """What it says: of server-sent events the data, its lines joined; else the line."""
    type: bytes = b""
    """The value of the field `event`; `error` where the field `error` (of llama.cpp) holds the data."""
    is_field: bool = True
    """Whether it stood in a field; a line in no form of the standard, which says to ignore it, may be an error after all."""


class Decoder(Protocol):
    """Splits the reads of one response into events."""

    @abstractmethod
    def feed(self, read: bytes) -> list[Event]:
        """Returns the events that this read completes.

        Args:
            read: any number of bytes, cut anywhere.

        Raises:
            EventTooLargeError: an event exceeds `MAX_EVENT_BYTES`.
        """

    @abstractmethod
    def close(self) -> list[Event]:
        """Returns what the end of the body completes."""


class LineDecoder(Decoder):
    """Takes each line for an event, empty ones left out: JSON Lines (NDJSON), and whatever else is a line."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []
        self._size = 0
        self._kept = 0
        """Bytes of an event that is not complete, beside its last line."""
        self._first = True

    def feed(self, read: bytes) -> list[Event]:
        """See `Decoder.feed`."""
        return self.events(self._lines(read))

    def close(self) -> list[Event]:
        """See `Decoder.close`: upstreams do leave out the end of the last line, and the blank one after it."""
        return self.events([b"".join(self._parts), b"\n"])

    def events(self, lines: list[bytes]) -> list[Event]:
        """Returns the events that these lines complete.

        Args:
            lines: each with its end.
        """
        return [Event(stripped) for line in lines if (stripped := line.strip())]

    def _lines(self, read: bytes) -> list[bytes]:
        self._parts.append(read)
        self._size += len(read)
        if self._size > MAX_EVENT_BYTES:
            raise EventTooLargeError(f"an event of more than {MAX_EVENT_BYTES} bytes")
        if b"\n" not in read and b"\r" not in read:
            return []
        content = b"".join(self._parts)
        if self._first:
            content = content.removeprefix(b"\xef\xbb\xbf")
            self._first = False
        lines = content.splitlines(keepends=True)
        # A last line without LF is not complete: even a CR may be the first half of a CRLF.
        self._parts = [lines.pop()] if not lines[-1].endswith(b"\n") else []
        self._size = self._kept + sum(map(len, self._parts))
        return lines


class EventDecoder(LineDecoder):
    """Decodes server-sent events."""

    def __init__(self) -> None:
        super().__init__()
        self._data: list[bytes] = []
        self._type = b""

    def events(self, lines: list[bytes]) -> list[Event]:
        """See `LineDecoder.events`."""
        events: list[Event] = []
        for line in lines:
            if line.startswith(b"data:"):
                if self._data:
                    self._between(line, events)
                data = line[5:].rstrip(b"\r\n").removeprefix(b" ")
                self._data.append(data)
                self._kept += len(data)
            elif line in (b"\n", b"\r\n", b"\r"):
                if self._data:
                    data = self._data[0] if len(self._data) == 1 else b"\n".join(self._data)
                    events.append(Event(data, self._type))
                    self._data = []
                    self._kept = 0
                self._type = b""
            elif not line.startswith(b":"):
                self._field(line, events)
        return events

    def _between(self, line: bytes, events: list[Event]) -> None:
        """Ends the event before a `data` line that begins another one, where the blank line between them is missing."""
        if line[5:].strip()[:1] not in (b"{", b"[") or not self._data[-1].rstrip().endswith(b"}"):
            return
        data = b"\n".join(self._data)
        try:
            json.loads(data)
        except (ValueError, RecursionError):
            return
        events.append(Event(data, self._type))
        self._data = []
        self._kept = 0

    def _field(self, line: bytes, events: list[Event]) -> None:
        name, _, value = line.rstrip(b"\r\n").partition(b":")
        value = value.removeprefix(b" ")
        if name == b"event":
            self._type = value
        elif name.strip(b" \t\0").lower() == b"data" and value:
            self.events([b"data:" + value])
        elif name == b"error":
            events.append(Event(value, b"error"))
        elif name not in (b"", b"data", b"id", b"retry"):
            events.append(Event(line.strip(), is_field=False))

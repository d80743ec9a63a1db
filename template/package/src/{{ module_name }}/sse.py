"""Server-sent events, decoded. Template's file: do not edit.

The format is that of the HTML standard, section 9.2.6 "Interpreting an event stream". It works on bytes,
so that characters may be split across reads, and breaks lines at CR, LF and CRLF only, so that other line
separators may stand inside of JSON.
"""

from __future__ import annotations

MAX_EVENT_BYTES = 32 * 1024 * 1024
"""An event larger than this is an error of the upstream, not a reason to fill the memory."""


class EventTooLargeError(ValueError):
    """The upstream sent an event without end."""


class EventDecoder:
    """Turns the reads of one response into the data of its events."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []
        self._data: list[bytes] = []
        self._size = 0
        self._first = True

    def feed(self, read: bytes) -> list[bytes]:
        """Returns the data of each event that this read completes.

        Args:
            read: any number of bytes, cut anywhere.

        Raises:
            EventTooLargeError: an event exceeds `MAX_EVENT_BYTES`.
        """
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
        return self._events(lines)

    def close(self) -> list[bytes]:
        """Returns what the end of the stream completes: upstreams do leave out the last blank line."""
        return self._events([b"".join(self._parts), b"\n"])

    def _events(self, lines: list[bytes]) -> list[bytes]:
        events: list[bytes] = []
        for line in lines:
            if line.startswith(b"data:"):
                data = line[5:].rstrip(b"\r\n").removeprefix(b" ")
                self._data.append(data)
            elif line in (b"\n", b"\r\n", b"\r"):
                self._size = sum(map(len, self._parts))
                if self._data:
                    events.append(self._data[0] if len(self._data) == 1 else b"\n".join(self._data))
                    self._data = []
        return events

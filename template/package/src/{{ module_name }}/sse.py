"""Server-sent events, decoded. Template's file: do not edit.

The format is that of the HTML standard, section 9.2.6 "Interpreting an event stream". It works on bytes,
so that characters may be split across reads, and breaks lines at CR, LF and CRLF only, so that other line
separators may stand inside of JSON.
"""

from __future__ import annotations

MAX_EVENT_BYTES = 32 * 1024 * 1024
"""An event larger than this is an error of the upstream, not a reason to fill the memory."""


_BYTE_ORDER_MARK = b"\xef\xbb\xbf"


class EventTooLargeError(ValueError):
    """The upstream sent an event without end."""


class EventDecoder:
    """Turns the reads of one response into the data of its events."""

    def __init__(self) -> None:
        self._tail = b""
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
        if self._first:
            read = self._tail + read
            if len(read) < len(_BYTE_ORDER_MARK):
                self._tail = read
                return []
            read = read.removeprefix(_BYTE_ORDER_MARK)
            self._tail = b""
            self._first = False
        lines = (self._tail + read).splitlines(keepends=True)
        # A last line without LF is not complete: even a CR may be the first half of a CRLF.
        self._tail = lines.pop() if lines and not lines[-1].endswith(b"\n") else b""
        if len(self._tail) + self._size > MAX_EVENT_BYTES:
            raise EventTooLargeError(f"an event of more than {MAX_EVENT_BYTES} bytes")
        return self._events(lines)

    def close(self) -> list[bytes]:
        """Returns what the end of the stream completes: upstreams do leave out the last blank line."""
        return self._events([self._tail, b"\n"])

    def _events(self, lines: list[bytes]) -> list[bytes]:
        events: list[bytes] = []
        for line in lines:
            if line.startswith(b"data:"):
                data = line[5:].rstrip(b"\r\n").removeprefix(b" ")
                self._size += len(data)
                self._data.append(data)
            elif line in (b"\n", b"\r\n", b"\r") and self._data:
                events.append(self._data[0] if len(self._data) == 1 else b"\n".join(self._data))
                self._data = []
                self._size = 0
        return events

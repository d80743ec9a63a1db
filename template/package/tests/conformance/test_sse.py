"""Server-sent events, cut anywhere. Template's file: do not edit."""

from __future__ import annotations

import pytest

from ..package import sse

TEXT = 'data: {"a": "ä😀\u2028b"}\n\n: comment\nevent: x\r\ndata:one\r\ndata: two\r\n\r\nid: 3\n\ndata\n\ndata: last'
EVENTS = ['{"a": "ä😀\u2028b"}', "one\ntwo", "last"]


@pytest.mark.parametrize("size", [1, 2, 3, 5, 7, 1000])
@pytest.mark.parametrize("start", [b"", b"\xef\xbb\xbf"])
def test_cut_anywhere(size: int, start: bytes) -> None:
    decoder = sse.EventDecoder()
    content = start + TEXT.encode()
    found: list[sse.Event] = []
    for begin in range(0, len(content), size):
        found += decoder.feed(content[begin : begin + size])
    found += decoder.close()
    assert [event.data.decode() for event in found] == EVENTS
    assert [event.type for event in found] == [b"", b"x", b""]


def test_keep_alives_are_no_event(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sse, "MAX_EVENT_BYTES", 1000)
    decoder = sse.EventDecoder()
    assert not any(decoder.feed(b": ping\n\nevent: ping\n\n") for _ in range(1000))


@pytest.mark.parametrize("read", [b"data: xxxxxxxxxxxxxxxxxxxx", b"data: xxxxxxxxxxxxxxxxxxxx\n"])
def test_event_without_end(read: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sse, "MAX_EVENT_BYTES", 1000)
    decoder = sse.EventDecoder()
    for _ in range(30):
        decoder.feed(read)
    with pytest.raises(sse.EventTooLargeError):
        [decoder.feed(read) for _ in range(100)]

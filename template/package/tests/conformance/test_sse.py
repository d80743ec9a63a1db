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


@pytest.mark.parametrize(
    ("body", "events"),
    [
        (b'data: {"a": 1}\ndata: {"a": 2}\ndata: [DONE]\n', [b'{"a": 1}', b'{"a": 2}', b"[DONE]"]),
        (b'data: {"a":\ndata: 1}\ndata: {"a": 2}\n\n', [b'{"a":\n1}', b'{"a": 2}']),
        (b'data: {\ndata: "a": {"b": 1}\ndata: }\n\n', [b'{\n"a": {"b": 1}\n}']),
        (b'data: [{"a": 1}\ndata: ,{"a": 2}]\n\n', [b'[{"a": 1}\n,{"a": 2}]']),
        (b"data: a}\ndata: {b\n\n", [b"a}\n{b"]),
        (b" data: 1\n\n\0data: 2\n\nDATA:3\n\nDatabase: 4\n\n", [b"1", b"2", b"3", b"Database: 4"]),
        (b"retry: 3000\rdata: 1\r\rdata: 2\r\n\rdata:\t3\n\r\n", [b"1", b"2", b"\t3"]),
    ],
)
def test_forms_that_servers_send(body: bytes, events: list[bytes]) -> None:
    """A blank line may be missing between events that are JSON, and `data` be written otherwise."""
    for size in (1, 1000):
        decoder = sse.EventDecoder()
        found = [event for begin in range(0, len(body), size) for event in decoder.feed(body[begin : begin + size])]
        assert [event.data for event in found + decoder.close()] == events


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

"""Streams that go wrong or are given up: reported, never swallowed, never a hang. Template's file: do not edit."""

from __future__ import annotations

import asyncio
import gc
import json
import logging
import time
import tracemalloc
from collections.abc import Callable, Iterator
from typing import Any

import litellm
import pytest

from ..package import package
from ..upstream import UpstreamFormat
from .calls import HELLO, MODES, Mode, ask, cause, stream, text_of
from .server import Fault, Raw, Reply, Upstream


class Unlogged:
    """Stands in for LiteLLM's logging object, where a test needs the provider's own stream."""

    def __init__(self) -> None:
        self.model_call_details: dict[str, Any] = {}
        self.calls: list[Any] = []

    def pre_call(self, **arguments: Any) -> None:
        self.calls.append(arguments["input"])


def own_stream(model: str) -> Iterator[Any]:
    """Returns the provider's stream without LiteLLM's wrapper around it, which keeps every chunk."""
    stream: Iterator[Any] = package.provider.streaming(
        model=model.split("/", 1)[1],
        messages=HELLO,
        optional_params={},
        litellm_params={},
        headers={},
        logging_obj=Unlogged(),
        timeout=60,
    )
    return stream


NO_EVENTS = {
    "empty": b"data:\n\n",
    "blank": b"data: \n\n",
    "ping": b"data: ping\n\n",
    "a named ping": b"event: ping\ndata:\n\n",
    "a comment in data": b"data: : keep-alive\n\n",
    "null": b"data: null\n\n",
    "an empty list": b"data: []\n\n",
    "zero bytes": b"\0\0\n\n",
    "text": b'data: "still at work"\n\n',
    "other fields": b"id: 7\nretry: 1000\n\n",
    "a line of no form": b"still at work\n\n",
}
"""What servers send to keep a connection open, or by mistake."""

ERRORS = {
    "flat": (b'event: error\ndata: {"message": "out of memory"}\n\n', "out of memory"),
    "text": (b"event: error\ndata: out of memory\n\n", "out of memory"),
    "a list": (b'event: error\ndata: [{"error": {"message": "out of memory"}}]\n\n', "out of memory"),
    "the field of llama.cpp": (b'error: {"code": 500, "message": "out of memory"}\n\n', "out of memory"),
    "OpenAI's form": (b'data: {"error": {"message": "out of memory"}}\n\n', "out of memory"),
    "text in OpenAI's form": (b'data: {"error": "out of memory"}\n\n', "out of memory"),
    "no field at all": (b'{"error": {"message": "out of memory"}}\n\n', "out of memory"),
    "words that nobody knows": (b"data: the worker has left\n\n", "the worker has left"),
    "words in no field": (b"worker lost\n\n", "worker lost"),
}
"""How servers say in a stream that it has failed."""

LONG = Reply(text=tuple(f"w{number} " for number in range(20)))


def broken(mode: Mode, model: str, fault: Fault, upstream: Upstream, **arguments: Any) -> tuple[str, Any]:
    """Returns the text that came before the failure, and the failure."""
    upstream.will(LONG, fault=fault)
    chunks: list[Any] = []
    started = time.monotonic()
    with pytest.raises(Exception) as caught:  # noqa: PT011  # the test looks at it closely
        stream(mode, model, into=chunks, timeout=arguments.pop("timeout", 20), **arguments)
    assert time.monotonic() - started < 10
    return text_of(chunks), cause(caught.value)


@pytest.mark.feature("http")
@pytest.mark.parametrize("kind", ["reset", "truncate"])
@pytest.mark.parametrize("mode", MODES)
def test_connection_breaks(mode: Mode, kind: str, upstream: Upstream, model: str) -> None:
    text, error = broken(mode, model, Fault(kind, after=10), upstream)
    assert text.startswith("w0 w1 ")
    assert type(error) is litellm.APIConnectionError


@pytest.mark.parametrize("mode", MODES)
def test_stream_ends_too_early(mode: Mode, upstream: Upstream, model: str) -> None:
    text, error = broken(mode, model, Fault("end", after=10), upstream)
    assert text.startswith("w0 w1 ")
    assert type(error) is litellm.BadGatewayError
    assert "finish reason" in str(error)


@pytest.mark.feature("server_sent_events")
@pytest.mark.parametrize("after", [0, 10])
@pytest.mark.parametrize("mode", MODES)
def test_garbage_inside(mode: Mode, after: int, upstream: Upstream, model: str) -> None:
    _, error = broken(mode, model, Fault("garbage", after=after), upstream)
    assert type(error) is litellm.BadGatewayError
    assert "JSON" in str(error)


@pytest.mark.parametrize("after", [0, 10])
@pytest.mark.parametrize("mode", MODES)
def test_error_event(mode: Mode, after: int, upstream: Upstream, model: str) -> None:
    _, error = broken(mode, model, Fault("error", after=after), upstream, extra_headers={"x-request-id": "id-9"})
    assert type(error) is litellm.ServiceUnavailableError
    assert "overloaded" in str(error)
    assert "id-9" in str(error)


@pytest.mark.parametrize("after", [0, 10])
@pytest.mark.parametrize("mode", MODES)
def test_stall(mode: Mode, after: int, upstream: Upstream, model: str, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        _, error = broken(mode, model, Fault("stall", after=after, seconds=30), upstream, timeout=0.4)
    assert type(error) is litellm.Timeout
    assert "error_type=read_timeout" in caplog.text


@pytest.mark.feature("server_sent_events")
@pytest.mark.parametrize("after", [0, 5])
@pytest.mark.parametrize("said", NO_EVENTS.values(), ids=NO_EVENTS)
def test_what_is_no_event(said: bytes, after: int, upstream: Upstream, model: str) -> None:
    upstream.will(LONG, fault=Fault("insert", after=after, said=said))
    assert text_of(stream("sync", model)) == "".join(LONG.text)


FORMS: dict[str, Callable[[list[bytes]], bytes]] = {
    "carriage returns": lambda events: b"".join(b"data: %s\r\r" % event for event in events),
    "no blank between": lambda events: b"".join(b"data:%s\n" % event for event in events),
    "capitals": lambda events: b"".join(b"Data: %s\n\n" % event for event in events),
    "blanks before": lambda events: b"".join(b"  data: %s\n\n" % event for event in events),
    "a list of all": lambda events: b"data: [%s]\n\n" % b",".join(events),
    "lists": lambda events: b"".join(b"data: [%s]\n\n" % event for event in events),
    "done in small letters": lambda events: b"".join(b"data: %s\n\n" % event for event in (*events, b"[done]")),
    "done as a word": lambda events: b"".join(b"data: %s\n\n" % event for event in (*events, b"DONE")),
    "done as JSON": lambda events: b"".join(b"data: %s\n\n" % event for event in (*events, b'"[DONE]"')),
}
"""What servers make of the standard; LiteLLM's own providers read most of it, line by line."""


@pytest.mark.feature("server_sent_events")
@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
def test_forms_of_a_stream(form: Callable[[list[bytes]], bytes], upstream: Upstream, model: str) -> None:
    events = [event.encode() for event in UpstreamFormat().events(LONG, "m") if event != "[DONE]"]
    upstream.will(Raw(200, form(events), "text/event-stream"))
    chunks = stream("sync", model)
    assert text_of(chunks) == "".join(LONG.text)
    assert chunks[-1].choices[0].finish_reason == "stop"


@pytest.mark.feature("server_sent_events")
def test_pings_without_end(upstream: Upstream, model: str) -> None:
    upstream.will(LONG, fault=Fault("insert", after=5, said=b"data: ping\n\n" * 10_001))
    with pytest.raises(Exception, match="say nothing; it also said: ping") as caught:
        stream("sync", model)
    assert type(cause(caught.value)) is litellm.BadGatewayError


@pytest.mark.feature("server_sent_events")
@pytest.mark.parametrize("after", [0, 5])
@pytest.mark.parametrize(("said", "words"), ERRORS.values(), ids=ERRORS)
def test_errors_in_any_form(said: bytes, words: str, after: int, upstream: Upstream, model: str) -> None:
    _, error = broken("async", model, Fault("instead", after=after, said=said), upstream)
    assert isinstance(error, litellm.InternalServerError | litellm.BadGatewayError)
    assert words in str(error)


@pytest.mark.feature("http")
@pytest.mark.parametrize("kind", ["application/json", "text/plain", "text/event-stream", ""])
@pytest.mark.parametrize(
    ("body", "words"),
    [(b'{"error": {"message": "out of memory"}}', "out of memory"), (b"no healthy upstream", "no healthy upstream")],
)
@pytest.mark.parametrize("mode", MODES)
def test_an_error_instead_of_a_stream(
    mode: Mode, body: bytes, words: str, kind: str, upstream: Upstream, model: str
) -> None:
    upstream.will(Raw(200, body, kind))
    with pytest.raises(Exception, match=words) as caught:
        stream(mode, model)
    assert isinstance(cause(caught.value), litellm.InternalServerError | litellm.BadGatewayError)


@pytest.mark.feature("http")
@pytest.mark.parametrize("mode", MODES)
def test_an_answer_instead_of_a_stream_under_another_content_type(mode: Mode, upstream: Upstream, model: str) -> None:
    body = json.dumps(UpstreamFormat().answer(Reply(), "m"), indent=1).encode()
    upstream.will(Raw(200, body, "text/event-stream"))
    assert text_of(stream(mode, model)) == "Hello, world"


@pytest.mark.feature("server_sent_events")
@pytest.mark.parametrize("kind", ["text/event-stream", "application/json"])
@pytest.mark.parametrize("mode", MODES)
def test_a_stream_instead_of_an_answer(mode: Mode, kind: str, upstream: Upstream, model: str) -> None:
    events = UpstreamFormat().events(Reply(), "m")
    upstream.will(Raw(200, b"".join(b"data: %s\n\n" % event.encode() for event in events), kind))
    answer = ask(mode, model)
    assert (answer.choices[0].message.content, answer.choices[0].finish_reason) == ("Hello, world", "stop")
    assert answer.usage.total_tokens == 18


@pytest.mark.parametrize("mode", MODES)
def test_finished_stream_that_stays_open(mode: Mode, upstream: Upstream, model: str) -> None:
    """Where the format says that it is over (OpenAI's [DONE]), nobody waits for the end of the connection."""
    if list(UpstreamFormat().events(LONG, "m"))[-1] != "[DONE]":
        upstream.will(LONG, fault=Fault("open", seconds=0.5))
    else:
        upstream.will(LONG, fault=Fault("open", seconds=30))
    started = time.monotonic()
    chunks = stream(mode, model)
    assert chunks[-1].choices[0].finish_reason == "stop"
    assert time.monotonic() - started < 5


@pytest.mark.parametrize("mode", MODES)
def test_empty_stream(mode: Mode, upstream: Upstream, model: str) -> None:
    text, error = broken(mode, model, Fault("end"), upstream)
    assert text == ""
    assert type(error) is litellm.BadGatewayError


def test_closing_a_stream_closes_the_connection(upstream: Upstream, model: str) -> None:
    upstream.will(LONG, fault=Fault("stall", after=5, seconds=30))
    chunks = litellm.completion(model=model, messages=HELLO, stream=True)
    next(iter(chunks))
    chunks.completion_stream.close()
    assert upstream.requests[-1].hung_up.wait(5)


def test_dropping_a_stream_closes_the_connection(upstream: Upstream, model: str) -> None:
    upstream.will(LONG, fault=Fault("stall", after=5, seconds=30))
    chunks = own_stream(model)
    assert not upstream.requests[-1].hung_up.is_set()
    del chunks  # before its first chunk was asked for
    gc.collect()
    assert upstream.requests[-1].hung_up.wait(5)


@pytest.mark.parametrize("how", ["aclose", "cancel"])
def test_giving_up_an_async_stream_closes_the_connection(
    how: str, upstream: Upstream, model: str, caplog: pytest.LogCaptureFixture
) -> None:
    upstream.will(LONG, fault=Fault("stall", after=5, seconds=30))

    async def give_up() -> None:
        chunks: Any = await litellm.acompletion(model=model, messages=HELLO, stream=True)
        await anext(chunks)
        if how == "aclose":
            await chunks.aclose()
            return

        async def rest() -> None:
            async for _ in chunks:
                continue

        task = asyncio.ensure_future(rest())
        await asyncio.sleep(0.2)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    with caplog.at_level(logging.INFO):
        asyncio.run(give_up())
    assert upstream.requests[-1].hung_up.wait(5)
    assert "error_type=client_disconnect" in caplog.text


def test_cancelling_a_call_closes_the_connection(upstream: Upstream, model: str) -> None:
    upstream.will(Reply(), fault=Fault("slow", seconds=30))

    async def cancel() -> None:
        task = asyncio.ensure_future(litellm.acompletion(model=model, messages=HELLO))
        while not upstream.requests:
            await asyncio.sleep(0.01)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(cancel())
    assert upstream.requests[-1].hung_up.wait(5)


def test_a_finished_stream_is_no_disconnect(upstream: Upstream, model: str, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        for mode in MODES:
            stream(mode, model)
    assert "client_disconnect" not in caplog.text


@pytest.mark.feature("http")
def test_connections_are_used_again_after_a_stream(upstream: Upstream, model: str) -> None:
    async def two() -> int:
        for _ in range(2):
            async for _ in await litellm.acompletion(model=model, messages=HELLO, stream=True):
                continue
        return len({request.headers["x-test-connection"] for request in upstream.requests})

    assert asyncio.run(two()) == 1


def test_long_streams_in_flat_memory(upstream: Upstream, model: str) -> None:
    """LiteLLM keeps every chunk for its logs; what the provider itself keeps must not grow."""

    def peak(count: int) -> int:
        upstream.will(Reply(text=("word ",) * count))
        chunks = own_stream(model)
        tracemalloc.start()
        try:
            assert sum(1 for chunk in chunks if chunk.choices and chunk.choices[0].delta.content) == count
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    few, many = peak(300), peak(3_000)
    assert many < few + 400_000  # a last event may repeat the text


def test_ten_thousand_chunks_arrive(upstream: Upstream, model: str) -> None:
    upstream.will(Reply(text=tuple(f"{number} " for number in range(10_000))))
    assert text_of(stream("async", model)) == "".join(f"{number} " for number in range(10_000))

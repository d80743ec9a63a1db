"""What a model without an HTTP API is asked, and what becomes of what it yields. Template's file: do not edit."""

from __future__ import annotations

import asyncio
import contextvars
import gc
import json
import os
import re
import sys
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import aclosing, suppress
from typing import Any, ClassVar

import anyio
import httpx
import litellm
import pytest
from litellm import acompletion, completion

from ..package import answers, part, registration, transformation
from .calls import HELLO, MODES, WEATHER, Mode, ask, cause, stream, text_of
from .conftest import KEY
from .features import declared
from .server import Upstream

sdk = part("sdk_events")
run = part("sdk_run")
transport = part("sdk_transport")
sessions = part("sdk_sessions")

Use = Callable[..., Any]
NEVER = 60.0


@pytest.fixture
def use(upstream: Upstream, monkeypatch: pytest.MonkeyPatch) -> Use:
    """Lets the provider run a function in the place of transformation.py's."""

    def put(function: Callable[[Any], Any], **attributes: Any) -> Any:
        members = {"events": staticmethod(function), "parameters": ("max_tokens", "tools", "temperature"), **attributes}
        config = type("Config", (transformation.ChatConfig,), members)()
        monkeypatch.setattr(registration.register().drivers["chat"], "config", config)
        return config

    return put


def good(call: Any) -> Iterator[Any]:
    yield sdk.Text("Hel")
    yield sdk.Text("lo")
    yield sdk.Usage(3, 2)
    yield sdk.Finish()


async def good_async(call: Any) -> AsyncIterator[Any]:
    for event in good(call):
        yield event


def test_the_call(use: Use, model: str) -> None:
    seen: list[Any] = []

    def events(call: Any) -> Iterator[Any]:
        seen.append(call)
        yield from good(call)

    use(events)
    asked: dict[str, Any] = {"max_tokens": 5, "tools": [WEATHER]}
    given = {name: value for name, value in asked.items() if name not in declared()}
    for make in (ask, stream):
        make(
            "sync",
            model,
            **given,
            timeout=7,
            extra_body={"session_id": "s1"},
            extra_headers={"x-team": "blue", "X-Request-ID": "r-1", "X-LiteLLM-Caller": "somebody else"},
            metadata={"user_api_key_hash": "hash-of-a-key"},
        )
    whole, streamed = seen
    for call in seen:
        assert call.model == model.split("/", 1)[1]
        assert call.messages == HELLO
        assert call.parameters == {**given, "session_id": "s1"}
        assert (call.timeout, call.request_id, call.headers["x-team"]) == (7.0, "r-1", "blue")
        assert call.caller == "hash-of-a-key"
        assert transport.CALLER_HEADER not in call.headers
        assert call.api_base.startswith("http://127.0.0.1:")
        if "none" in answers.AUTH:
            assert call.credential is None
        else:
            assert call.credential
            assert call.credential not in repr(call)
            assert f"{answers.API_KEY_PREFIX} {call.credential}".lstrip() in call.headers.values()
    assert (whole.stream, streamed.stream) == (False, True)


def test_nothing_says_where_to_send_it(use: Use, model: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(f"{answers.ENV_PREFIX}_API_BASE")
    registration.register()._ready = None
    seen: list[Any] = []

    def events(call: Any) -> Iterator[Any]:
        seen.append(call.api_base)
        yield from good(call)

    use(events)
    ask("sync", model)
    assert seen == [None]


class Iterable:
    """An SDK's stream, that is no generator."""

    def __init__(self, call: Any) -> None:
        self._events = list(good(call))

    def __iter__(self) -> Iterator[Any]:
        return iter(self._events)


class AsyncIterable(Iterable):
    """The same, async."""

    async def __aiter__(self) -> AsyncIterator[Any]:
        for event in self._events:
            yield event


@pytest.mark.parametrize("function", [good, good_async, Iterable, AsyncIterable, lambda call: list(good(call))])
@pytest.mark.parametrize("mode", MODES)
def test_whatever_yields(mode: Mode, function: Any, use: Use, model: str) -> None:
    use(function)
    answer = ask(mode, model)
    assert answer.choices[0].message.content == "Hello"
    assert (answer.usage.prompt_tokens, answer.usage.completion_tokens) == (3, 2)
    chunks = stream(mode, model)
    assert text_of(chunks) == "Hello"
    assert chunks[-1].choices[0].finish_reason == "stop"


async def _awaited(call: Any) -> list[Any]:
    return list(good(call))


@pytest.mark.parametrize(
    ("function", "words"),
    [
        (_awaited, "events() returns coroutine"),
        (lambda call: None, "events() returns NoneType"),
        (lambda call: ["Hello"], "events() yielded str"),
    ],
)
def test_what_is_no_event(function: Any, words: str, use: Use, model: str) -> None:
    use(function)
    with pytest.raises(litellm.InternalServerError) as caught:
        ask("async", model)
    assert words in str(caught.value)


@pytest.mark.feature("tools")
@pytest.mark.feature("reasoning")
@pytest.mark.parametrize("mode", MODES)
def test_all_kinds_of_events(mode: Mode, use: Use, model: str) -> None:
    def events(call: Any) -> Iterator[Any]:
        yield sdk.Reasoning("Hm.")
        yield sdk.ToolCall('{"city": ', id="c1", name="weather")
        yield sdk.ToolCall('"Paris"}')
        yield sdk.ToolCall('{"city": "Rome"}', index=1, id="c2", name="weather")
        yield sdk.Fields({"session_id": "s1"})
        yield sdk.Usage(30, 20, cached_tokens=10, reasoning_tokens=5)
        yield sdk.Finish()
        yield sdk.Text("after the end")

    use(events)
    whole = ask(mode, model)
    joined: Any = litellm.stream_chunk_builder(stream(mode, model, stream_options={"include_usage": True}))
    answer: Any
    for answer in (whole, joined):
        message: Any = answer.choices[0].message
        assert (message.reasoning_content, message.content or None) == ("Hm.", None)
        assert [call.function.arguments for call in message.tool_calls] == ['{"city": "Paris"}', '{"city": "Rome"}']
        assert [call.id for call in message.tool_calls] == ["c1", "c2"]
        assert answer.choices[0].finish_reason == "tool_calls"
        assert (answer.usage.prompt_tokens, answer.usage.completion_tokens) == (30, 20)
    assert whole.usage.prompt_tokens_details.cached_tokens == 10
    assert whole.usage.completion_tokens_details.reasoning_tokens == 5
    assert whole.choices[0].message.provider_specific_fields["session_id"] == "s1"


@pytest.mark.parametrize("function", [good, good_async])
@pytest.mark.parametrize("mode", MODES)
def test_answer_without_an_end(mode: Mode, function: Any, use: Use, model: str) -> None:
    def events(call: Any) -> Iterator[Any]:
        yield from list(good(call))[:2]

    use(events)
    with pytest.raises(litellm.BadGatewayError, match="before a finish reason"):
        ask(mode, model)
    into: list[Any] = []
    with pytest.raises(Exception, match="before a finish reason") as caught:
        stream(mode, model, into)
    assert isinstance(cause(caught.value), litellm.BadGatewayError)
    assert text_of(into) == "Hello"


class OfAnSdkError(Exception):
    """An SDK's error, with a status as many have it."""

    def __init__(self, message: str, status_code: int) -> None:
        super().__init__(message)
        self.status_code = status_code


class OfAwsError(Exception):
    """What botocore raises."""

    response: ClassVar[dict[str, Any]] = {
        "Error": {"Code": "ThrottlingException"},
        "ResponseMetadata": {"HTTPStatusCode": 400},
    }


def _of_httpx(status: int) -> Exception:
    request = httpx.Request("POST", "https://service.example")
    try:
        httpx.Response(status, request=request).raise_for_status()
    except httpx.HTTPStatusError as error:
        return error
    raise AssertionError


ERRORS: list[tuple[Callable[[], Exception], type[Exception], str]] = [
    (lambda: sdk.SdkError("log in first", 401), litellm.AuthenticationError, "log in first"),
    (lambda: sdk.SdkError("not yours", 403), litellm.exceptions.PermissionDeniedError, "not yours"),
    (lambda: sdk.SdkError("no such model", 404), litellm.NotFoundError, "no such model"),
    (lambda: sdk.SdkError("slow down", 429), litellm.RateLimitError, "slow down"),
    (lambda: sdk.SdkError("busy", 503), litellm.ServiceUnavailableError, "busy"),
    (lambda: sdk.SdkError("oh", code="rate_limit_exceeded"), litellm.RateLimitError, "oh"),
    (lambda: sdk.SdkError("oh", 400, "context_length_exceeded"), litellm.ContextWindowExceededError, "oh"),
    (lambda: sdk.SdkError("prompt is too long: 9 tokens > 8"), litellm.ContextWindowExceededError, "too long"),
    (lambda: sdk.SdkError("nobody knows"), litellm.InternalServerError, "nobody knows"),
    (lambda: OfAnSdkError("slow down", 429), litellm.RateLimitError, "OfAnSdkError: slow down"),
    (lambda: OfAwsError("slow down"), litellm.RateLimitError, "OfAwsError: slow down"),
    (lambda: _of_httpx(429), litellm.RateLimitError, "429"),
    (lambda: httpx.ReadTimeout("too slow"), litellm.Timeout, "read timeout"),
    (lambda: httpx.ConnectError("gone"), litellm.APIConnectionError, "gone"),
    (lambda: ConnectionResetError("gone"), litellm.ServiceUnavailableError, "gone"),
    (lambda: TimeoutError("too slow"), litellm.Timeout, "too slow"),
    (lambda: KeyError("choices"), litellm.InternalServerError, "KeyError: 'choices'"),
    (lambda: StopIteration(), litellm.InternalServerError, "StopIteration"),
    (lambda: SystemExit("bye"), litellm.InternalServerError, "bye"),  # type: ignore[list-item,return-value]
]


@pytest.mark.parametrize(("make", "kind", "words"), ERRORS)
@pytest.mark.parametrize("mode", MODES)
def test_class_of_an_error(
    mode: Mode, make: Callable[[], Exception], kind: type[Exception], words: str, use: Use, model: str
) -> None:
    """Before the first event, in a stream, in the middle of an answer that nobody has seen yet; async as well as not."""

    def at_once(call: Any) -> Iterator[Any]:
        raise make()
        yield

    def later(call: Any) -> Iterator[Any]:
        yield sdk.Text("Hel")
        raise make()

    async def later_async(call: Any) -> AsyncIterator[Any]:
        yield sdk.Text("Hel")
        raise make()

    for function in (
        (at_once, later) if isinstance(make(), StopIteration | SystemExit) else (at_once, later, later_async)
    ):
        use(function)
        with pytest.raises(kind) as caught:
            ask(mode, model)
        assert words in str(caught.value)
        with pytest.raises(Exception, match=re.escape(words)) as caught:
            stream(mode, model)
        assert isinstance(cause(caught.value), kind), caught.value


def test_seconds_to_wait(use: Use, model: str) -> None:
    def events(call: Any) -> Iterator[Any]:
        raise sdk.SdkError("slow down", 429, retry_after=6.5)
        yield

    use(events)
    with pytest.raises(litellm.RateLimitError) as caught:
        ask("sync", model)
    assert caught.value.response.headers["retry-after"] == "7"


@pytest.mark.skipif("none" in answers.AUTH, reason="declared: there is no credential")
@pytest.mark.parametrize("mode", MODES)
def test_error_that_quotes_the_credential(mode: Mode, use: Use, model: str) -> None:
    def events(call: Any) -> Iterator[Any]:
        yield sdk.Text("Hel")
        raise RuntimeError(f"{call.credential} is not good")

    use(events)
    for make in (ask, stream):
        with pytest.raises(Exception, match="is not good") as caught:
            make(mode, model)
        assert KEY not in str(caught.value)
        assert "[redacted] is not good" in str(caught.value)


@pytest.mark.parametrize("function", ["plain", "async"])
@pytest.mark.parametrize("mode", MODES)
def test_time_limit(mode: Mode, function: str, use: Use, model: str) -> None:
    """It holds for a function that blocks, and for an SDK that takes its time to close."""
    over = threading.Event()

    def plain(call: Any) -> Iterator[Any]:
        yield sdk.Text("Hel")
        over.wait(NEVER)
        yield sdk.Finish()

    async def awaits(call: Any) -> AsyncIterator[Any]:
        yield sdk.Text("Hel")
        try:
            await asyncio.sleep(NEVER)
        finally:
            with suppress(asyncio.CancelledError):
                await asyncio.sleep(2)
        yield sdk.Finish()

    use(plain if function == "plain" else awaits)
    started = time.monotonic()
    try:
        with pytest.raises(litellm.Timeout):
            ask(mode, model, timeout=0.2)
        with pytest.raises(Exception, match="read timeout") as caught:
            stream(mode, model, timeout=0.2)
        assert isinstance(cause(caught.value), litellm.Timeout)
        # Twice the limit and, with asyncio.run, twice the end of a loop that waits for what it has begun.
        assert time.monotonic() - started < 8
    finally:
        over.set()


def test_time_limit_of_a_whole_answer(use: Use, model: str) -> None:
    """Nobody sees anything of it before its end, so that it counts as a whole; of a stream, each wait does."""

    async def events(call: Any) -> AsyncIterator[Any]:
        for _ in range(8):
            await asyncio.sleep(0.1)
            yield sdk.Text(".")
        yield sdk.Finish()

    use(events)
    with pytest.raises(litellm.Timeout):
        ask("async", model, timeout=0.4)
    assert text_of(stream("async", model, timeout=0.4)) == "........"


class Watched:
    """A function that says when it has begun and when it was closed, and stays in one task as anyio wants it."""

    def __init__(self) -> None:
        self.begun = 0
        self.closed = threading.Semaphore(0)

    async def __call__(self, call: Any) -> AsyncIterator[Any]:
        self.begun += 1
        try:
            async with anyio.create_task_group() as group:
                group.start_soon(anyio.sleep, NEVER)
                for _ in range(1000):
                    yield sdk.Text("x")
                    await asyncio.sleep(0.01)
        finally:
            self.closed.release()

    def is_closed(self) -> bool:
        return self.closed.acquire(timeout=5)


def test_dropped_streams(use: Use, model: str) -> None:
    watched = Watched()
    use(watched.__call__)
    dropped: Any = completion(model=model, messages=HELLO, stream=True)
    next(dropped)
    dropped.completion_stream.close()
    assert watched.is_closed()

    forgotten: Any = completion(model=model, messages=HELLO, stream=True)
    next(forgotten)
    del forgotten
    gc.collect()
    assert watched.is_closed()


def test_cancelled_calls(use: Use, model: str) -> None:
    async def cancel() -> None:
        watched = Watched()
        use(watched.__call__)

        async def streamed() -> None:
            async for _ in await acompletion(model=model, messages=HELLO, stream=True):
                continue

        for work in (acompletion(model=model, messages=HELLO), streamed()):
            before = watched.begun
            task = asyncio.ensure_future(work)
            while watched.begun == before:
                await asyncio.sleep(0.01)
            await asyncio.sleep(0.05)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            assert await asyncio.to_thread(watched.is_closed)

        answer: Any = await acompletion(model=model, messages=HELLO, stream=True)
        async with aclosing(answer.completion_stream) as chunks:
            await anext(chunks)
        assert await asyncio.to_thread(watched.is_closed)

    asyncio.run(cancel())


def test_no_more_at_once_than_allowed(use: Use, model: str) -> None:
    async def many() -> None:
        at_work, most = 0, 0

        async def events(call: Any) -> AsyncIterator[Any]:
            nonlocal at_work, most
            at_work += 1
            most = max(most, at_work)
            await asyncio.sleep(0.05)
            yield sdk.Text("Hi")
            at_work -= 1
            yield sdk.Finish()

        use(events, most_at_once=3)
        await asyncio.gather(*(acompletion(model=model, messages=HELLO) for _ in range(10)))
        assert most == 3

        async def hangs(call: Any) -> AsyncIterator[Any]:
            await asyncio.sleep(NEVER)
            yield sdk.Finish()

        use(hangs, most_at_once=1)
        first = asyncio.ensure_future(acompletion(model=model, messages=HELLO))
        await asyncio.sleep(0.1)
        with pytest.raises(litellm.Timeout):
            await acompletion(model=model, messages=HELLO, timeout=0.2)
        first.cancel()
        with suppress(asyncio.CancelledError):
            await first

    asyncio.run(many())


def test_threads_at_once(use: Use, model: str) -> None:
    use(good_async)
    said: list[str] = []
    threads = [
        threading.Thread(target=lambda: said.append(ask("sync", model).choices[0].message.content)) for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert said == ["Hello"] * 8


@pytest.mark.parametrize("mode", MODES)
def test_answer_without_bounds(mode: Mode, use: Use, model: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run, "MOST_BYTES", 20_000)

    def events(call: Any) -> Iterator[Any]:
        while True:
            yield sdk.Text("x" * 100)

    use(events)
    with pytest.raises(litellm.BadGatewayError, match="more than 20000 bytes"):
        ask(mode, model)


def test_module_that_is_not_installed(use: Use, model: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    def events(call: Any) -> Iterator[Any]:
        sdk.installed("sdk_that_nobody_has.client")
        yield sdk.Finish()

    use(events)
    with pytest.raises(
        litellm.BadRequestError, match=r"needs the Python module sdk_that_nobody_has\.client: pip install"
    ):
        ask("sync", model)
    # One that is there, and lacks something itself, says so.
    (tmp_path / "sdk_that_is_there.py").write_text("import what_it_lacks\n")
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    with pytest.raises(ModuleNotFoundError, match="what_it_lacks"):
        sdk.installed("sdk_that_is_there")


def test_context_of_the_caller(use: Use, model: str) -> None:
    """Traces hang together by it."""
    trace: contextvars.ContextVar[str] = contextvars.ContextVar("trace", default="none")
    seen: list[str] = []

    def plain(call: Any) -> Iterator[Any]:
        seen.append(trace.get())
        yield from good(call)

    async def awaits(call: Any) -> AsyncIterator[Any]:
        for event in plain(call):
            yield event

    trace.set("of the caller")
    for function in (plain, awaits):
        use(function)
        ask("sync", model)
    assert seen == ["of the caller"] * 2


def test_sync_call_from_inside(use: Use, model: str) -> None:
    async def events(call: Any) -> AsyncIterator[Any]:
        completion(model=model, messages=HELLO)
        yield sdk.Finish()

    use(events)
    with pytest.raises(litellm.BadGatewayError, match=r"await litellm\.acompletion"):
        ask("sync", model)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="litellm: no fork on this system")
def test_forked_child(use: Use, model: str) -> None:
    use(good_async)
    ask("sync", model)
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.write(writing, str(ask("sync", model).choices[0].message.content).encode())
        finally:
            os._exit(0)
    os.close(writing)
    with os.fdopen(reading) as said:
        assert said.read() == "Hello"
    os.waitpid(child, 0)


class Opened:
    """What an SDK keeps open."""

    def __init__(self) -> None:
        self.closed = False
        self.at_work = 0

    async def close(self) -> None:
        self.closed = True


@pytest.mark.parametrize("mode", MODES)
def test_slow_to_close(mode: Mode, use: Use, model: str) -> None:
    """Who has the whole answer does not wait for what an SDK does afterwards; some take twenty seconds."""

    async def events(call: Any) -> AsyncIterator[Any]:
        try:
            for event in good(call):
                yield event
        finally:
            with suppress(asyncio.CancelledError):
                await asyncio.sleep(5)

    use(events)
    started = time.monotonic()
    if mode == "sync":
        assert text_of(stream(mode, model)) == "Hello"
        assert ask(mode, model).choices[0].message.content == "Hello"
    else:

        async def both() -> float:
            said = await acompletion(model=model, messages=HELLO)
            assert said.choices[0].message.content == "Hello"
            return time.monotonic()

        assert asyncio.run(both()) - started < 4
        return
    assert time.monotonic() - started < 4


def test_sessions() -> None:
    async def use_them() -> None:
        kept: Any = sessions.Sessions(Opened.close, most=2)
        opened: list[Opened] = []

        async def open_one() -> Opened:
            opened.append(Opened())
            return opened[-1]

        async def use_it(caller: str, name: str) -> Opened:
            async with kept.use((caller, name), open_one) as session:
                session.at_work += 1
                assert session.at_work == 1
                await asyncio.sleep(0.01)
                session.at_work -= 1
            return session  # type: ignore[no-any-return]

        # One call at a time, and one session for all of them; another caller's of the same name is another.
        same = await asyncio.gather(*(use_it("a", "s") for _ in range(5)))
        assert len({id(one) for one in same}) == 1
        other = await use_it("b", "s")
        assert other is not same[0]
        # A third closes the one that was used least lately.
        await use_it("c", "s")
        assert [one.closed for one in opened] == [True, False, False]
        # What fails is not used again.
        with pytest.raises(ZeroDivisionError):
            async with kept.use(("b", "s"), open_one):
                raise ZeroDivisionError
        assert other.closed
        assert await use_it("b", "s") is not other

    asyncio.run(use_them())


def test_sessions_end_with_their_loop_and_after_a_while() -> None:
    opened: list[Opened] = []

    async def open_one() -> Opened:
        opened.append(Opened())
        return opened[-1]

    async def twice(kept: Any) -> None:
        for name in ("one", "other"):
            async with kept.use(("", name), open_one):
                await asyncio.sleep(0.01)

    kept = sessions.Sessions(Opened.close, idle_seconds=0.0)
    asyncio.run(twice(kept))
    asyncio.run(twice(kept))
    assert len(opened) == 4
    assert all(one.closed for one in opened)


def test_one_event_is_one_chunk_of_openais_format() -> None:
    """What the provider reads is JSON that any reader of that format takes."""
    call = sdk.Call("m", [], {}, True, None, {}, None, None, "r", "")
    chunk = sdk.chunk_of(sdk.Text("ä"), call)
    assert json.loads(json.dumps(chunk))["choices"][0]["delta"] == {"content": "ä"}

"""When LiteLLM takes over from the host: cases 15 to 31. Template's file: do not edit."""

from __future__ import annotations

import json
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import anthropic
import openai
import pytest

from ...package import part
from ..proxy import Proxy
from ..server import Refusal, Upstream
from .conftest import FALLBACK, NewServer, Start
from .gateway import CHAT, KEY, MESSAGES, RESPONSES, Got, Setup, ask, at_once, config, wait_for, write
from .processes import serve
from .replies import (
    BLOCK_START,
    PING,
    anthropic_error,
    chat_stream,
    chunk,
    event,
    message_start,
    message_stream,
    openai_error,
    text_delta,
)
from .side import FOREVER, JSON, SSE, Answer

LIMITED = openai_error("rate_limit_error", "Rate limit reached", "rate_limit_exceeded")
OVERLOADED = anthropic_error("overloaded_error", "Overloaded")
ERROR_EVENT = event(OVERLOADED, "error")
BAD_KEY = openai_error("invalid_request_error", "Incorrect API key provided", "invalid_api_key")


def error(status: int, content: Any, *headers: tuple[str, str]) -> Answer:
    return Answer(status, (json.dumps(content).encode(),), (*JSON, *headers))


def fell_back(setup: Setup, got: Got) -> None:
    assert got.is_from("litellm"), got
    assert got.route == "fallback"
    assert got.reason
    assert setup.litellm.last.header("authorization") == f"Bearer {KEY}"


def is_hosts(setup: Setup, got: Got, status: int, content: Any) -> None:
    assert (got.status, got.json, got.whole) == (status, content, True)
    assert got.route == "host"
    assert setup.litellm.requests == []


def test_case_15_a_rate_limit_falls_back_until_it_is_over(falling_back: Setup) -> None:
    host = falling_back.host
    host.will(error(429, LIMITED, ("retry-after", "2")))
    first = falling_back.gateway.post(CHAT, ask())
    since = time.monotonic()
    fell_back(falling_back, first)
    assert json.loads(falling_back.litellm.last.body) == ask()
    for got in at_once(lambda _: falling_back.gateway.post(CHAT, ask())):
        assert got.is_from("litellm")
    asked = 1
    while time.monotonic() < since + 1.7:
        assert falling_back.gateway.post(CHAT, ask()).is_from("litellm")
        time.sleep(0.1)
    assert len(host.requests) == asked, "the host was left alone for as long as it had asked for"
    host.will(Answer(waits=0.6, pieces=(b'{"id": "from-host"}',)))
    time.sleep(max(0.0, since + 2.2 - time.monotonic()))
    sides = at_once(lambda _: falling_back.gateway.post(CHAT, ask()), 20)
    assert len(host.requests) == asked + 1, "one probe"
    assert [got.is_from("host") for got in sides].count(True) == 1
    assert all(got.is_from("host") or got.is_from("litellm") for got in sides)
    assert falling_back.gateway.post(CHAT, ask()).is_from("host"), "the probe has closed it"


def test_case_15_a_probe_that_fails_opens_it_again(start: Start) -> None:
    setup = start(**FALLBACK)
    setup.host.always(error(429, LIMITED, ("retry-after-ms", "300")))
    fell_back(setup, setup.gateway.post(CHAT, ask()))
    time.sleep(0.4)
    for _ in range(5):
        fell_back(setup, setup.gateway.post(CHAT, ask()))
    assert len(setup.host.requests) == 2


def test_case_15_other_models_are_not_concerned(start: Start) -> None:
    setup = start(**FALLBACK, models=["gpt-5", "gpt-4"])
    setup.host.will(error(429, LIMITED, ("retry-after", "60")))
    fell_back(setup, setup.gateway.post(CHAT, ask()))
    assert setup.gateway.post(CHAT, ask("gpt-4")).is_from("host")
    assert setup.gateway.post(CHAT, ask(" GPT-5")).is_from("litellm")
    assert setup.gateway.post(CHAT, ask("unlisted")).is_from("host")


@pytest.mark.feature("chat")
def test_case_15_through_litellms_proxy(start: Start, proxy: Proxy, upstream: Upstream, model: str) -> None:
    name = model.split("/", 1)[1]
    setup = start(config(proxy.url, api_key=proxy.key, models=None, model_mappings={"claude": name}, **FALLBACK))
    setup.host.will(error(429, anthropic_error("rate_limit_error", "slow down"), ("retry-after", "30")))
    claude = anthropic.Anthropic(base_url=setup.gateway.url, api_key="of-the-client", max_retries=0)
    hello: list[Any] = [{"role": "user", "content": "hello"}]
    for _ in range(2):
        said = claude.messages.create(model="claude", max_tokens=9, messages=hello).content[0]
        assert said.type == "text"
        assert said.text == "You said: hello"
    assert (len(setup.host.requests), len(upstream.requests)) == (1, 2)
    assert upstream.last["model"] == name


@pytest.mark.parametrize(
    "content",
    [
        openai_error("insufficient_quota", "You exceeded your current quota exceeded", "insufficient_quota"),
        {"error": {"code": 403, "message": "Quota exceeded for requests per day", "status": "PERMISSION_DENIED"}},
        {"error": "quota exceeded"},
        {"message": "monthly quota exceeded"},
    ],
)
def test_case_16_403_with_words_of_quota_falls_back(content: Any, falling_back: Setup) -> None:
    falling_back.host.will(error(403, content))
    fell_back(falling_back, falling_back.gateway.post(CHAT, ask()))


@pytest.mark.parametrize(
    "content",
    [
        openai_error("permission_error", "not allowed"),
        {"error": {"message": "not allowed"}, "echo": {"content": "what is a quota exceeded error?"}},
    ],
)
def test_case_16_another_403_is_the_hosts(content: Any, falling_back: Setup) -> None:
    """What is no part of the error says nothing, such as the question that it repeats."""
    falling_back.host.will(error(403, content))
    is_hosts(falling_back, falling_back.gateway.post(CHAT, ask()), 403, content)


def test_case_17_400_of_a_credit_too_low_falls_back(falling_back: Setup) -> None:
    text = "Your credit balance is too low to access the Anthropic API."
    falling_back.host.will(error(400, anthropic_error("invalid_request_error", text)))
    fell_back(falling_back, falling_back.gateway.post(MESSAGES, ask(max_tokens=9)))


@pytest.mark.parametrize(
    "content",
    [
        anthropic_error("invalid_request_error", "max_tokens: 9 > 8, which is the maximum allowed number"),
        openai_error("invalid_request_error", "Unsupported parameter: 'top_k'", "unsupported_parameter"),
    ],
)
def test_case_17_400_of_a_bad_parameter_is_the_hosts(content: Any, falling_back: Setup) -> None:
    falling_back.host.will(error(400, content))
    is_hosts(falling_back, falling_back.gateway.post(MESSAGES, ask(max_tokens=9)), 400, content)


@pytest.mark.parametrize(
    "answer",
    [
        error(529, OVERLOADED),
        error(503, openai_error("server_error", "The engine is currently overloaded, please try again later")),
        error(503, {"error": {"message": "no capacity left", "code": "no_capacity"}}),
        error(402, openai_error("billing", "Payment required")),
        error(503, {"error": {"code": "auth_unavailable", "message": "no auth available"}}),
        error(429, {"error": {"code": "model_cooldown", "message": "cooling down", "reset_seconds": 60}}),
        Answer(529, (b"not JSON",), (("content-type", "text/plain"),)),
    ],
    ids=lambda answer: f"{answer.status} {answer.pieces[0][:40].decode()}",
)
def test_case_18_overload_falls_back(answer: Answer, falling_back: Setup) -> None:
    falling_back.host.will(answer)
    fell_back(falling_back, falling_back.gateway.post(MESSAGES, ask(max_tokens=9)))


@pytest.mark.parametrize("status", [500, 502, 503, 504, 404, 405, 408, 413, 422])
def test_case_18_other_failures_are_the_hosts(status: int, falling_back: Setup) -> None:
    content = openai_error("server_error", "it broke")
    falling_back.host.will(error(status, content))
    is_hosts(falling_back, falling_back.gateway.post(CHAT, ask()), status, content)


@pytest.mark.feature("chat")
def test_case_18_through_litellms_proxy(start: Start, proxy: Proxy, upstream: Upstream, model: str) -> None:
    name = model.split("/", 1)[1]
    setup = start(config(proxy.url, api_key=proxy.key, models=[name], **FALLBACK))
    setup.host.will(error(529, OVERLOADED))
    client = openai.OpenAI(base_url=f"{setup.gateway.url}/v1", api_key="of-the-client", max_retries=0)
    stream = client.chat.completions.create(model=name, stream=True, messages=[{"role": "user", "content": "hello"}])
    assert "".join(piece.choices[0].delta.content or "" for piece in stream if piece.choices) == "You said: hello"
    assert (len(setup.host.requests), len(upstream.requests)) == (1, 1)


@pytest.mark.parametrize("streamed", [False, True])
def test_case_19_an_answer_that_talks_of_quota_is_the_hosts(streamed: bool, falling_back: Setup) -> None:
    text = 'Your quota is exceeded: {"error": {"type": "overloaded_error"}} "insufficient_quota" rate limit 429'
    if streamed:
        pieces = (chunk(None), chunk(text), chunk(finish="stop"), event("[DONE]"))
        falling_back.host.will(Answer(pieces=pieces, headers=SSE))
        assert falling_back.gateway.post(CHAT, ask(stream=True)).body == b"".join(pieces)
    else:
        content = {"choices": [{"message": {"content": text}}], "error": None}
        falling_back.host.will(error(200, content))
        is_hosts(falling_back, falling_back.gateway.post(CHAT, ask()), 200, content)
    assert falling_back.litellm.requests == []


OPENINGS: dict[str, tuple[str, tuple[bytes, ...]]] = {
    "messages": (MESSAGES, (message_start("host"), PING, ERROR_EVENT)),
    "block started": (MESSAGES, (b": hello\n\n", message_start("host"), PING, PING, ERROR_EVENT)),
    "error alone": (MESSAGES, (ERROR_EVENT,)),
    "chat": (CHAT, (b": OPENROUTER PROCESSING\n\n", chunk(None), event(LIMITED))),
    "responses": (
        RESPONSES,
        (
            event({"type": "response.created", "response": {"id": "r"}}, "response.created"),
            event({"type": "response.in_progress", "response": {"id": "r"}}, "response.in_progress"),
            event({"type": "error", "code": "rate_limit_exceeded", "message": "Rate limit reached"}, "error"),
        ),
    ),
    "responses failed": (
        RESPONSES,
        (
            event({"type": "response.created", "response": {"id": "r"}}, "response.created"),
            event(
                {
                    "type": "response.failed",
                    "response": {
                        "id": "r",
                        "status": "failed",
                        "error": {"code": "rate_limit_exceeded", "message": "x"},
                    },
                },
                "response.failed",
            ),
        ),
    ),
    "empty": (CHAT, ()),
}


@pytest.mark.parametrize("name", OPENINGS)
@pytest.mark.parametrize("lines", ["lf", "crlf"])
def test_case_20_an_error_before_content_falls_back(name: str, lines: str, falling_back: Setup) -> None:
    """Only LiteLLM's stream reaches the client."""
    path, pieces = OPENINGS[name]
    if lines == "crlf":
        pieces = tuple(piece.replace(b"\n", b"\r\n") for piece in pieces)
    falling_back.host.will(Answer(pieces=pieces, headers=SSE))
    got = falling_back.gateway.post(path, ask(stream=True, max_tokens=9))
    fell_back(falling_back, got)
    alone = falling_back.litellm.own_answer(falling_back.litellm.last)
    assert got.body == b"".join(piece for piece in alone.pieces if isinstance(piece, bytes))
    assert got.header("content-type") == "text/event-stream"


def test_case_20_for_the_anthropic_client(start: Start) -> None:
    setup = start(**FALLBACK, models=["claude"])
    setup.host.will(Answer(pieces=(message_start("host"), PING, ERROR_EVENT), headers=SSE))
    claude = anthropic.Anthropic(base_url=setup.gateway.url, api_key="of-the-client", max_retries=0)
    with claude.messages.stream(
        model="claude", max_tokens=9, messages=[{"role": "user", "content": "hello"}]
    ) as stream:
        assert "".join(stream.text_stream) == "from litellm"
        assert stream.get_final_message().id == "from-litellm"


@pytest.mark.feature("chat")
def test_case_20_through_litellms_proxy(start: Start, proxy: Proxy, upstream: Upstream, model: str) -> None:
    name = model.split("/", 1)[1]
    setup = start(config(proxy.url, api_key=proxy.key, models=[name], **FALLBACK))
    setup.host.will(Answer(pieces=(message_start("host"), PING, ERROR_EVENT), headers=SSE))
    claude = anthropic.Anthropic(base_url=setup.gateway.url, api_key="of-the-client", max_retries=0)
    with claude.messages.stream(model=name, max_tokens=9, messages=[{"role": "user", "content": "hello"}]) as stream:
        assert "".join(stream.text_stream) == "You said: hello"
    assert (len(setup.host.requests), len(upstream.requests)) == (1, 1)


@pytest.mark.parametrize(
    "opening",
    [
        (message_start("host"), BLOCK_START, text_delta("Hel")),
        (
            message_start("host"),
            PING,
            BLOCK_START,
            event(
                {"type": "content_block_delta", "delta": {"type": "thinking_delta", "thinking": "H"}},
                "content_block_delta",
            ),
        ),
    ],
    ids=["text", "thinking"],
)
def test_case_21_an_error_after_content_is_passed_on(opening: tuple[bytes, ...], falling_back: Setup) -> None:
    falling_back.host.will(Answer(pieces=(*opening, ERROR_EVENT), headers=SSE))
    got = falling_back.gateway.post(MESSAGES, ask(stream=True, max_tokens=9))
    assert (got.body, got.route) == (b"".join((*opening, ERROR_EVENT)), "host")
    assert falling_back.litellm.requests == []


def test_case_21_in_a_chat(falling_back: Setup) -> None:
    pieces = (chunk(None), chunk("Hel"), event(LIMITED))
    falling_back.host.will(Answer(pieces=pieces, headers=SSE))
    assert falling_back.gateway.post(CHAT, ask(stream=True)).body == b"".join(pieces)
    assert falling_back.litellm.requests == []


def test_case_22_codex_rate_limits_are_no_error(falling_back: Setup) -> None:
    limits = {"primary": {"used_percent": 100, "limit_reached": True, "reset_seconds": 600}}
    pieces = (
        event({"type": "codex.rate_limits", "rate_limits": {"allowed": True, "limit_reached": True, **limits}}),
        event({"type": "response.created", "response": {"id": "r"}}, "response.created"),
        event({"type": "response.output_text.delta", "delta": "Hello"}, "response.output_text.delta"),
        event({"type": "response.completed", "response": {"id": "r", "status": "completed", "error": None}}),
    )
    falling_back.host.will(Answer(pieces=pieces, headers=SSE))
    got = falling_back.gateway.post(RESPONSES, ask(stream=True))
    assert (got.body, got.route) == (b"".join(pieces), "host")
    assert falling_back.litellm.requests == []


@pytest.mark.parametrize("lines", [b"\n", b"\r\n"], ids=["lf", "crlf"])
def test_case_23_split_at_every_byte(lines: bytes, start: Start) -> None:
    """A model of its own for each, so that the breaker of the one before is out of the way."""
    setup = start(**FALLBACK, models=["gpt-5*"])
    whole = (b": hi\n\n" + message_start("host") + PING + ERROR_EVENT).replace(b"\n", lines)
    splits = [(whole[:index], whole[index:]) for index in range(1, len(whole))]
    for index, pieces in enumerate([*splits, tuple(whole[at : at + 1] for at in range(len(whole)))]):
        setup.host.will(Answer(pieces=pieces, headers=SSE))
        got = setup.gateway.post(MESSAGES, ask(f"gpt-5-{index}", stream=True, max_tokens=9))
        assert got.body == b"".join(message_stream("litellm")), index
        assert got.route == "fallback"
    assert setup.counts() == (len(whole), len(whole))


def test_case_23_an_error_cut_off_in_its_middle_is_a_cut(falling_back: Setup) -> None:
    falling_back.host.will(Answer(pieces=(message_start("host"), ERROR_EVENT[:30]), headers=SSE, ends="cut"))
    got = falling_back.gateway.post(MESSAGES, ask(stream=True, max_tokens=9))
    assert got.route != "fallback"
    assert not got.whole or got.status in (500, 502), "an error of the host's is one to the client"
    assert falling_back.litellm.requests == []


def test_case_24_headers_do_not_wait_for_ever(start: Start) -> None:
    setup = start(enabled=False, fallback={"enabled": True, "hold-seconds": 0.5})
    pieces: tuple[bytes | float, ...] = (message_start("host"), 1.0, PING, *message_stream("host")[1:])
    setup.host.will(Answer(pieces=pieces, headers=SSE))
    with setup.gateway.opened(MESSAGES, ask(stream=True, max_tokens=9)) as answer:
        assert 0.4 < answer.head < 1.4
        assert answer.piece() == message_start("host")
        rest = answer.response.read()
    assert rest == b"".join((PING, *message_stream("host")[1:]))
    assert setup.litellm.requests == []


def test_case_24_nothing_but_headers(start: Start) -> None:
    setup = start(enabled=False, fallback={"enabled": True, "hold-seconds": 0.5})
    setup.host.will(Answer(pieces=(FOREVER,), headers=SSE))
    with setup.gateway.opened(CHAT, ask(stream=True)) as answer:
        assert 0.4 < answer.head < 5
        assert answer.response.status == 200
    wait_for(setup.host.last.left.is_set)
    assert setup.litellm.requests == []


def test_case_24_what_comes_late_is_passed_on(start: Start) -> None:
    """Once anything is out, an error is the host's to tell."""
    setup = start(enabled=False, fallback={"enabled": True, "hold-seconds": 0.2})
    setup.host.will(Answer(pieces=(message_start("host"), 0.6, ERROR_EVENT), headers=SSE))
    got = setup.gateway.post(MESSAGES, ask(stream=True, max_tokens=9))
    assert got.body == message_start("host") + ERROR_EVENT
    assert setup.litellm.requests == []


def test_case_24_many_openings_are_not_held(falling_back: Setup) -> None:
    """After sixteen events the answer goes out, though nothing of substance was said."""
    pieces: tuple[bytes | float, ...] = (message_start("host"), *[PING] * 20, 0.5, ERROR_EVENT)
    falling_back.host.will(Answer(pieces=pieces, headers=SSE))
    with falling_back.gateway.opened(MESSAGES, ask(stream=True, max_tokens=9)) as answer:
        assert answer.head < 0.45
        assert answer.response.read() == b"".join((message_start("host"), *[PING] * 20, ERROR_EVENT))
    assert falling_back.litellm.requests == []


@pytest.mark.parametrize(
    "content",
    [OVERLOADED, LIMITED, {"error": {"code": 429, "message": "Resource exhausted", "status": "RESOURCE_EXHAUSTED"}}],
)
def test_case_25_200_with_an_error_falls_back(content: Any, falling_back: Setup) -> None:
    falling_back.host.will(error(200, content))
    got = falling_back.gateway.post(MESSAGES, ask(max_tokens=9))
    fell_back(falling_back, got)


@pytest.mark.parametrize(
    "content",
    [
        {"error": None, "choices": []},
        {"type": "message", "content": [{"type": "text", "text": '{"type": "error"}'}]},
        {"error": {"message": "bad parameter", "type": "invalid_request_error"}},
        {**OVERLOADED, "padding": "x" * 100_000},
    ],
    ids=["no error", "quoted", "another error", "over 64 kB"],
)
def test_case_25_another_200_is_the_hosts(content: Any, falling_back: Setup) -> None:
    falling_back.host.will(error(200, content))
    is_hosts(falling_back, falling_back.gateway.post(MESSAGES, ask(max_tokens=9)), 200, content)


@pytest.mark.parametrize("litellms", ["down", "401", "400", "429", "500", "no head", "reset"])
def test_case_26_when_both_fail_the_host_answers(litellms: str, falling_back: Setup) -> None:
    sent = json.dumps(LIMITED, indent=4).encode()
    headers = (*JSON, ("retry-after", "7"), ("x-of-the-host", "yes"), ("set-cookie", "a=1"), ("set-cookie", "b=2"))
    falling_back.host.will(Answer(429, (sent,), headers))
    if litellms == "down":
        falling_back.litellm.stop()
    elif litellms.isdigit():
        falling_back.litellm.always(error(int(litellms), openai_error("x", "of LiteLLM"), ("retry-after", "99")))
    else:
        falling_back.litellm.always(Answer(0, ends="reset" if litellms == "reset" else "cut"))
    got = falling_back.gateway.post(CHAT, ask())
    assert (got.status, got.body) == (429, sent)
    for name, value in headers:
        assert (name, value) in got.headers
    assert got.header("retry-after") == "7"
    assert got.route == "host"
    falling_back.litellm.stop()


def test_case_26_a_held_stream_of_the_host(falling_back: Setup) -> None:
    pieces = (message_start("host"), PING, ERROR_EVENT)
    falling_back.host.will(Answer(pieces=pieces, headers=SSE))
    falling_back.litellm.always(error(500, OVERLOADED))
    got = falling_back.gateway.post(MESSAGES, ask(stream=True, max_tokens=9))
    assert (got.status, got.body, got.route) == (200, b"".join(pieces), "host")


@pytest.mark.feature("chat")
def test_case_26_through_litellms_proxy(start: Start, proxy: Proxy, upstream: Upstream, model: str) -> None:
    """A key that LiteLLM refuses, a model that it does not know, and an upstream that is out of quota, too."""
    name = model.split("/", 1)[1]
    for key, models, refusal in (
        ("sk-wrong", [name], None),
        (proxy.key, ["nobody-knows-it"], None),
        (proxy.key, [name], Refusal(429, "rate_limit_exceeded")),
    ):
        upstream.reset()
        setup = start(config(proxy.url, api_key=key, models=models, **FALLBACK))
        setup.host.will(error(429, LIMITED, ("retry-after", "7")))
        if refusal:
            upstream.will(refusal, refusal, refusal, refusal)
        got = setup.gateway.post(CHAT, ask(models[0]))
        assert (got.status, got.json, got.header("retry-after"), got.route) == (429, LIMITED, "7", "host")


AUTH: dict[str, Any] = {**FALLBACK, "client_auth": "keys", "client_keys": ["key-of-a-client"]}


@pytest.mark.parametrize(
    "proof",
    [
        ("authorization", "Bearer key-of-a-client"),
        ("x-api-key", "key-of-a-client"),
        ("x-goog-api-key", "key-of-a-client"),
    ],
)
@pytest.mark.parametrize(
    "answer",
    [
        error(401, BAD_KEY),
        error(403, {"error": {"message": "token has been revoked", "code": "token_revoked"}}),
        error(403, {"error": "invalid_grant"}),
    ],
    ids=["401", "revoked", "invalid_grant"],
)
def test_case_27_a_lost_login_falls_back_for_a_proven_client(
    answer: Answer, proof: tuple[str, str], start: Start
) -> None:
    setup = start(**AUTH)
    setup.host.will(answer)
    fell_back(setup, setup.gateway.post(CHAT, ask(), [proof]))


@pytest.mark.parametrize("proof", [[], [("authorization", "Bearer key-of-a-stranger")], [("x-api-key", "")]])
@pytest.mark.parametrize("status", [401, 429, 402, 529])
def test_case_27_a_stranger_gets_the_hosts_answer(status: int, proof: list[tuple[str, str]], start: Start) -> None:
    setup = start(**AUTH)
    setup.host.always(error(status, BAD_KEY))
    is_hosts(setup, setup.gateway.post(CHAT, ask(), proof), status, BAD_KEY)
    # Nor does what others have met open the way.
    setup.host.always(error(429, LIMITED, ("retry-after", "60")))
    fell_back(setup, setup.gateway.post(CHAT, ask(), [("x-api-key", "key-of-a-client")]))
    assert setup.gateway.post(CHAT, ask(), proof).status == 429
    assert len(setup.litellm.requests) == 1


def test_case_27_a_strangers_listed_model_never_reaches_litellm(start: Start) -> None:
    setup = start(client_auth="keys", client_keys=["key-of-a-client"])
    assert setup.gateway.post(CHAT, ask(), [("x-api-key", "key-of-a-client")]).is_from("litellm")
    setup.host.always(error(401, BAD_KEY))
    for proof in ([], [("x-api-key", "wrong")], [("authorization", "Bearer key-of-a-clien")]):
        assert setup.gateway.post(CHAT, ask(), proof).status == 401
    assert len(setup.litellm.requests) == 1


class From:
    """Tells the application that its client is at another address."""

    def __init__(self, app: Any, address: str = "203.0.113.9") -> None:
        self.app, self.address = app, address

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        await self.app({**scope, "client": (self.address, 4711)}, receive, send)


@pytest.mark.parametrize("address", ["203.0.113.9", "10.0.0.7", "2001:db8::1", "::ffff:203.0.113.9"])
def test_case_27_without_proof_only_loopback_is_routed(address: str, start: Start) -> None:
    setup = start(outside=lambda app: From(app, address), fallback={"enabled": True}, models=["gpt-5", "gpt-4"])
    headers = [("x-forwarded-for", "127.0.0.1"), ("forwarded", "for=127.0.0.1"), ("x-real-ip", "127.0.0.1")]
    setup.host.always(error(429, LIMITED))
    for model in ("gpt-5", "gpt-4"):
        assert setup.gateway.post(CHAT, ask(model), headers).status in (401, 403, 429)
    assert setup.litellm.requests == []


@pytest.mark.parametrize("address", ["127.0.0.1", "127.8.0.1", "::1", "::ffff:127.0.0.1"])
def test_case_27_loopback_is_routed(address: str, start: Start) -> None:
    setup = start(outside=lambda app: From(app, address))
    assert setup.gateway.post(CHAT, ask()).is_from("litellm")


def test_case_27_clients_of_a_proxy_are_where_the_proxy_says(new_server: NewServer, tmp_path: Path) -> None:
    """A server in front, on the same machine: its clients are no loopback peers."""
    host, litellm = new_server("host"), new_server("litellm")
    file = write(tmp_path / "routing.yaml", config(litellm.url))
    with serve(file, "--host-url", host.url) as served:
        assert served.client.post(CHAT, ask(), [("x-forwarded-for", "203.0.113.9")]).status == 401
        assert served.client.post(CHAT, ask(), [("x-forwarded-for", "127.0.0.1, 203.0.113.9")]).status == 401
        assert served.client.post(CHAT, ask(), [("host", "rebound.example")]).status == 401
        assert served.client.post(CHAT, ask()).is_from("litellm")
    assert len(litellm.requests) == 1


def test_case_27_the_host_proves_a_client(start: Start) -> None:
    """Its own list of models is asked with the client's credential; the answer holds for a while."""
    setup = start(**{**AUTH, "client_auth": "host", "client_keys": None}, models=["gpt-5"])

    def answers(received: Any) -> Answer:
        if received.target.startswith("/v1/models"):
            good = received.header("authorization") == "Bearer good"
            return Answer(pieces=(b'{"object": "list", "data": []}',)) if good else error(401, BAD_KEY)
        return error(429, LIMITED, ("retry-after", "60"))

    setup.host.answers = answers
    for _ in range(3):
        assert setup.gateway.post(CHAT, ask(), [("authorization", "Bearer good")]).is_from("litellm")
    for credential in ([], [("authorization", "Bearer bad")]):
        assert setup.gateway.post(CHAT, ask(), credential).status in (401, 429)
    assert len(setup.litellm.requests) == 3
    lists = [heard for heard in setup.host.requests if heard.target.startswith("/v1/models")]
    assert len([heard for heard in lists if heard.header("authorization") == "Bearer good"]) == 1


def test_case_27_a_client_with_a_key_of_litellms(start: Start) -> None:
    setup = start(client_auth="forward", api_key=None)
    assert setup.gateway.post(CHAT, ask(), [("authorization", "Bearer sk-of-the-client")]).is_from("litellm")
    assert setup.litellm.last.header("authorization") == "Bearer sk-of-the-client"


def test_case_28_no_target_no_fallback(falling_back: Setup) -> None:
    for body in (ask("unlisted"), ask(5), {}):
        falling_back.host.will(error(429, LIMITED, ("retry-after", "7")))
        got = falling_back.gateway.post(CHAT, body)
        is_hosts(falling_back, got, 429, LIMITED)
        assert got.header("retry-after") == "7"


def test_case_28_any_model(start: Start) -> None:
    setup = start(enabled=False, fallback={"enabled": True, "any-model": True})
    setup.host.will(error(429, LIMITED))
    fell_back(setup, setup.gateway.post(CHAT, ask("unlisted")))
    assert json.loads(setup.litellm.last.body)["model"] == "unlisted"


@pytest.mark.parametrize("path", ["/v1/publishers/anthropic/models/gpt-5:rawPredict", "/api/chat", "/v1/unheard-of"])
def test_case_28_no_fallback_where_litellm_has_no_path(path: str, falling_back: Setup) -> None:
    falling_back.host.will(error(429, LIMITED))
    is_hosts(falling_back, falling_back.gateway.post(path, ask()), 429, LIMITED)


@pytest.mark.parametrize("enabled", [False, None])
def test_case_28_switched_off(enabled: bool | None, start: Start) -> None:
    setup = start(enabled=False, models=["gpt-5"], fallback={"enabled": False} if enabled is False else None)
    setup.host.will(error(429, LIMITED))
    is_hosts(setup, setup.gateway.post(CHAT, ask()), 429, LIMITED)


def test_case_29_a_burst_into_a_rate_limit(falling_back: Setup) -> None:
    """All are answered, and what many met at once is one failure: the host is asked again when its time is over."""
    falling_back.host.always(error(429, LIMITED, ("retry-after", "1")))
    for got in at_once(lambda _: falling_back.gateway.post(CHAT, ask()), 50):
        assert got.is_from("litellm")
    asked = len(falling_back.host.requests)
    assert 1 <= asked <= 50
    assert len(falling_back.litellm.requests) == 50
    falling_back.host.answers = falling_back.host.own_answer
    time.sleep(1.2)
    assert falling_back.gateway.post(CHAT, ask()).is_from("host")


def test_case_29_held_until_all_have_met_it(falling_back: Setup) -> None:
    """All fifty are at the host before its first answer, and the last of those comes when the first one's time is over."""
    host = falling_back.host
    refusal = Answer(429, (json.dumps(LIMITED).encode(),), (*JSON, ("retry-after", "1")))
    host.will(*(replace(refusal, waits=0.7 + 0.02 * index) for index in range(50)))
    for got in at_once(lambda _: falling_back.gateway.post(CHAT, ask()), 50):
        assert got.is_from("litellm")
        assert got.route == "fallback"
    assert len(host.requests) == len(falling_back.litellm.requests) == 50
    assert falling_back.middleware.breaker.times_opened == 1
    time.sleep(0.2)
    assert falling_back.gateway.post(CHAT, ask()).is_from("host")


def _date(seconds: float) -> str:
    return format_datetime(datetime.now(UTC) + timedelta(seconds=seconds), usegmt=True)


@pytest.mark.parametrize(
    ("headers", "least", "most"),
    [
        ([("retry-after", "500000")], 300, 300),
        ([("retry-after", _date(500_000))], 300, 300),
        ([("retry-after", "abc")], 45, 45),
        ([("retry-after", "-5")], 0, 45),
        ([("retry-after", "nan")], 45, 45),
        ([("retry-after", "")], 45, 45),
        ([("retry-after", "20")], 20, 20),
        ([("retry-after-ms", "20000")], 20, 20),
        ([("llm_provider-retry-after", "20")], 20, 20),
        ([], 45, 45),
    ],
    ids=["long", "far date", "abc", "negative", "nan", "empty", "seconds", "milliseconds", "of a provider", "none"],
)
def test_case_30_how_long_the_host_is_left_alone(
    headers: list[tuple[str, str]], least: float, most: float, start: Start
) -> None:
    assert least <= left_alone(start, headers) <= most


def test_case_30_a_date(start: Start) -> None:
    assert 27 <= left_alone(start, [("retry-after", _date(30))]) <= 30


def left_alone(start: Start, headers: list[tuple[str, str]]) -> float:
    """Returns for how many seconds the host is left alone after a rate limit, by a clock that only the test moves."""
    setup = start(enabled=False, fallback={"enabled": True, "cooldown-seconds": 45})
    now = [1000.0]
    setup.middleware.breaker = part("routing.breaker").Breaker(clock=lambda: now[0])
    setup.host.will(error(429, LIMITED, *headers))
    fell_back(setup, setup.gateway.post(CHAT, ask()))
    while len(setup.host.requests) == 1:
        now[0] += 1
        assert setup.gateway.post(CHAT, ask()).status == 200
        assert now[0] < 1400, "the host is never asked again"
    return now[0] - 1000


def test_case_31_a_host_that_is_not_there(new_server: NewServer, tmp_path: Path) -> None:
    host, litellm = new_server("host"), new_server("litellm")
    file = write(tmp_path / "routing.yaml", config(litellm.url, **FALLBACK))
    with serve(file, "--host-url", host.url) as served:
        assert served.client.post(CHAT, ask()).is_from("host")
        host.always(Answer(0, ends="reset"))
        got = served.client.post(CHAT, ask())
        assert got.status == 502, "the host may have done it"
        assert got.route == "host"
        assert litellm.requests == []
        host.stop()
        got = served.client.post(CHAT, ask())
        assert got.is_from("litellm")
        assert got.route == "fallback"
        assert served.client.post(CHAT, ask("unlisted")).status == 502
        assert len(litellm.requests) == 1


def test_case_31_a_host_that_resets_an_answer(new_server: NewServer, tmp_path: Path) -> None:
    """Once its answer has begun, nothing is asked a second time."""
    host, litellm = new_server("host"), new_server("litellm")
    file = write(tmp_path / "routing.yaml", config(litellm.url, **FALLBACK))
    with serve(file, "--host-url", host.url) as served:
        for pieces in ((chunk(None),), (chunk(None), chunk("Hel")), chat_stream("host")[:-1]):
            host.will(Answer(pieces=pieces, headers=SSE, ends="reset"))
            got = served.client.post(CHAT, ask(stream=True))
            assert not got.whole or got.status == 502
            assert got.route == "host"
    assert litellm.requests == []

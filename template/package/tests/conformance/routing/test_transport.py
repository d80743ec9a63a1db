"""How bytes go through: cases 32 to 38. Template's file: do not edit."""

from __future__ import annotations

import gzip
import json
import logging
import re
import statistics
import time
from importlib.util import find_spec
from itertools import pairwise
from pathlib import Path
from typing import Any

import openai
import pytest

from ...package import part
from ..proxy import Proxy
from ..server import Fault, Reply, Upstream
from .conftest import FALLBACK, NewServer, Start
from .gateway import CHAT, KEY, MESSAGES, Got, Setup, ask, at_once, config, load, wait_for, write
from .processes import route, serve
from .replies import PING, chat_stream, chunk, event, message_start, openai_error, text_delta
from .side import FOREVER, JSON, SSE, Answer, Side

LIMITED = json.dumps(openai_error("rate_limit_error", "Rate limit reached")).encode()
PARSERS = ["h11", *(["httptools"] if find_spec("httptools") else [])]
"""Those of uvicorn's that are installed."""
GOOD_ID = re.compile(r"[A-Za-z0-9._:/+=@-]{1,128}")


def side_of(setup: Setup, name: str) -> tuple[Side, str]:
    """Returns a side, and the model that goes to it."""
    return (setup.litellm, "gpt-5") if name == "litellm" else (setup.host, "other")


@pytest.mark.parametrize("side", ["litellm", "host"])
def test_case_32_chunks_arrive_as_they_are_sent(side: str, setup: Setup) -> None:
    """Each one says when it is due; what counts is the middle of how late they are, as the machine has other work, too."""
    asked, model = side_of(setup, side)
    gap, number = 0.002, 500
    pieces: list[bytes | float] = []
    for index in range(number):
        pieces += [event({"index": index, "choices": [{"index": 0, "delta": {"content": f"{index} "}}]}), gap]
    asked.will(Answer(pieces=tuple(pieces), headers=SSE))
    seen = bytearray()
    arrived: list[float] = []
    with setup.gateway.opened(CHAT, ask(model, stream=True)) as answer:
        while piece := answer.piece():
            seen += piece
            arrived += [time.perf_counter()] * piece.count(b"\n\n")
    assert bytes(seen) == b"".join(piece for piece in pieces if isinstance(piece, bytes))
    assert len(arrived) == number
    # Sent one after the other, so they come one after the other: a proxy that gathers them brings many at once.
    gaps = [later - earlier for earlier, later in pairwise(arrived)]
    assert gap / 2 < statistics.median(gaps) < gap + 0.005


def test_case_32_the_first_byte_does_not_wait(setup: Setup) -> None:
    for side in ("litellm", "host"):
        asked, model = side_of(setup, side)
        asked.will(Answer(pieces=(chunk(None), chunk("a"), 1.0, event("[DONE]")), headers=SSE))
        with setup.gateway.opened(CHAT, ask(model, stream=True)) as answer:
            assert answer.head < 0.8
            assert answer.piece().startswith(chunk(None))


@pytest.mark.feature("chat")
def test_case_32_through_litellms_proxy(start: Start, proxy: Proxy, upstream: Upstream, model: str) -> None:
    name = model.split("/", 1)[1]
    setup = start(config(proxy.url, api_key=proxy.key, models=[name]))
    upstream.will(Reply(text=tuple(f"{index} " for index in range(200))))
    client = openai.OpenAI(base_url=f"{setup.gateway.url}/v1", api_key="of-the-client", max_retries=0)
    stream = client.chat.completions.create(model=name, stream=True, messages=[{"role": "user", "content": "count"}])
    text = "".join(piece.choices[0].delta.content or "" for piece in stream if piece.choices)
    assert text.split() == [str(index) for index in range(200)]


def leaves(setup: Setup, side: Side, *, model: str, hold: bool = False) -> float:
    """A client leaves as soon as a side has its request; returns the seconds until the side notices."""
    before = len(side.requests)
    path = MESSAGES if hold else CHAT
    gone = setup.gateway.leaving(path, ask(model, stream=True), lambda: len(side.requests) > before and side.open > 0)
    heard = side.requests[before]
    assert heard.left.wait(5), "the client left, and nobody told the side"
    return heard.left_at - gone


STATES: dict[str, tuple[str, str, Answer]] = {
    "waiting for the host": ("host", "other", Answer(waits=FOREVER)),
    "waiting for litellm": ("litellm", "routed", Answer(waits=FOREVER)),
    "held": ("host", "gpt-5", Answer(pieces=(message_start("host"), PING, FOREVER), headers=SSE)),
    "mid-stream of the host": ("host", "other", Answer(pieces=(text_delta("a"), FOREVER), headers=SSE)),
    "mid-stream of litellm": ("litellm", "routed", Answer(pieces=(text_delta("a"), FOREVER), headers=SSE)),
}


@pytest.fixture
def both_ways(start: Start) -> Setup:
    """A gateway that falls back for `gpt-5`, and routes what is mapped by passing its list: `routed`."""
    return start(models=["routed"], model_mappings={"gpt-5": "gpt-5"}, fallback={"enabled": True})


@pytest.mark.parametrize("state", STATES)
def test_case_33_a_client_that_leaves(state: str, both_ways: Setup) -> None:
    name, model, answer = STATES[state]
    side: Side = both_ways.litellm if name == "litellm" else both_ways.host
    side.always(answer)
    late = [leaves(both_ways, side, model=model, hold=state == "held") for _ in range(5)]
    assert min(late) < 0.1, late
    assert both_ways.gateway.rests() == []
    assert side.open == 0


def test_case_33_in_the_middle_of_a_fallback(both_ways: Setup) -> None:
    both_ways.host.always(Answer(429, (LIMITED,), (*JSON, ("retry-after-ms", "1"))))
    both_ways.litellm.always(Answer(waits=FOREVER))
    late = [leaves(both_ways, both_ways.litellm, model="gpt-5") for _ in range(5)]
    assert min(late) < 0.1, late
    assert both_ways.gateway.rests() == []


def test_case_33_while_it_still_sends(both_ways: Setup) -> None:
    for model in ("other", "routed"):
        content = json.dumps(ask(model)).encode()
        head = f"POST {CHAT} HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: {len(content) + 9}\r\n\r\n"
        both_ways.gateway.raw(head.encode() + content, seconds=0.2)
    assert both_ways.gateway.rests() == []
    assert both_ways.litellm.requests == []


def test_case_33_many_leave_at_once(both_ways: Setup) -> None:
    both_ways.litellm.always(Answer(pieces=(text_delta("a"), FOREVER), headers=SSE))
    both_ways.host.always(Answer(pieces=(message_start("host"), FOREVER), headers=SSE))

    def one(index: int) -> None:
        both_ways.gateway.leaving(
            MESSAGES,
            ask("routed" if index % 2 else "gpt-5", stream=True),
            lambda: both_ways.litellm.open + both_ways.host.open > 20,
        )

    at_once(one)
    wait_for(lambda: both_ways.litellm.open + both_ways.host.open == 0)
    assert both_ways.gateway.rests() == []
    both_ways.litellm.answers = both_ways.litellm.own_answer
    assert both_ways.gateway.post(CHAT, ask("routed")).is_from("litellm")


@pytest.mark.feature("chat")
def test_case_33_through_litellms_proxy(start: Start, proxy: Proxy, upstream: Upstream, model: str) -> None:
    name = model.split("/", 1)[1]
    setup = start(config(proxy.url, api_key=proxy.key, models=[name]))
    upstream.will(Reply(text=("a",) * 50), fault=Fault("stall", after=10, seconds=30))
    with setup.gateway.opened(CHAT, ask(name, stream=True)) as answer:
        assert answer.piece()
        answer.leave()
        assert upstream.requests[0].hung_up.wait(10), "the upstream of LiteLLM still talks to nobody"
    assert setup.gateway.rests() == []


@pytest.mark.parametrize("ends", ["cut", "reset"])
@pytest.mark.parametrize("fallback", [True, False])
@pytest.mark.parametrize("length", [True, False], ids=["length", "chunked"])
def test_case_34_a_cut_stays_a_cut(ends: Any, fallback: bool, length: bool, start: Start) -> None:
    setup = start(**(FALLBACK if fallback else {}))
    if fallback:
        setup.host.will(Answer(429, (LIMITED,)))
    pieces = chat_stream("litellm")[:3]
    headers = (*SSE, ("content-length", "100000")) if length else SSE
    setup.litellm.will(Answer(pieces=(*pieces, 0.05), headers=headers, ends=ends))
    got = setup.gateway.post(CHAT, ask(stream=True))
    assert not got.whole
    assert b"".join(pieces).startswith(got.body)
    assert b"[DONE]" not in got.body
    assert len(setup.litellm.requests) == 1


def test_case_34_the_openai_client_sees_it(setup: Setup) -> None:
    setup.litellm.will(Answer(pieces=(*chat_stream("litellm")[:3], 0.05), headers=SSE, ends="cut"))
    client = openai.OpenAI(base_url=f"{setup.gateway.url}/v1", api_key="of-the-client", max_retries=0)
    with pytest.raises(Exception, match=r"(?i)incomplete|peer closed|connection") as caught:
        list(
            client.chat.completions.create(model="gpt-5", stream=True, messages=[{"role": "user", "content": "hello"}])
        )
    assert not isinstance(caught.value, openai.APIStatusError)


def test_case_34_the_hosts_cut_too(falling_back: Setup) -> None:
    pieces = chat_stream("host")[:3]
    falling_back.host.will(Answer(pieces=(*pieces, 0.05), headers=SSE, ends="cut"))
    got = falling_back.gateway.post(CHAT, ask(stream=True))
    assert not got.whole
    assert falling_back.litellm.requests == []


PACKED = gzip.compress(json.dumps({"id": "packed", "text": "x" * 2000}).encode())


@pytest.mark.parametrize("side", ["host", "litellm"])
def test_case_35_a_packed_answer_stays_packed(side: str, setup: Setup) -> None:
    asked, model = side_of(setup, side)
    asked.will(Answer(pieces=(PACKED,), headers=(*JSON, ("content-encoding", "gzip"), ("vary", "accept-encoding"))))
    got = setup.gateway.post(CHAT, ask(model), [("accept-encoding", "gzip")])
    assert (got.body, got.header("content-encoding")) == (PACKED, "gzip")
    assert got.header("content-length") == str(len(PACKED))
    assert got.header("vary") == "accept-encoding"


def test_case_35_a_packed_error_falls_back(falling_back: Setup) -> None:
    """Its words are read, and its bytes stay where LiteLLM fails, too."""
    headers = (*JSON, ("content-encoding", "gzip"))
    refusal = gzip.compress(json.dumps(openai_error("insufficient_quota", "quota exceeded")).encode())
    falling_back.host.will(Answer(403, (refusal,), headers), Answer(403, (refusal,), headers))
    assert falling_back.gateway.post(CHAT, ask()).is_from("litellm")


def test_case_35_headers_of_the_host_stay(setup: Setup) -> None:
    headers = (
        ("set-cookie", "a=1; Path=/"),
        ("set-cookie", "b=2"),
        ("x-twice", "1"),
        ("x-twice", "2"),
        ("server", "its"),
        ("date", "then"),
    )
    setup.host.will(Answer(headers=(*JSON, *headers)))
    got = setup.gateway.post(CHAT, ask("other"))
    for name in {name for name, _ in headers}:
        assert [value for key, value in got.headers if key == name] == [value for key, value in headers if key == name]


def test_case_35_what_litellm_says_about_itself_stays_inside(setup: Setup) -> None:
    inside = (
        ("set-cookie", "of=litellm"),
        ("x-litellm-model-api-base", "http://10.0.0.1/secret"),
        ("x-litellm-response-cost", "0.25"),
        ("x-litellm-key-spend", "12.5"),
        ("connection", "x-private"),
        ("x-private", "1"),
    )
    outside = (("x-litellm-version", "1"), ("llm_provider-retry-after", "3"), ("retry-after", "4"))
    setup.litellm.will(Answer(headers=(*JSON, *inside, *outside)))
    got = setup.gateway.post(CHAT, ask())
    names = {name.lower() for name, _ in got.headers}
    assert not names & ({name for name, _ in inside} - {"connection"})
    assert {name for name, _ in outside} <= names


@pytest.mark.parametrize("status", [204, 304])
@pytest.mark.parametrize("side", ["host", "litellm"])
def test_case_35_answers_without_a_body(status: int, side: str, setup: Setup) -> None:
    asked, model = side_of(setup, side)
    asked.will(Answer(status, (), (("x-a", "b"),)))
    started = time.monotonic()
    got = setup.gateway.post(CHAT, ask(model))
    assert (got.status, got.body, got.header("x-a")) == (status, b"", "b")
    assert got.header("transfer-encoding") is None
    assert time.monotonic() - started < 5


@pytest.mark.parametrize("path", ["/v1/models", "/", CHAT])
def test_case_35_head(path: str, setup: Setup) -> None:
    setup.host.will(Answer(200, (), (*JSON, ("content-length", "1234"), ("x-a", "b"))))
    got = setup.gateway.call("HEAD", path)
    assert (got.status, got.body, got.header("x-a"), got.header("content-length")) == (200, b"", "b", "1234")
    assert setup.counts() == (1, 0)


def test_case_35_head_by_url(new_server: NewServer, tmp_path: Path) -> None:
    """The same through a host at an address: a gzip, two cookies, 204, HEAD and a redirect."""
    host, litellm = new_server("host"), new_server("litellm")
    file = write(tmp_path / "routing.yaml", config(litellm.url))
    with serve(file, "--host-url", host.url) as served:
        host.will(
            Answer(
                pieces=(PACKED,),
                headers=(*JSON, ("content-encoding", "gzip"), ("set-cookie", "a=1"), ("set-cookie", "b=2")),
            )
        )
        got = served.client.get("/packed%2Fpath?a=%2F&a=")
        assert (got.body, got.header("content-encoding")) == (PACKED, "gzip")
        assert [value for name, value in got.headers if name == "set-cookie"] == ["a=1", "b=2"]
        assert host.last.target == "/packed%2Fpath?a=%2F&a="
        host.will(Answer(204, (), (("x-a", "b"),)))
        assert served.client.call("DELETE", "/v1/files/1").status == 204
        host.will(Answer(200, (), (*JSON, ("content-length", "1234"))))
        got = served.client.call("HEAD", "/v1/models")
        assert (got.status, got.header("content-length"), got.body) == (200, "1234", b"")
        host.will(Answer(302, (), (("location", f"{litellm.url}/elsewhere"), ("content-length", "0"))))
        got = served.client.get("/moved")
        assert (got.status, got.header("location")) == (302, f"{litellm.url}/elsewhere")
        # Cookies of one client are no one else's.
        served.client.get("/next")
        assert host.last.header("cookie") is None
        sent = [
            ("content-type", "application/json"),
            ("authorization", "Bearer of-the-client"),
            ("x-twice", "1"),
            ("x-twice", "2"),
            ("te", "trailers"),
            ("proxy-authorization", "Basic eA=="),
            ("connection", "x-private, keep-alive"),
            ("x-private", "1"),
        ]
        served.client.call("POST", CHAT, json.dumps(ask("other")).encode(), sent)
        heard = host.last
        for name, value in sent[:4]:
            assert (name, value) in heard.headers
        for name in ("te", "proxy-authorization", "x-private"):
            assert heard.header(name) is None
    assert litellm.requests == []


@pytest.mark.parametrize("http", PARSERS)
def test_case_36_a_length_and_chunks(http: str, start: Start) -> None:
    """Whatever the server makes of it: no part of a body becomes a request of its own."""
    setup = start(http=http)
    inner = b"POST /key/generate HTTP/1.1\r\nhost: localhost\r\ncontent-length: 0\r\n\r\n"
    content = json.dumps(ask()).encode()
    body = b"%x\r\n%b\r\n0\r\n\r\n" % (len(content), content)
    for length in (len(body) + len(inner), 3):
        for order in (0, 1):
            framing = [b"content-length: %d" % length, b"transfer-encoding: chunked"]
            head = b"\r\n".join(
                [
                    b"POST /v1/chat/completions HTTP/1.1",
                    b"host: localhost",
                    b"content-type: application/json",
                    *framing[:: -1 if order else 1],
                    b"connection: close",
                    b"",
                    b"",
                ]
            )
            before = len(setup.litellm.requests)
            setup.gateway.raw(head + body + inner, seconds=1)
            for heard in setup.litellm.requests[before:]:
                assert heard.target == CHAT
                assert heard.body == content
                names = [name for name, _ in heard.headers]
                assert names.count("content-length") + names.count("transfer-encoding") == 1
    assert all("/key/generate" not in heard.target for heard in setup.litellm.requests)


TARGETS = (
    "//{evil}/v1/chat/completions",
    "///{evil}/v1/chat/completions",
    "/\\{evil}/v1/chat/completions",
    "http://{evil}/v1/chat/completions",
    "/v1/../key/generate",
    "/v1/%2e%2e/key/generate",
    "/v1/%2E./key/generate",
    "/v1/chat/..%2f..%2fkey/generate",
    "/v1/..\\..\\key\\generate",
    "/v1/%5c..%5c../key/generate",
    "/../../key/generate",
    "/api/provider/x/../../key/generate",
    "/api/provider/..%2f/v1/chat/completions",
    "/api/provider/x//{evil}/v1/chat/completions",
    "/v1beta/models/gpt-5/../../key/generate:generateContent",
    "/v1beta/models/..%2F..%2Fkey%2Fgenerate:generateContent",
    "/v1/responses/../../key/generate",
    "/v1/responses/%2e%2e/%2e%2e/key/generate",
    "/v1/responses/..;/..;/key/generate",
    "/v1/files/%252e%252e/%252e%252e/key/generate",
    "/v1/files/%00/../x",
    "/v1/./chat/completions",
    "@{evil}/v1/chat/completions",
    "*",
)


@pytest.mark.parametrize("http", PARSERS)
@pytest.mark.parametrize("passthrough", [True, False])
def test_case_36_never_elsewhere(http: str, passthrough: bool, start: Start, new_server: NewServer) -> None:
    evil = new_server("evil")
    base = new_server("base")
    setup = start(config(f"{base.url}/base", passthrough_mode=passthrough, models=["*"]), http=http)
    content = json.dumps(ask()).encode()
    for target in TARGETS:
        path = target.format(evil=f"127.0.0.1:{evil.port}")
        head = f"POST {path} HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\nconnection: close\r\ncontent-length: {len(content)}\r\n\r\n"
        before = len(base.requests)
        got = setup.gateway.raw(head.encode() + content, seconds=5)
        for heard in base.requests[before:]:
            assert heard.target.startswith("/base/"), target
            assert ".." not in heard.target, target
            assert "%2e" not in heard.target.lower().replace("%252e", "%2e"), target
            assert "key/generate" not in heard.target, target
            assert "evil" not in heard.target
        assert got.startswith(b"HTTP/1.1 "), target
    assert evil.requests == []
    good = setup.gateway.post(CHAT, ask())
    assert good.is_from("base")


@pytest.mark.parametrize(
    "target", ["/v1/responses/%2e%2e/x", "/v1/files/../x", "/v1beta/models/..%2fgpt-5:generateContent"]
)
def test_case_36_litellms_paths_are_refused_when_in_doubt(target: str, start: Start) -> None:
    setup = start(passthrough_mode=True)
    got = setup.gateway.post(target, {})
    assert got.status == 400 or (got.route == "host" and ".." in target and setup.litellm.requests == [])
    assert setup.litellm.requests == []


SECRETS = {
    "authorization": "Bearer secret-1",
    "x-api-key": "secret-2",
    "api-key": "secret-3",
    "x-goog-api-key": "secret-4",
    "x-litellm-api-key": "Bearer secret-5",
    "proxy-authorization": "Basic secret-6",
    "cookie": "session=secret-7",
    "x_api_key": "secret-8",
    "x_goog_api_key": "secret-9",
    "x_litellm_api_key": "secret-10",
    "openai-organization": "secret-11",
    "openai-project": "secret-12",
    "chatgpt-account-id": "secret-13",
    "Api_Key": "secret-14",
    "x-private": "secret-15",
}
QUERY = "alt=sse&key=secret-20&api_key=secret-21&%6bey=secret-22&access_token=secret-23&KEY=secret-24&keep=%2F"


@pytest.mark.parametrize("way", ["routed", "fallback", "not routed"])
def test_case_37_secrets_stay_on_their_side(way: str, start: Start, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    setup = start(**(FALLBACK if way == "fallback" else {}), client_auth="keys", client_keys=["secret-1"])
    if way == "fallback":
        setup.host.will(Answer(429, (LIMITED,)))
    sent = [
        *SECRETS.items(),
        ("connection", "x-private"),
        ("x-request-id", "id-37"),
        ("anthropic-beta", "kept"),
        ("traceparent", "00-1-2-03"),
        ("x-forwarded-for", "203.0.113.1"),
    ]
    model = "other" if way == "not routed" else "gpt-5"
    got = setup.gateway.post(f"/v1beta/models/{model}:streamGenerateContent?{QUERY}", {"contents": []}, sent)
    wait_for(lambda: lines(caplog, "id-37"))
    assert got.status == 200
    for heard in setup.litellm.requests:
        told = f"{heard.target} {heard.headers}"
        assert "secret-" not in told
        assert heard.header("authorization") == f"Bearer {KEY}"
        assert [name for name, _ in heard.headers if "key" in name] == []
        assert heard.target.partition("?")[2] == "alt=sse&keep=%2F"
        assert heard.header("anthropic-beta") == "kept"
        assert heard.header("traceparent") == "00-1-2-03"
        assert "203.0.113.1" not in told
        assert heard.header("x-forwarded-for") == "127.0.0.1"
    for heard in setup.host.requests:
        assert KEY not in f"{heard.target} {heard.headers}"
        assert heard.target.endswith(QUERY)
        for name, value in SECRETS.items():
            assert (name.lower(), value) in heard.headers
    assert setup.counts() == {"routed": (0, 1), "fallback": (1, 1), "not routed": (1, 0)}[way]
    told = (
        f"{caplog.text} {got.headers} {got.body!r} {setup.middleware!r} {load(setup.file)!r} {vars(setup.middleware)!r}"
    )
    assert "secret-" not in told
    assert KEY not in told


def test_case_37_not_in_errors_nor_explanations(start: Start, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    setup = start()
    setup.litellm.stop()
    got = setup.gateway.post(f"{CHAT}?key=secret-1", ask(), [("authorization", "Bearer secret-2")])
    assert got.status == 502
    done = route("explain", "POST", CHAT, "--model", "gpt-5", "--config", str(setup.file))
    assert done.exit_code == 0, done.output
    told = f"{caplog.text} {got.headers} {got.body!r} {done.output}"
    assert "secret-" not in told
    assert KEY not in told
    assert setup.litellm.url not in got.body.decode()


def test_case_37_a_key_of_the_environment(start: Start, litellm: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("THE_KEY_OF_LITELLM", "sk-of-the-environment")
    setup = start(api_key="os.environ/THE_KEY_OF_LITELLM")
    assert setup.gateway.post(CHAT, ask()).is_from("litellm")
    assert litellm.last.header("authorization") == "Bearer sk-of-the-environment"


@pytest.mark.parametrize("path", [CHAT, MESSAGES, "/v1beta/models/gpt-5:generateContent"])
def test_case_37_errors_are_those_of_the_api(path: str, setup: Setup) -> None:
    """Its clients read them: LiteLLM is away."""
    setup.litellm.stop()
    got = setup.gateway.post(path, ask(), [("x-request-id", "id-9")])
    assert (got.status, got.header("content-type"), got.header("x-request-id")) == (502, "application/json", "id-9")
    assert got.route == "litellm"
    content = got.json
    assert content["error"]["message"]
    if path == MESSAGES:
        assert content["type"] == "error"
        assert content["error"]["type"]
    elif path != CHAT:
        assert content["error"]["code"] == 502


@pytest.mark.parametrize(
    "given",
    ["a\tb", "x" * 129, "a b", "", "é", "<script>", "a\x0bb", 'a"b', "a,b"],
    ids=["tab", "129 characters", "space", "empty", "latin", "tags", "control", "quote", "comma"],
)
def test_case_38_an_odd_id_is_replaced(given: str, setup: Setup) -> None:
    for model, side in (("gpt-5", setup.litellm), ("other", setup.host)):
        head = f"POST {CHAT} HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\nconnection: close\r\nx-request-id: {given}\r\n"
        content = json.dumps(ask(model)).encode()
        answer = setup.gateway.raw(f"{head}content-length: {len(content)}\r\n\r\n".encode("latin-1") + content)
        if answer.startswith(b"HTTP/1.1 400") and given == "a\x0bb":
            continue  # the server's own refusal
        found = re.search(rb"(?i)x-request-id: ([^\r]*)\r\n", answer)
        assert found, answer
        new = found[1].decode("latin-1")
        assert new != given
        assert GOOD_ID.fullmatch(new)
        assert [value for name, value in side.last.headers if name == "x-request-id"] == [new]


@pytest.mark.parametrize("given", ["a\rb", "a\r\n b", "a\nb", "a\x00b"], ids=repr)
def test_case_38_a_broken_id_goes_nowhere(given: str, setup: Setup) -> None:
    content = json.dumps(ask()).encode()
    head = f"POST {CHAT} HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\nconnection: close\r\nx-request-id: {given}\r\ncontent-length: {len(content)}\r\n\r\n"
    answer = setup.gateway.raw(head.encode("latin-1") + content)
    for heard in setup.litellm.requests:
        assert GOOD_ID.fullmatch(heard.header("x-request-id") or "")
    found = re.search(rb"(?i)x-request-id: ([^\r]*)\r\n", answer)
    assert answer.startswith(b"HTTP/1.1 400") or (found and GOOD_ID.fullmatch(found[1].decode("latin-1")))


def test_case_38_ids_are_new_each_time(setup: Setup) -> None:
    def one(_: int) -> Got:
        return setup.gateway.post(CHAT, ask())

    ids = [got.header("x-request-id") or "" for got in at_once(one)]
    assert len(set(ids)) == len(ids)
    assert all(GOOD_ID.fullmatch(one) for one in ids)
    assert {heard.header("x-litellm-call-id") for heard in setup.litellm.requests} == set(ids)


def test_case_38_a_good_id_stays(setup: Setup, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    given = "Az09._:/+=@-" + "x" * 116
    got = setup.gateway.post(f"{CHAT}?a=not-in-the-log", ask(), [("x-request-id", given)])
    assert got.header("x-request-id") == given
    wait_for(lambda: lines(caplog, given))  # it is written when the answer is over
    (line,) = lines(caplog, given)
    assert CHAT in line
    assert "litellm" in line
    assert "not-in-the-log" not in line


def lines(caplog: pytest.LogCaptureFixture, given: str) -> list[str]:
    """Returns the lines of the gateway's log that name a request."""
    found = [record.getMessage() for record in caplog.records if record.name == part("routing").__name__]
    return [line for line in found if given in line]

"""Sides that die, are slow or half open, under load: nothing is mixed up, and nothing is left. Template's file: do not edit."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections import Counter
from pathlib import Path
from random import Random

import pytest

from .conftest import FALLBACK, NewServer, Start
from .gateway import AT_ONCE, CHAT, Client, Got, ask, at_once, config, sockets, wait_for, write
from .processes import open_sockets, rss, serve
from .replies import chat_stream, openai_error
from .side import FOREVER, JSON, SSE, Answer, Received, Server, Side

LIMITED = json.dumps(openai_error("rate_limit_error", "slow down")).encode()
FOR_A_MOMENT = (*JSON, ("retry-after-ms", "1"))
SETTINGS = {
    "models": ["routed"],
    "model_mappings": {"falls-back": "gpt-5"},
    "fallback": {"enabled": True, "hold-seconds": 1, "cooldown-seconds": 0.01},
    "timeouts": {"connect-seconds": 1, "idle-seconds": 2},
}
KINDS = [
    ("routed", True),
    ("routed", False),
    ("other", True),
    ("other", False),
    ("falls-back", True),
    ("falls-back", False),
]


def slow_stream(name: str) -> Answer:
    """Returns a stream that takes a while, so that there is a middle to die in."""
    pieces: list[bytes | float] = []
    for piece in chat_stream(name):
        pieces += [piece, 0.01]
    return Answer(pieces=tuple(pieces), headers=SSE)


def says(side: Side) -> None:
    """Lets a side answer slowly; the host is now and then out of quota."""
    choose = Random(side.name)

    def answers(received: Received) -> Answer:
        if side.name == "host" and choose.random() < 0.3:
            return Answer(429, (LIMITED,), FOR_A_MOMENT)
        return slow_stream(side.name) if b'"stream": true' in received.body else side.own_answer(received)

    side.answers = answers


def outcome(got: Got) -> str:
    """Returns what an answer is: a side's whole one, an honest error or a cut; anything else is none of these."""
    if not got.whole:
        return "cut"
    if got.status != 200:
        return str(got.status) if got.body else "an error without a word"
    for name in ("host", "litellm"):
        if got.body == b"".join(chat_stream(name)) or (got.is_from(name) and b"data:" not in got.body):
            return name
    return f"mixed up: {got}"


def load_with(client: Client, seconds: float, spoil: list[Server], *, callers: int = 32) -> Counter[str]:
    """Calls for a while, with sides that die at random moments; returns how often each outcome came."""
    over = threading.Event()
    found: Counter[str] = Counter()

    def calls(index: int) -> None:
        choose = Random(index)
        while not over.is_set():
            model, stream = choose.choice(KINDS)
            try:
                found[outcome(client.post(CHAT, ask(model, stream=stream)))] += 1
            except (OSError, ValueError) as error:
                found[f"no answer: {type(error).__name__}"] += 1

    threads = [threading.Thread(target=calls, args=(index,), daemon=True) for index in range(callers)]
    for thread in threads:
        thread.start()
    choose = Random(7)
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        time.sleep(choose.uniform(0.02, 0.3))
        side = choose.choice(spoil)
        side.stop()
        time.sleep(choose.uniform(0.0, 0.1))
        side.start()
    over.set()
    for thread in threads:
        thread.join(30)
        assert not thread.is_alive(), "a call hangs"
    return found


HONEST = {"host", "litellm", "cut", "429", "502", "504"}


@pytest.mark.slow
def test_sides_that_die_at_random_moments(new_server: NewServer, tmp_path: Path) -> None:
    host, litellm = new_server("host"), new_server("litellm")
    says(host)
    says(litellm)
    file = write(tmp_path / "routing.yaml", config(litellm.url, **SETTINGS))
    with serve(file, "--host-url", host.url) as served:
        assert served.client.post(CHAT, ask("routed")).is_from("litellm")
        assert served.client.post(CHAT, ask("other")).status in (200, 429)
        time.sleep(6)  # connections that were kept are closed
        before = open_sockets(served.process.pid)
        found = load_with(served.client, 20, [host, litellm])
        assert set(found) <= HONEST, found
        assert min(found["host"], found["litellm"], found["502"] + found["cut"]) > 0, found
        wait_for(lambda: host.open + litellm.open == 0)
        wait_for(lambda: open_sockets(served.process.pid) <= before, seconds=12)
        assert served.client.post(CHAT, ask("routed")).is_from("litellm")
        assert "Traceback" not in served.said()


@pytest.mark.slow
def test_litellm_dies_and_no_task_is_left(start: Start) -> None:
    setup = start(**SETTINGS)
    says(setup.host)
    says(setup.litellm)
    before = sockets()
    found = load_with(setup.gateway, 10, [setup.litellm])
    assert set(found) <= HONEST, found
    assert setup.gateway.rests() == []
    assert setup.host.open + setup.litellm.open == 0
    wait_for(lambda: sockets() <= before + 2, seconds=12)


@pytest.mark.slow
def test_two_hundred_disconnects(start: Start) -> None:
    setup = start(**SETTINGS)
    assert setup.gateway.post(CHAT, ask("routed")).is_from("litellm")
    time.sleep(6)
    before = sockets()
    for side in (setup.host, setup.litellm):
        choose = Random(side.name)
        kinds = [Answer(waits=FOREVER), Answer(pieces=(chat_stream("x")[0], FOREVER), headers=SSE)]
        kinds.append(Answer(pieces=(*chat_stream("x")[:3], FOREVER), headers=SSE))
        if side is setup.host:
            kinds.append(Answer(429, (LIMITED,), FOR_A_MOMENT))
        side.answers = lambda _, choose=choose, kinds=kinds: choose.choice(kinds)  # type: ignore[misc]
    choose = Random(3)
    late = []
    for index in range(200):
        asked = [len(setup.host.requests) + len(setup.litellm.requests)]
        model, stream = KINDS[index % len(KINDS)]
        pause = choose.uniform(0, 0.03)

        def reached(asked: list[int] = asked) -> bool:
            return len(setup.host.requests) + len(setup.litellm.requests) > asked[0]

        with socket.create_connection(("127.0.0.1", setup.gateway.port)) as connection:
            content = json.dumps(ask(model, stream=stream)).encode()
            head = f"POST {CHAT} HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: {len(content)}\r\n\r\n"
            connection.sendall(head.encode() + content)
            wait_for(reached)
            time.sleep(pause)
        gone = time.perf_counter()
        wait_for(lambda: setup.host.open + setup.litellm.open == 0)
        late.append(time.perf_counter() - gone)
    assert sorted(late)[100] < 0.1, late
    assert setup.gateway.rests() == []
    wait_for(lambda: sockets() <= before, seconds=12)
    setup.host.answers, setup.litellm.answers = setup.host.own_answer, setup.litellm.own_answer
    assert setup.gateway.post(CHAT, ask("routed")).is_from("litellm")
    assert setup.gateway.post(CHAT, ask("other")).is_from("host")


@pytest.mark.parametrize("stream", [True, False])
def test_a_side_that_takes_a_request_and_says_nothing(stream: bool, start: Start) -> None:
    setup = start(**{**SETTINGS, "timeouts": {"connect-seconds": 1, "idle-seconds": 0.5}})
    setup.litellm.will(Answer(waits=FOREVER))
    got = setup.gateway.post(CHAT, ask("routed", stream=stream))
    assert (got.status, got.route) == (504, "litellm")
    wait_for(lambda: setup.litellm.open == 0)
    assert setup.gateway.rests() == []


def test_a_stream_that_goes_silent_is_cut(start: Start) -> None:
    setup = start(**{**SETTINGS, "timeouts": {"connect-seconds": 1, "idle-seconds": 0.5}})
    setup.litellm.will(Answer(pieces=(*chat_stream("litellm")[:3], FOREVER), headers=SSE))
    got = setup.gateway.post(CHAT, ask("routed", stream=True))
    assert not got.whole
    assert b"[DONE]" not in got.body
    assert setup.gateway.rests() == []


def test_a_litellm_that_is_not_there(start: Start) -> None:
    setup = start(**SETTINGS)
    setup.litellm.stop()
    results = at_once(lambda _: setup.gateway.post(CHAT, ask("routed")))
    assert {got.status for got in results} == {502}
    assert setup.host.requests == []
    setup.litellm.start()
    assert setup.gateway.post(CHAT, ask("routed")).is_from("litellm")
    assert setup.gateway.rests() == []


def test_a_kept_connection_that_has_died_is_no_error(start: Start) -> None:
    """LiteLLM was started anew between two calls."""
    setup = start(**SETTINGS)
    for _ in range(5):
        assert setup.gateway.post(CHAT, ask("routed")).is_from("litellm")
        setup.litellm.stop()
        setup.litellm.start()
        time.sleep(0.05)


def test_bodies_beyond_the_buffer_are_streamed(start: Start) -> None:
    """They reach the host, and do without a fallback."""
    setup = start(**FALLBACK, limits={"total-buffer": 200_000})
    setup.host.always(Answer(429, (LIMITED,), (*JSON, ("retry-after-ms", "1"))))
    small = setup.gateway.post(CHAT, ask(padding="x" * 1000))
    assert small.is_from("litellm")
    time.sleep(0.01)
    large = setup.gateway.post(CHAT, ask(padding="x" * 400_000))
    assert (large.status, large.route) == (429, "host")
    assert len(setup.host.last.body) > 400_000
    time.sleep(0.01)
    for _ in range(20):  # what was held is let go again
        assert setup.gateway.post(CHAT, ask(padding="x" * 100_000)).is_from("litellm")
        time.sleep(0.01)


def test_a_body_that_is_too_large_to_read_is_streamed(start: Start) -> None:
    setup = start(limits={"inspect-bytes": 100_000})
    got = setup.gateway.post(CHAT, ask(padding="x" * 200_000))
    assert got.is_from("host")
    assert len(json.loads(setup.host.last.body)["padding"]) == 200_000
    assert setup.litellm.requests == []


@pytest.mark.slow
def test_eight_bodies_of_ten_megabytes(new_server: NewServer, tmp_path: Path) -> None:
    host, litellm = new_server("host"), new_server("litellm")
    host.keeps_bodies = litellm.keeps_bodies = False
    file = write(tmp_path / "routing.yaml", config(litellm.url, **SETTINGS))
    with serve(file, "--host-url", host.url) as served:
        served.client.post(CHAT, ask("routed"))
        before = rss(served.process.pid, peak=True)
        body = json.dumps(ask("routed", padding="x" * 10_000_000)).encode()
        for got in at_once(lambda _: served.client.post(CHAT, body), 8):
            assert got.is_from("litellm")
        assert rss(served.process.pid, peak=True) - before < 3 * 8 * len(body)
        for got in at_once(lambda _: served.client.post(CHAT, body.replace(b'"routed"', b'"other"')), 8):
            assert got.is_from("host")


@pytest.mark.slow
def test_memory_does_not_grow(new_server: NewServer, tmp_path: Path) -> None:
    host, litellm = new_server("host"), new_server("litellm")
    file = write(tmp_path / "routing.yaml", config(litellm.url, **SETTINGS))
    with serve(file, "--host-url", host.url) as served:

        def some() -> None:
            for _ in range(10):
                at_once(
                    lambda index: served.client.post(
                        CHAT, ask(("routed", "other", "falls-back")[index % 3], padding="x" * 50_000)
                    ),
                    AT_ONCE,
                )
                host.requests.clear()
                litellm.requests.clear()

        some()
        some()
        before = rss(served.process.pid)
        for _ in range(4):
            some()
        assert rss(served.process.pid) - before < 16 * 2**20

"""The cache of tokens by itself: who waits, who does not, and what a failure leads to. Template's file."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from ...package import package, part

cached: Any = part("auth.cache")
authenticators: Any = part("auth.authenticator")
tokens: Any = part("auth.tokens")


class Source:
    """Issues tokens, slowly or not at all.

    Args:
        life: seconds that each token lasts.
        seconds: how long it takes to get one.
    """

    def __init__(self, life: float = 3600.0, seconds: float = 0.0) -> None:
        self.life = life
        self.seconds = seconds
        self.failure: BaseException | None = None
        self.asked = 0
        self.previous: list[Any] = []

    def check(self) -> None:
        """Has nothing to check."""

    def fetch(self, previous: Any, refused: Any) -> Any:
        """Returns a token with a number."""
        self.asked += 1
        self.previous.append(previous)
        time.sleep(self.seconds)
        if self.failure:
            raise self.failure
        now = time.time()
        return tokens.Token(f"token-{self.asked}", expires_at=now + self.life, issued_at=now)


class Clock:
    """The time, which a test can move on."""

    def __init__(self) -> None:
        self.real = time.time
        self.ahead = 0.0

    def __call__(self) -> float:
        return self.real() + self.ahead


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """A clock in place of the machine's."""
    moved = Clock()
    monkeypatch.setattr(time, "time", moved)
    return moved


def test_good_token_waits_for_nobody(clock: Clock) -> None:
    """It is renewed in the background when its life is nearly over, once."""
    source = Source(life=100.0)
    credential = cached.CachedAuthenticator(source)
    assert credential.get_token().value == "token-1"
    source.seconds = 0.5
    clock.ahead = 80.0  # in the last quarter, but not in the last tenth
    before = time.monotonic()
    assert {credential.get_token().value for _ in range(20)} == {"token-1"}
    assert time.monotonic() - before < 0.4
    time.sleep(0.8)
    assert credential.get_token().value == "token-2"
    assert source.asked == 2


def test_failing_renewal_of_a_good_token(clock: Clock) -> None:
    source = Source(life=100.0)
    credential = cached.CachedAuthenticator(source)
    credential.get_token()
    source.failure = authenticators.CredentialError("down", retry_after=0.0)
    clock.ahead = 80.0
    assert {credential.get_token().value for _ in range(20)} == {"token-1"}
    clock.ahead = 99.0
    with pytest.raises(authenticators.CredentialError, match="down"):
        credential.get_token()


@pytest.mark.parametrize("skew", [-300, 300])
def test_clock_that_is_wrong(skew: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """A life in seconds is a life in seconds, whatever the time is."""
    real = time.time
    monkeypatch.setattr(time, "time", lambda: real() + skew)
    source = Source(life=120.0)
    credential = cached.CachedAuthenticator(source)
    assert [credential.get_token().value for _ in range(3)] == ["token-1"] * 3
    monkeypatch.setattr(time, "time", lambda: real() + skew + 119)
    assert credential.get_token().value == "token-2"


def test_failures_are_rare_and_short() -> None:
    """Callers learn of a failure at once, and only now and then does one of them cause another request."""
    source = Source()
    source.failure = authenticators.CredentialError("the server is down", retry_after=0.0)
    credential = cached.CachedAuthenticator(source)
    end = time.monotonic() + 1.6
    while time.monotonic() < end:
        with pytest.raises(authenticators.CredentialError, match="the server is down"):
            credential.get_token()
    assert source.asked == 2
    source.failure = None
    time.sleep(1.6)
    assert credential.get_token().value == "token-3"


def test_pause_that_the_server_asks_for() -> None:
    source = Source()
    source.failure = authenticators.CredentialError("slow down", retry_after=30.0)
    credential = cached.CachedAuthenticator(source)
    for _ in range(3):
        with pytest.raises(authenticators.CredentialError):
            credential.get_token()
        time.sleep(0.6)
    assert source.asked == 1


def test_waiter_that_gives_up() -> None:
    """The others get their token all the same, on this loop and on another, and from threads."""
    source = Source(seconds=0.4)
    credential = cached.CachedAuthenticator(source)
    found: list[str] = []
    thread = threading.Thread(target=lambda: found.append(credential.get_token().value))

    async def both() -> str:
        first = asyncio.ensure_future(credential.aget_token())
        await asyncio.sleep(0.1)
        second = asyncio.ensure_future(credential.aget_token())
        await asyncio.sleep(0)
        first.cancel()
        with pytest.raises(asyncio.CancelledError):
            await first
        return str((await second).value)

    thread.start()
    assert asyncio.run(both()) == "token-1"
    thread.join(5)
    assert found == ["token-1"]
    assert source.asked == 1


def test_waiter_whose_time_is_up() -> None:
    source = Source(seconds=0.5)
    credential = cached.CachedAuthenticator(source)
    with pytest.raises(authenticators.CredentialTimeoutError, match=r"within 0\.1 seconds"):
        credential.get_token(within=0.1)

    async def wait() -> None:
        with pytest.raises(authenticators.CredentialTimeoutError):
            await credential.aget_token(within=0.1)

    asyncio.run(wait())
    assert credential.get_token().value == "token-1"
    assert source.asked == 1


def test_error_that_nobody_foresaw() -> None:
    """Its text is not passed on: it may quote a secret."""
    source = Source()
    source.failure = RuntimeError("secret-17")
    with pytest.raises(authenticators.CredentialError, match="RuntimeError") as caught:
        cached.CachedAuthenticator(source).get_token()
    assert "secret-17" not in str(caught.value)


def test_new_token_that_is_refused() -> None:
    """Another one is fetched once; when it is refused as well, a third would not help."""
    source = Source()
    credential = cached.CachedAuthenticator(source)
    first = credential.get_token()
    second = credential.get_token(refused=first)
    assert second.value == "token-2"
    assert [credential.get_token(refused=second).value for _ in range(5)] == ["token-2"] * 5
    assert credential.get_token(refused=first).value == "token-2"
    assert source.asked == 2


def test_many_whose_token_is_refused() -> None:
    """All wait for the one renewal, also those that come while it is under way."""
    source = Source()
    credential = cached.CachedAuthenticator(source)
    first = credential.get_token()
    source.seconds = 0.5
    found: list[str] = []

    def renew() -> None:
        found.append(credential.get_token(refused=first).value)

    threads = [threading.Thread(target=renew) for _ in range(20)]
    for thread in threads:
        thread.start()
        time.sleep(0.01)
    for thread in threads:
        thread.join(10)
    assert found == ["token-2"] * 20
    assert source.asked == 2


def test_refused_token_that_cannot_be_renewed() -> None:
    """Every call learns why; the refused token is not taken for another one."""
    source = Source()
    credential = cached.CachedAuthenticator(source)
    first = credential.get_token()
    source.failure = authenticators.CredentialError("the server is down", retry_after=30.0)
    for _ in range(3):
        with pytest.raises(authenticators.CredentialError, match="the server is down"):
            credential.get_token(refused=first)
    assert source.asked == 2


@pytest.mark.parametrize("life", [0.0, -5.0, 0.01])
def test_server_whose_tokens_have_no_life(life: float) -> None:
    """It is not asked for each call."""
    source = Source(life=life)
    credential = cached.CachedAuthenticator(source)
    assert {credential.get_token().value for _ in range(50)} == {"token-1"}


def test_stored_token_of_another_process(clock: Clock) -> None:
    """It is used while it is good, also when the server is down, and renewed in the background."""
    store = part("auth.store").MemoryStore()
    first = cached.CachedAuthenticator(Source(life=100.0), store)
    assert first.get_token().value == "token-1"
    clock.ahead = 80.0
    source = Source(seconds=0.3)
    source.failure = authenticators.CredentialError("down", retry_after=0.0)
    second = cached.CachedAuthenticator(source, store)
    before = time.monotonic()
    assert [second.get_token().value for _ in range(5)] == ["token-1"] * 5
    assert time.monotonic() - before < 0.3


def test_no_thread_can_be_started(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    """A good token does not need one."""
    credential = cached.CachedAuthenticator(Source(life=100.0))
    credential.get_token()

    def fail(self: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", fail)
    clock.ahead = 80.0
    assert credential.get_token().value == "token-1"
    clock.ahead = 99.0
    with pytest.raises(authenticators.CredentialError, match="no thread"):
        credential.get_token()


def test_error_that_ends_programs() -> None:
    """The ones who wait learn of it."""
    source = Source()
    source.failure = SystemExit(3)
    credential = cached.CachedAuthenticator(source)
    with pytest.raises(authenticators.CredentialError, match="SystemExit"):
        credential.get_token(within=5)


def test_program_that_ends_during_a_renewal(tmp_path: Path) -> None:
    """It waits until the new token is kept: the old refresh token may be used up."""
    script = f"""
import importlib, pathlib, time
part = lambda name: importlib.import_module("{package.__name__}.auth." + name)
tokens = part("tokens")
class Source:
    life = 100.0
    def fetch(self, previous, refused):
        if previous:
            time.sleep(0.7)
        now = time.time()
        return tokens.Token("second" if previous else "first", expires_at=now + 1.2, issued_at=now)
credential = part("cache").CachedAuthenticator(Source(), part("store").FileStore(pathlib.Path({str(tmp_path / "t")!r})))
credential.get_token()
time.sleep(1.05)
credential.get_token()
"""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    subprocess.run([sys.executable, "-c", script], check=True, timeout=30, env=environment)
    assert part("auth.store").FileStore(tmp_path / "t").load().value == "second"


def test_logout_while_another_process_runs() -> None:
    """It does not bring back what was logged out of."""
    store = part("auth.store").MemoryStore()
    source = Source(life=0.0)
    running = cached.CachedAuthenticator(source, store)
    running.get_token()
    store.clear()
    time.sleep(1.1)
    running.get_token()
    assert source.previous == [None, None]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="declared: this system has no fork")
def test_fork_in_the_middle() -> None:
    """A child does not wait for a thread that stayed with its parent."""
    source = Source(seconds=0.5)
    credential = cached.CachedAuthenticator(source)
    thread = threading.Thread(target=credential.get_token)
    thread.start()
    time.sleep(0.1)
    child = os.fork()
    if child == 0:
        signal.alarm(10)
        os._exit(0 if credential.get_token().value == "token-2" else 1)
    assert os.waitpid(child, 0)[1] == 0
    thread.join(5)
    assert credential.get_token().value == "token-1"

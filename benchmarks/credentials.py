"""Measures what a good credential costs each call: from the authenticator to the end of httpx's `Auth` flow.

`python -m benchmarks.credentials` is the program that measures; it runs where the rendered packages are.
"""

from __future__ import annotations

import importlib
import json
import os
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks.rounds import Times, turns

ROOT = Path(__file__).parents[1]
CALLS = 5000
BASIC = "httpx: BasicAuth"
AUTHLIB = "Authlib: OAuth2Client's token, looked at and put in"
KEY = "API key"
KEPT = "token that is kept (OAuth, signed JWT, command)"
FILE = "token file, looked at"
CHAIN = "no token file, else a token that is kept"
NAMES = (BASIC, AUTHLIB, KEY, KEPT, FILE, CHAIN)


def run_credentials(python: Path, keys: Path, tokens: Path, rounds: int) -> Times:
    """Measures all of them in one process.

    Args:
        python: of an environment with the dependencies of both packages.
        keys: a package with API keys, its module named `bench_keys`.
        tokens: a package with a token file, else client credentials, its module named `bench_tokens`.
        rounds: how often each has its turn.
    """
    paths = [ROOT, keys / "src", tokens / "src"]
    done = subprocess.run(
        [str(python), "-m", "benchmarks.credentials", str(rounds)],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(map(str, paths))},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    return Times(**json.loads(done.stdout))


def _main(rounds: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        contenders = _contenders(Path(folder))
        times = Times.of(NAMES)
        for number, name in turns(NAMES, rounds + 1):
            started, processor = time.perf_counter(), time.process_time()
            for _ in range(CALLS):
                contenders[name]()
            if number:  # the first round warms up
                clock, used = time.perf_counter() - started, time.process_time() - processor
                times.add(name, clock / CALLS, used / CALLS)
    print(json.dumps(times.as_json()))


def _contenders(folder: Path) -> dict[str, Callable[[], None]]:
    import httpx

    request = httpx.Request("POST", "https://api.example.com/v1/chat/completions", content=b"{}")
    response = httpx.Response(200, request=request)

    def flow(make: Callable[[], Any]) -> Callable[[], None]:
        def call() -> None:
            request.headers.pop("authorization", None)
            steps = make().sync_auth_flow(request)
            next(steps)
            try:
                steps.send(response)
            except StopIteration:
                return
            raise AssertionError("the request would be sent again")

        return call

    warnings.simplefilter("ignore")
    client_class = importlib.import_module("authlib.integrations.httpx_client").OAuth2Client
    client = client_class("id", "secret", token={"access_token": "t" * 800, "expires_at": time.time() + 1e6})

    def authlib() -> Any:
        client.ensure_active_token(client.token)
        return client.token_auth

    keys = importlib.import_module("bench_keys.auth")
    part: Callable[[str], Any] = lambda name: importlib.import_module(f"bench_tokens.auth.{name}")  # noqa: E731
    kept = part("cache").CachedAuthenticator(_Source(part("tokens").Token))
    file = folder / "token"
    file.write_text("t" * 800)
    of_file: Callable[[Path], Any] = lambda path: part("token_file").authenticator(  # noqa: E731
        part("token_file").Settings(token_file=str(path))
    )
    authenticators = {
        KEY: keys.make_authenticator(keys.AuthSettings(api_key="k" * 40)),
        KEPT: kept,
        FILE: of_file(file),
        CHAIN: part("chained").ChainedAuthenticator(of_file(folder / "nothing"), kept),
    }
    basic = httpx.BasicAuth("user", "password")
    return {
        BASIC: flow(lambda: basic),
        AUTHLIB: flow(authlib),
        **{name: flow(lambda made=made: made.for_call(None)) for name, made in authenticators.items()},  # type: ignore[misc]
    }


class _Source:
    """Gives one token that is good for long."""

    def __init__(self, token: Any) -> None:
        self._token = token

    def check(self) -> None:
        """Has nothing to check."""

    def fetch(self, previous: object, refused: object) -> Any:
        """Returns the token."""
        now = time.time()
        return self._token("t" * 800, expires_at=now + 1e6, issued_at=now)


if __name__ == "__main__":
    _main(int(sys.argv[1]))

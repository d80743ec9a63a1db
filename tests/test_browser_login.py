"""A login with a real browser: the command of a rendered package, a consent page, and a call with the token."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from testing.answers import Answers
from testing.support import UV, Tools, environment, locked, must, render, run

ANSWERS: Answers = {"auth": "oauth_authorization_code", "token_store": "file", "include": ["cli"]}
NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
# Plays the authorization server and the upstream until its input ends, then says what they have seen.
SERVERS = """
import json, sys
from tests.conformance.auth.authorization_server import CLIENT_ID, AuthorizationServer
from tests.conformance.server import Upstream
from tests.upstream import UpstreamFormat

def say(**values):
    print(json.dumps(values), flush=True)

with AuthorizationServer() as server, Upstream(UpstreamFormat()) as upstream:
    sent = lambda request: request.headers.get("authorization", "").removeprefix("Bearer ")
    upstream.guard = lambda request: server.valid(sent(request))
    say(server=server.url, upstream=upstream.url, client_id=CLIENT_ID)
    sys.stdin.read()
    say(
        token_requests=server.token_requests,
        secrets=sorted(server.secrets),
        calls=[server.valid(sent(request)) for request in upstream.requests],
    )
"""
CALL = """
import litellm, litellm_acme_ai
litellm_acme_ai.register()
messages = [{"role": "user", "content": "hello browser"}]
print(litellm.completion(model="acme-ai/chat-large", messages=messages).choices[0].message.content)
"""


@pytest.fixture(scope="module")
def chromium() -> str:
    """Finds Chromium, or installs it where that needs nobody's leave; without one, the tests are skipped."""
    wanted = [os.environ["CHROMIUM"]] if os.environ.get("CHROMIUM") else NAMES
    with locked("chromium") as folder:
        found = _first(wanted)
        log = folder / "apt-get.log"
        if not found and _may_install() and not log.exists():
            options = ("--yes", "--quiet", "--no-install-recommends")
            more = {"DEBIAN_FRONTEND": "noninteractive"}
            said = run("apt-get", "update", "--quiet", cwd=folder, **more).stdout
            said += run("apt-get", "install", *options, "chromium", cwd=folder, **more).stdout
            log.write_text(said, encoding="utf-8")
            found = _first(wanted)
    if not found:
        tried = f" (`apt-get install chromium` did not help: see {log})" if log.exists() else ""
        pytest.skip(f"no browser here: install Chromium, or set CHROMIUM to the path of one{tried}")
    return found


def _first(names: Iterable[str]) -> str | None:
    return next((path for name in names if (path := shutil.which(name))), None)


def _may_install() -> bool:
    return os.geteuid() == 0 and shutil.which("apt-get") is not None and not os.environ.get("CHROMIUM")


@pytest.fixture
def browser(chromium: str, tmp_path: Path) -> Iterator[str]:
    """Gives a value of BROWSER that opens an address in Chromium; it is ended after the test."""
    script, running = tmp_path / "browser", tmp_path / "browser.pid"
    command = " ".join([chromium, *FLAGS, f"--user-data-dir={tmp_path / 'profile'}"])
    script.write_text(f'#!/bin/sh\necho $$ > {running}\nexec {command} "$1" > {script}.log 2>&1\n', encoding="utf-8")
    script.chmod(0o700)
    # With & at its end, Python's webbrowser does not wait for the end of the browser.
    yield f"{script} %s &"
    if running.is_file():
        with suppress(ProcessLookupError):
            # webbrowser gives it a process group of its own.
            os.killpg(int(running.read_text(encoding="utf-8")), signal.SIGKILL)


@pytest.fixture
def package(copier_template: Path, tmp_path: Path) -> Path:
    """A provider whose users log in with the browser."""
    return render(copier_template, tmp_path / "package", ANSWERS)


class Login:
    """The rendered package, installed, with servers for it.

    Args:
        package: its folder.
        site: where it is installed.
        tools: what runs it.
        told: what the servers said first.
        home: for its files.
    """

    def __init__(self, package: Path, site: Path, tools: Tools, told: dict[str, str], home: Path) -> None:
        self._package = package
        self._site = site
        self._tools = tools
        self.command = site / "bin" / "litellm-acme-ai"
        self.environment = {
            "PYTHONPATH": str(site),
            "HOME": str(home),
            "XDG_STATE_HOME": str(home / "state"),
            "NO_PROXY": "127.0.0.1",
            "LITELLM_LOCAL_MODEL_COST_MAP": "True",
            "ACME_AI_API_BASE": f"{told['upstream']}/v1",
            "ACME_AI_AUTHORIZE_URL": f"{told['server']}/authorize",
            "ACME_AI_TOKEN_URL": f"{told['server']}/token",
            "ACME_AI_CLIENT_ID": told["client_id"],
        }

    def run(self, *arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
        """Runs the package's command; a login that waits for somebody is ended after two minutes."""
        return subprocess.run(
            [self.command, *arguments],
            cwd=self._package,
            env=environment(**self.environment, **more),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=120,
            check=False,
        )

    def call(self) -> str:
        """Makes a call through LiteLLM in a process of its own; returns the answer."""
        own = {
            name: value
            for name, value in self.environment.items()
            if name not in ("PYTHONPATH", "LITELLM_LOCAL_MODEL_COST_MAP")
        }
        done = self._tools.with_litellm(self._package, "-c", CALL, path=(self._site,), **own)
        assert done.returncode == 0, done.stdout
        return done.stdout


@contextmanager
def servers(package: Path, site: Path, python: Path) -> Iterator[subprocess.Popen[str]]:
    """Runs the authorization server and the upstream of the package's own tests."""
    with subprocess.Popen(
        [python, "-c", SERVERS],
        cwd=package,
        env=environment(PYTHONPATH=str(site)),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def line_of(process: subprocess.Popen[str]) -> dict[str, Any]:
    """Returns the next thing that the servers say."""
    assert process.stdout is not None
    line = process.stdout.readline()
    assert line, "the servers have ended"
    said: dict[str, Any] = json.loads(line)
    return said


def test_a_person_logs_in_with_the_browser(browser: str, package: Path, tools: Tools, tmp_path: Path) -> None:
    site = tmp_path / "site"
    must(
        UV,
        "pip",
        "install",
        "--quiet",
        "--no-deps",
        "--python",
        tools.python,
        "--target",
        site,
        package,
        cwd=tmp_path,
    )
    with servers(package, site, tools.python) as process:
        login = Login(package, site, tools, line_of(process), tmp_path)

        before = login.run("status", "--json")
        assert before.returncode == 1, before.stdout
        assert json.loads(before.stdout)["ready"] is False

        done = login.run("login", BROWSER=browser)
        assert done.returncode == 0, done.stdout

        after = login.run("status", "--json")
        assert after.returncode == 0, after.stdout
        status = json.loads(after.stdout)
        assert status["ready"] is True
        assert status["renewable"] is True
        assert status["who"] == "ada@example.com"

        assert "You said: hello browser" in login.call()

        assert process.stdin is not None
        process.stdin.close()
        seen = line_of(process)

    assert seen["token_requests"] == 1
    assert seen["calls"] == [True]
    shown = f"{before.stdout}{done.stdout}{after.stdout}"
    assert not [secret for secret in seen["secrets"] if secret in shown]
    kept = [path for path in (tmp_path / "state").rglob("*.json") if path.is_file()]
    assert [path.stat().st_mode & 0o777 for path in kept] == [0o600]

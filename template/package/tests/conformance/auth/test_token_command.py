"""Commands that print tokens, and commands that do not. Template's file: do not edit."""

from __future__ import annotations

import json
import os
import shlex
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from ...package import answers, part
from .token_account import put

module: Any = part("auth.token_command")
authenticators: Any = part("auth.authenticator")


def credential(*words: str, **settings: Any) -> Any:
    given = {"token_command": shlex.join(words), "token_store": "memory", **settings}
    return module.authenticator(module.Settings(**given))


def python(script: str, *arguments: str, **settings: Any) -> Any:
    return credential(sys.executable, "-S", "-c", script, *arguments, **settings)


def test_bare_token() -> None:
    token = python("print('  the-token  ')").get_token()
    assert (token.value, token.expires_at) == ("the-token", None)


def test_arguments_are_not_for_a_shell(tmp_path: Path) -> None:
    script = "import sys; print('-'.join(sys.argv[1:]).encode().hex())"
    words = ["$HOME", "`id`", "a b", f"; touch {tmp_path}/x", "|", "*", "'"]
    assert bytes.fromhex(python(script, *words).get_token().value).decode() == "-".join(words)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("fields", "life"),
    [({"expires_in": 60}, 60.0), ({"expires_on": "2033-05-18T03:33:20Z"}, None), ({"expires_at": 2e12}, None)],
)
def test_json(fields: dict[str, Any], life: float | None) -> None:
    content = dict(fields)
    put(content, answers.TOKEN_COMMAND_FIELD, "in-json")
    token = python("import sys; print(sys.argv[1])", json.dumps(content)).get_token()
    assert token.value == "in-json"
    assert token.expires_at == pytest.approx(time.time() + life if life else 2e9, abs=5)


def test_where_the_expiry_is() -> None:
    content = json.dumps({"status": {"token": "t", "expirationTimestamp": "2033-05-18T03:33:20Z"}})
    names = {"token_command_field": "status.token", "token_command_expiry": "status.expirationTimestamp"}
    token = python("import sys; print(sys.argv[1])", content, **names).get_token()
    assert (token.value, token.expires_at) == ("t", 2e9)


@pytest.mark.parametrize(
    ("script", "says"),
    [
        ("raise SystemExit('secret-4')", "status 1"),
        ("import os; os.kill(os.getpid(), 9)", "status -9"),
        ("print()", "gives no token"),
        ("print('secret-4 and more')", "gives no token"),
        ("print('{')", "neither a token nor JSON"),
        ("print('{\"a\":' * 9999)", "neither a token nor JSON"),
        ("import sys; sys.stdout.buffer.write(bytes(range(256)))", "neither a token nor JSON"),
        ("print('x' * 100000)", "gives no token"),
    ],
)
def test_command_that_prints_no_token(script: str, says: str) -> None:
    with pytest.raises(authenticators.CredentialError, match=says) as caught:
        python(script).get_token()
    assert "by hand" in str(caught.value)
    assert "secret-4" not in str(caught.value)
    assert caught.value.retry_after == 1.0


def test_command_without_end() -> None:
    with pytest.raises(authenticators.CredentialError, match="without end"):
        python("while True: print('x' * 65536)").get_token()


@pytest.mark.skipif(os.name == "nt", reason="declared: this system has no process groups")
def test_command_that_takes_too_long(tmp_path: Path) -> None:
    """It is ended with its children, one of which holds the pipe."""
    marker = tmp_path / "still-here"
    child = f"import time; time.sleep(1.5); open({str(marker)!r}, 'w')"
    script = f"import subprocess, sys, time; subprocess.Popen([sys.executable, '-S', '-c', {child!r}]); time.sleep(60)"
    before = time.monotonic()
    with pytest.raises(authenticators.CredentialError, match=r"ended after 0\.5 seconds"):
        python(script, token_command_timeout=0.5).get_token()
    assert time.monotonic() - before < 5
    time.sleep(1.5)
    assert not marker.exists()


@pytest.mark.skipif(os.name == "nt", reason="declared: this system has no sessions")
def test_program_that_is_left_behind() -> None:
    """It keeps the pipe open, and nobody waits for it."""
    script = "import os, sys, time; print('the-token', flush=True); os.fork() or (os.setsid(), time.sleep(4))"
    before = time.monotonic()
    assert python(script).get_token().value == "the-token"
    assert time.monotonic() - before < 3


def test_no_such_command() -> None:
    mine = credential("no-such-command-anywhere", "print")
    with pytest.raises(authenticators.CredentialError, match="`no-such-command-anywhere` cannot be started") as caught:
        mine.get_token()
    assert "TOKEN_COMMAND" in str(caught.value)
    assert not mine.status().ready


@pytest.mark.parametrize("command", ["", "  ", "print 'a"])
def test_setting_that_is_no_command(command: str) -> None:
    with pytest.raises(ValidationError, match="it must be a command"):
        module.Settings(token_command=command)

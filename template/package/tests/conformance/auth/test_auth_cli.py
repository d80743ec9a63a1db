"""`login`, `logout` and `status`. Template's file: do not edit."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from ...package import IN_TREE, answers, cli, package, part
from ..conftest import use
from ..server import Upstream
from .account import Account, open_account

INTERACTIVE = "refresh_token" in part(f"auth.{answers.AUTH[0]}").Settings.model_fields


@pytest.fixture
def account(tmp_path: Path, upstream: Upstream, monkeypatch: pytest.MonkeyPatch) -> Iterator[Account]:
    with open_account(tmp_path / "own") as opened:
        use(opened, upstream, monkeypatch)
        yield opened


def run(*arguments: str) -> Any:
    return CliRunner().invoke(cli.app, arguments)


def test_state(account: Account) -> None:
    done = run("status")
    assert done.exit_code == 0, done.output
    assert done.stdout.startswith("ready: ")
    state = json.loads(run("status", "--json").stdout)
    assert state["ready"] is True
    assert state["kind"] in answers.AUTH
    assert not [secret for secret in account.secrets if secret in f"{done.output} {state}"]


@pytest.mark.skipif(INTERACTIVE, reason="declared: a person has to be there, which other tests play")
def test_login_and_logout(account: Account) -> None:
    done = run("login")
    assert done.exit_code == 0, done.output
    after = run("status", "--json")
    assert json.loads(after.stdout)["ready"] is True
    left = run("logout")
    assert left.exit_code == 0, left.output
    text = f"{done.output} {after.output} {left.output}"
    assert not [secret for secret in account.secrets if secret in text]


@pytest.mark.skipif(answers.AUTH[0] == "none", reason="declared: the upstream asks for no credential")
def test_state_without_credential(account: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in account.environment.items():
        monkeypatch.setenv(name, "memory" if value == "file" else "" if "URL" not in name else value)
    for name in ("TOKEN_FILE", "TOKEN_COMMAND"):
        monkeypatch.setenv(f"{answers.ENV_PREFIX}_{name}", "/nowhere/at-all")
    done = run("status")
    assert done.exit_code == 1, done.output
    assert done.stdout.startswith("not ready: ")
    assert "Traceback" not in done.output


@pytest.mark.skipif(IN_TREE, reason="declared: the command is a part of LiteLLM")
def test_state_needs_no_litellm(account: Account, tmp_path: Path) -> None:
    (tmp_path / "litellm.py").write_text("raise ImportError('litellm was imported')\n", encoding="utf-8")
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(tmp_path), *sys.path])}
    command = [sys.executable, "-c", f"from {package.__name__}.cli import app; app()", "status"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr

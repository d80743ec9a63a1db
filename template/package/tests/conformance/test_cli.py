"""The command line, as its users start it. Template's file: do not edit."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tomllib
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
from litellm._version import version
from typer.testing import CliRunner

from ..package import IN_TREE, answers, cli, models, package
from .conftest import KEY
from .server import Refusal, Reply, Upstream


def run(*arguments: str, typed: str = "") -> Any:
    """Runs a command in this process; LiteLLM takes seconds to import."""
    return CliRunner().invoke(cli.app, arguments, input=typed)


@pytest.mark.skipif(IN_TREE, reason="declared: the command is a part of LiteLLM")
@pytest.mark.parametrize("arguments", [["--help"], ["models"], ["doctor", "--help"]])
def test_without_litellm(arguments: list[str], tmp_path: Path) -> None:
    """A LiteLLM that cannot be imported shows that it is not."""
    (tmp_path / "litellm.py").write_text("raise ImportError('litellm was imported')\n", encoding="utf-8")
    paths = [str(tmp_path), *filter(None, [os.environ.get("PYTHONPATH")])]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(paths), "COLUMNS": "200"}
    command = [sys.executable, "-c", f"from {package.__name__}.cli import app; app()", *arguments]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    if arguments == ["models"]:
        assert done.stdout.splitlines()[0].split("\t")[0] == "model"
        assert all(f"{answers.PROVIDER}/{model}" in done.stdout for model in models.load_models())


@pytest.mark.feature("chat")
def test_chat(upstream: Upstream) -> None:
    upstream.will(Reply(text=("Good ", "day")))
    done = run("chat", "hello")
    assert (done.exit_code, done.stdout) == (0, "Good day\n"), done.stderr
    assert upstream.last["messages"][-1]["content"] == "hello"


@pytest.mark.feature("chat")
def test_conversation(upstream: Upstream) -> None:
    done = run("chat", typed="one\n\ntwo\n")
    assert done.stdout == "You said: one\nYou said: two\n", done.stderr
    assert [message["role"] for message in upstream.last["messages"]] == ["user", "assistant", "user"]


@pytest.mark.feature("chat")
def test_chat_that_fails(upstream: Upstream) -> None:
    upstream.will(Refusal(404, "model_not_found", "there is no such model"))
    done = run("chat", "hello", "--model", "nonesuch")
    assert done.exit_code == 1
    assert "there is no such model" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.skipif(
    "embeddings" not in answers.CAPABILITIES, reason="declared: the package was rendered without embeddings"
)
def test_embed(upstream: Upstream) -> None:
    done = run("embed", "hello", "--model", "any", "--dimensions", "4")
    assert len(json.loads(done.stdout)) == 4, done.stderr
    assert (upstream.last["input"], upstream.last["dimensions"]) == (["hello"], 4)
    upstream.will(Refusal(404, "model_not_found", "there is no such model"))
    done = run("embed", "hello")
    assert (done.exit_code, "there is no such model" in done.stderr, "Traceback" in done.stderr) == (1, True, False)


def test_doctor(upstream: Upstream) -> None:
    done = run("doctor")
    assert done.exit_code == 0, done.stdout + done.stderr
    assert f"litellm {version}" in done.stdout
    assert "setting api_base: http://127.0.0.1" in done.stdout
    assert "(environment)" in done.stdout
    assert " works" in done.stdout
    assert KEY not in done.stdout + done.stderr


@pytest.mark.skipif(IN_TREE, reason="declared: the command is a part of LiteLLM")
def test_doctor_finds_a_bad_litellm(tmp_path: Path) -> None:
    """It says what to do, and does not import what may be malicious."""
    (bad, why), *_ = tomllib.loads((files(package) / "bad_litellm.toml").read_text(encoding="utf-8"))[
        "versions"
    ].items()
    (tmp_path / "litellm.py").write_text("raise SystemExit('litellm was imported')\n", encoding="utf-8")
    metadata = tmp_path / f"litellm-{bad}.dist-info" / "METADATA"
    metadata.parent.mkdir()
    metadata.write_text(f"Metadata-Version: 2.1\nName: litellm\nVersion: {bad}\n", encoding="utf-8")
    path = os.pathsep.join([str(tmp_path), *filter(None, [os.environ.get("PYTHONPATH")])])
    environment = {**os.environ, "PYTHONPATH": path}
    command = [sys.executable, "-c", f"from {package.__name__}.cli import app; app()", "doctor"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60)
    assert done.returncode == 1
    assert f"litellm {bad} {why}" in done.stderr
    assert "rotate every credential" in done.stderr
    assert "was imported" not in done.stderr


def test_nobody_waits_for_prices(upstream: Upstream, monkeypatch: pytest.MonkeyPatch) -> None:
    """LiteLLM fetches its price map when it is imported, unless it is told not to."""
    monkeypatch.setenv("LITELLM_LOCAL_MODEL_COST_MAP", "before")
    monkeypatch.delenv("LITELLM_LOCAL_MODEL_COST_MAP")
    run("status")
    assert os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] == "True"


@pytest.mark.skipif(
    not {"chat", "embeddings"} & set(answers.CAPABILITIES), reason="declared: no call of the package's is cheap enough"
)
def test_doctor_finds_a_refused_call(upstream: Upstream) -> None:
    upstream.will(*[Refusal(401, "invalid_api_key", f"wrong key {KEY}")] * 2)
    done = run("doctor")
    assert done.exit_code == 1
    assert "wrong key" in done.stderr


@pytest.mark.feature("http")
def test_doctor_finds_a_dead_upstream(upstream: Upstream, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(f"{answers.ENV_PREFIX}_API_BASE", "http://127.0.0.1:9")
    done = run("doctor")
    assert done.exit_code == 1
    assert "cannot be reached" in done.stderr


def test_doctor_finds_a_wrong_setting(upstream: Upstream, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(f"{answers.ENV_PREFIX}_CONNECT_TIMEOUT", "soon")
    done = run("doctor")
    assert done.exit_code == 1
    assert f"{answers.ENV_PREFIX}_CONNECT_TIMEOUT" in done.stderr

"""Settings: which source wins, what a wrong or missing one says. Template's file: do not edit."""

from __future__ import annotations

import asyncio
from pathlib import Path

import litellm
import pytest

from ..package import answers, settings
from .calls import MODES, Mode, aask, ask
from .conftest import KEY, answers_have
from .server import Upstream

PREFIX = answers.ENV_PREFIX


@pytest.fixture
def empty(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder without settings, with none in the environment."""
    monkeypatch.chdir(tmp_path)
    for name in ("API_BASE", "API_KEY", "CONFIG", "CONNECT_TIMEOUT"):
        monkeypatch.delenv(f"{PREFIX}_{name}", raising=False)
    return tmp_path


def test_which_source_wins(empty: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def base() -> str:
        return settings.load_settings().api_base

    assert base() == answers.API_BASE
    assert settings.sources()["api_base"] == "default"
    (empty / f"{answers.PACKAGE_NAME}.toml").write_text('api_base = "http://toml"\n', encoding="utf-8")
    assert base() == "http://toml"
    (empty / ".env").write_text(f"{PREFIX}_API_BASE=http://dotenv\n", encoding="utf-8")
    assert base() == "http://dotenv"
    assert settings.sources()["api_base"] == ".env"
    monkeypatch.setenv(f"{PREFIX}_API_BASE", "http://environment/")
    assert base() == "http://environment"
    assert settings.sources()["api_base"] == "environment"
    assert settings.load_settings(api_base="http://argument").api_base == "http://argument"


def test_settings_file_by_name(empty: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(f"{PREFIX}_CONFIG", str(empty / "other.toml"))
    with pytest.raises(settings.SettingsError, match=r"other\.toml.*mend the path"):
        settings.load_settings()
    (empty / "other.toml").write_text("connect_timeout = 3\n", encoding="utf-8")
    assert settings.load_settings().connect_timeout == 3
    (empty / "other.toml").write_text("\ufeffconnect_timeout = 4\n", encoding="utf-8")
    assert settings.load_settings().connect_timeout == 4
    (empty / "other.toml").write_text("conect_timeout = 3\n", encoding="utf-8")
    with pytest.raises(settings.SettingsError, match="'conect_timeout', which is no setting: use api_base"):
        settings.load_settings()
    (empty / "other.toml").write_text("connect_timeout = \n", encoding="utf-8")
    with pytest.raises(settings.SettingsError, match=r"other\.toml is not valid TOML"):
        settings.load_settings()


@pytest.mark.parametrize(
    ("name", "value", "rule"),
    [
        ("API_BASE", "http://", "a host"),
        ("API_BASE", "http://who:s3cret@host/v1", "without user, password"),
        ("API_BASE", "http://host/v1?version=1", "without user, password, query"),
        ("API_BASE", "ftp://somewhere", "http://"),
        ("CONNECT_TIMEOUT", "soon", "number"),
        ("CONNECT_TIMEOUT", "0", "0"),
    ],
)
def test_wrong_value(
    name: str, value: str, rule: str, empty: Path, upstream: Upstream, model: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(f"{PREFIX}_{name}", value)
    with pytest.raises(settings.SettingsError, match=rule) as caught:
        settings.load_settings()
    assert f"{PREFIX}_{name}" in str(caught.value)
    assert "s3cret" not in str(caught.value)
    with pytest.raises(litellm.BadRequestError, match=f"{PREFIX}_{name}"):
        ask("sync", model)
    assert upstream.requests == []


@pytest.mark.skipif(not answers_have("api_key"), reason="declared: the provider uses no API key")
@pytest.mark.parametrize("mode", MODES)
def test_missing_key(mode: Mode, upstream: Upstream, model: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(f"{PREFIX}_API_KEY")
    monkeypatch.delenv(f"{PREFIX}_API_KEYS")
    with pytest.raises(litellm.AuthenticationError, match=f"set {PREFIX}_API_KEY"):
        ask(mode, model)
    assert upstream.requests == []
    monkeypatch.setenv(f"{PREFIX}_API_KEY", KEY)  # as in a notebook: no restart is needed
    assert ask(mode, model)


@pytest.mark.skipif(not answers_have("api_key"), reason="declared: the provider uses no API key")
@pytest.mark.parametrize("mode", MODES)
def test_key_that_no_header_can_carry(mode: Mode, upstream: Upstream, model: str) -> None:
    ask(mode, model, api_key="with-a-newline\n")  # as mounted files and $(cat ...) give it
    assert "with-a-newline" in f"{upstream.requests[-1].headers} {upstream.requests[-1].path}"
    with pytest.raises(litellm.AuthenticationError, match="characters that a header cannot carry") as caught:
        ask(mode, model, api_key="sec\nret-\u20ac")
    assert "ret-" not in str(caught.value)
    assert len(upstream.calls) == 1


@pytest.mark.skipif(not answers_have("api_key"), reason="declared: the provider uses no API key")
def test_no_secret_in_a_repr(empty: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(f"{PREFIX}_API_KEY", KEY)
    loaded = settings.load_settings()
    assert KEY not in f"{loaded!r} {loaded} {loaded.model_dump()}"


def test_settings_are_read_once(upstream: Upstream, model: str, monkeypatch: pytest.MonkeyPatch) -> None:
    ask("sync", model)
    monkeypatch.setenv(f"{PREFIX}_API_BASE", "http://127.0.0.1:9/v1")
    assert ask("sync", model)
    assert asyncio.run(aask(model))

"""Which token store is taken on a machine that has no place for a file. Template's file: do not edit."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ...package import answers, part

module: Any = part("auth.store_settings")


@pytest.fixture(autouse=True)
def nothing_said() -> None:
    """The message comes once in a process: here, once in a test."""
    module._say_that_there_is_no_place.cache_clear()


@pytest.fixture
def closed(tmp_path: Path) -> Iterator[Path]:
    """A folder that this process may not search, unless it is root's."""
    folder = tmp_path / "closed"
    folder.mkdir()
    folder.chmod(0)
    yield folder
    folder.chmod(0o700)


def opened(**given: Any) -> Any:
    settings = module.StoreSettings(**{"token_store": "file", **given})
    return module.open_store(settings, answers.AUTH[0], module.StoreSettings)


@pytest.mark.parametrize("file", ["", "~/token.json"])
@pytest.mark.skipif(os.name == "nt", reason="declared: users of this system have names")
def test_user_without_name_and_home(
    file: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """The token stays in memory, a message says so once, and no folder named ~ is made."""
    import pwd

    def unknown(uid: int) -> Any:
        raise KeyError(uid)

    monkeypatch.setattr(pwd, "getpwuid", unknown)
    for name in ("HOME", "XDG_STATE_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)
    with caplog.at_level(logging.WARNING):
        stores = [opened(token_store_file=file) for _ in range(3)]
    assert all("memory" in store.place for store in stores)
    assert caplog.text.count("_TOKEN_STORE_FILE to a path") == 1
    for store in stores:
        with store.lock():
            assert store.load() is None
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("file", ["", "token.json"])
def test_folder_that_cannot_be_searched(file: str, closed: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As a home folder, or as the working folder."""
    if os.name == "nt" or os.geteuid() == 0:
        return  # root may search them all
    monkeypatch.setenv("HOME", str(closed))
    monkeypatch.delenv("XDG_STATE_HOME", raising=False)
    if file:
        here = os.open(".", os.O_RDONLY)
        closed.chmod(0o700)
        os.chdir(closed)
        closed.chmod(0)
    try:
        assert "memory" in opened(token_store_file=file).place
        part("settings").load_settings()
    finally:
        if file:
            os.fchdir(here)
            os.close(here)

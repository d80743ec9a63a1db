"""Where tokens are kept: on a disk that others read and processes die on. Template's file: do not edit."""

from __future__ import annotations

import errno
import json
import logging
import os
import signal
import stat
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from ...package import package, part

authenticators: Any = part("auth.authenticator")
stores: Any = part("auth.store")
tokens: Any = part("auth.tokens")
HEADERS = {"X-A": "1", "X-B": "of two words"}
TOKEN = tokens.Token("kept", expires_at=2e9, issued_at=1e9, refresh_token="again", scope="a b", headers=HEADERS)

HOLD_LOCK = """
import sys, time, importlib, pathlib
stores = importlib.import_module(sys.argv[1] + ".auth.store")
with stores.process_lock(pathlib.Path(sys.argv[2])):
    print("locked", flush=True)
    time.sleep(60)
"""
WRITE_FOREVER = """
import sys, importlib, pathlib
stores = importlib.import_module(sys.argv[1] + ".auth.store")
tokens = importlib.import_module(sys.argv[1] + ".auth.tokens")
store = stores.FileStore(pathlib.Path(sys.argv[2]))
number = 0
while True:
    number += 1
    store.save(tokens.Token("v" * 20000 + str(number), refresh_token="r"))
    if number == 1:
        print("writing", flush=True)
"""


def start(script: str, file: Path) -> subprocess.Popen[str]:
    """Starts a process, and waits until it is at it."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, "-c", script, package.__name__, str(file)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment)
    assert process.stdout is not None
    assert process.stdout.readline().strip() in ("locked", "writing")
    return process


def kill(process: subprocess.Popen[str]) -> None:
    """Ends a process without giving it a chance to tidy up."""
    process.kill()
    process.communicate()


def test_round_trip(tmp_path: Path) -> None:
    store = stores.FileStore(tmp_path / "private" / "token.json")
    assert store.load() is None
    store.save(TOKEN)
    assert store.load() == TOKEN
    assert stores.FileStore(tmp_path / "private" / "token.json").load() == TOKEN
    store.clear()
    assert store.load() is None


@pytest.mark.skipif(os.name == "nt", reason="declared: this system has other permissions")
def test_only_the_owner_can_read(tmp_path: Path) -> None:
    file = tmp_path / "private" / "token.json"
    before = os.umask(0)
    try:
        with stores.FileStore(file).lock():
            stores.FileStore(file).save(TOKEN)
    finally:
        os.umask(before)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700
    assert {path.name for path in file.parent.iterdir()} <= {"token.json", "token.json.lock"}


@pytest.mark.parametrize(
    "content", [b"", b"{", b"[]", b'{"value": 7}', b"\xff\xfe", b'{"value": "a\\nb"}', b"[" * 9999]
)
def test_corrupt_file(content: bytes, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """It is set aside, with a message, and the next token can be kept."""
    file = tmp_path / "token.json"
    file.write_bytes(content)
    store = stores.FileStore(file)
    with caplog.at_level(logging.WARNING):
        assert store.load() is None
    assert str(file) in caplog.text
    assert (tmp_path / "token.json.corrupt").read_bytes() == content
    store.save(TOKEN)
    assert store.load() == TOKEN


def test_link_stays_a_link(tmp_path: Path) -> None:
    """As in secrets that a cluster mounts."""
    (tmp_path / "data").mkdir()
    link = tmp_path / "token.json"
    link.symlink_to(tmp_path / "data" / "real.json")
    stores.FileStore(link).save(TOKEN)
    assert link.is_symlink()
    assert json.loads((tmp_path / "data" / "real.json").read_text())["value"] == "kept"


@pytest.mark.parametrize("mode", [0o644, 0o640, 0o604, 0o660])
def test_file_that_others_can_read(mode: int, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = tmp_path / "token.json"
    stores.FileStore(path).save(TOKEN)
    path.chmod(mode)
    with caplog.at_level(logging.WARNING):
        assert stores.FileStore(path).load() == TOKEN
        assert stores.FileStore(path).load() == TOKEN
    assert stat.S_IMODE(path.stat().st_mode) == mode & 0o700
    (said,) = caplog.messages
    assert f"others could read {path}" in said


def test_file_that_others_can_read_for_good(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One of another owner; what is mounted read-only is the platform's to answer for."""
    path = tmp_path / "token.json"
    stores.FileStore(path).save(TOKEN)
    path.chmod(0o644)

    def refuse(number: int) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(Path, "chmod", lambda *_: refuse(errno.EPERM))
    with pytest.raises(authenticators.CredentialError, match="run chmod 600"):
        stores.FileStore(path).load()
    monkeypatch.setattr(Path, "chmod", lambda *_: refuse(errno.EROFS))
    assert stores.FileStore(path).load() == TOKEN


def test_what_is_left_of_a_link(tmp_path: Path) -> None:
    target = tmp_path / "real.json"
    store = stores.FileStore(tmp_path / "token.json")
    (tmp_path / "token.json").symlink_to(target)
    store.save(TOKEN)
    assert f"{target} is still there with the token" in store.clear()
    assert target.exists()
    assert store.clear() == ""


def test_nothing_is_left_of_what_was_set_aside(tmp_path: Path) -> None:
    (tmp_path / "token.json").write_text('{"value": "kept', encoding="utf-8")
    store = stores.FileStore(tmp_path / "token.json")
    assert store.load() is None
    store.clear()
    assert not [path for path in tmp_path.iterdir() if path.suffix != ".lock"]


def test_folder_that_cannot_be_written(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """The token lives on in memory, and a warning says so."""
    (tmp_path / "blocked").write_text("a file where the folder should be")
    store = stores.FileStore(tmp_path / "blocked" / "token.json")
    with caplog.at_level(logging.WARNING), store.lock():
        store.save(TOKEN)
    assert "cannot be kept" in caplog.text
    assert "kept" not in caplog.text.replace("cannot be kept", "")
    assert store.load() == TOKEN


def test_process_killed_with_the_lock(tmp_path: Path) -> None:
    file = tmp_path / "token.json"
    kill(start(HOLD_LOCK, file))
    before = time.monotonic()
    with stores.process_lock(file):
        assert time.monotonic() - before < 5


def test_lock_keeps_others_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stores, "LOCK_SECONDS", 0.2)
    process = start(HOLD_LOCK, tmp_path / "token.json")
    try:
        with (
            pytest.raises(part("auth.authenticator").CredentialError, match="Another process has been busy"),
            stores.process_lock(tmp_path / "token.json"),
        ):
            raise AssertionError("both have the lock")
    finally:
        kill(process)


@pytest.mark.parametrize("milliseconds", [1, 3, 7])
def test_process_killed_in_the_middle_of_a_write(milliseconds: int, tmp_path: Path) -> None:
    file = tmp_path / "token.json"
    process = start(WRITE_FOREVER, file)
    time.sleep(milliseconds / 1000)
    process.send_signal(signal.SIGTERM if os.name == "nt" else signal.SIGKILL)
    process.communicate()
    token = stores.FileStore(file).load()
    assert token is not None
    assert token.value.startswith("vvvv")
    stores.FileStore(file).save(TOKEN)
    assert {path.name for path in tmp_path.iterdir()} <= {"token.json", "token.json.lock"}


def test_repr_shows_no_secret() -> None:
    assert "kept" not in repr(TOKEN)
    assert "again" not in repr(TOKEN)

"""A token file that somebody else rotates. Template's file: do not edit."""

from __future__ import annotations

import asyncio
import json
import os
import threading
from pathlib import Path
from typing import Any

import pytest

from ...package import answers, part
from .token_account import put

module: Any = part("auth.token_file")
authenticators: Any = part("auth.authenticator")


def credential(file: Path, **settings: Any) -> Any:
    return module.authenticator(module.Settings(token_file=str(file), **settings))


def replace(file: Path, text: str) -> None:
    """Puts a new file in place of the old, as platforms do."""
    new = file.with_suffix(".new")
    new.write_text(text)
    os.replace(new, file)


def test_rotation(tmp_path: Path) -> None:
    """Also within the same second, and to a text of the same length."""
    file = tmp_path / "token"
    replace(file, "token-00\n")
    mine = credential(file)
    for number in range(50):
        replace(file, f"token-{number:02}\n")
        assert mine.get_token().value == f"token-{number:02}"


def test_it_is_read_when_it_changes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "token"
    replace(file, "one")
    mine = credential(file)
    first = mine.get_token()
    assert mine.get_token() is first
    assert mine.get_token(refused=first).value == "one", "there is no other, and its refusal is the caller's to see"


def test_link_that_moves(tmp_path: Path) -> None:
    """As in secrets that a cluster mounts: the file is a link into a folder that is a link."""
    for name, token in (("v1", "one"), ("v2", "two")):
        (tmp_path / name).mkdir()
        (tmp_path / name / "token").write_text(token)
    (tmp_path / "data").symlink_to("v1")
    (tmp_path / "token").symlink_to("data/token")
    mine = credential(tmp_path / "token")
    assert mine.get_token().value == "one"
    (tmp_path / "next").symlink_to("v2")
    os.replace(tmp_path / "next", tmp_path / "data")
    assert mine.get_token().value == "two"


def test_json(tmp_path: Path) -> None:
    file = tmp_path / "token"
    content: dict[str, Any] = {"expires_at": 2_000_000_000_000}
    put(content, answers.TOKEN_FILE_FIELD, "in-json")
    replace(file, json.dumps(content))
    token = credential(file, token_file_headers={"X-Type": "OAUTH"}).get_token()
    assert (token.value, token.expires_at, token.headers) == ("in-json", 2e9, {"X-Type": "OAUTH"})


@pytest.mark.parametrize(
    "content", [b"", b" \n", b"{", b"{}", b"\xff\xfe", b"a b", b"a\nb", b"{" * 9999, b'{"a":' * 9999]
)
def test_file_without_token(content: bytes, tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_bytes(content)
    os.utime(file, (1e9, 1e9))  # nobody is writing it
    mine = credential(file)
    with pytest.raises(authenticators.CredentialError, match="TOKEN_FILE") as caught:
        mine.get_token()
    assert str(file) in str(caught.value)
    assert not mine.status().ready
    replace(file, "better")
    assert mine.get_token().value == "better"


@pytest.mark.parametrize("name", ["nothing", "folder", "pipe"])
def test_no_file(name: str, tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    if hasattr(os, "mkfifo"):
        os.mkfifo(tmp_path / "pipe")
    with pytest.raises(authenticators.CredentialError, match=r"(cannot be read|no regular file).*TOKEN_FILE"):
        credential(tmp_path / name).get_token()


def test_writer_that_empties_the_file_first(tmp_path: Path) -> None:
    """The token before is used until the new one is there."""
    file = tmp_path / "token"
    replace(file, "one")
    mine = credential(file)
    mine.get_token()
    file.write_text("")
    assert mine.get_token().value == "one"
    file.write_text("two")
    assert mine.get_token().value == "two"


@pytest.mark.parametrize("torn", ["", '{"access_tok'])
@pytest.mark.parametrize("mode", ["sync", "async"])
def test_file_that_is_being_written(mode: str, torn: str, tmp_path: Path) -> None:
    """A first token is waited for, but not for long."""
    file = tmp_path / "token"
    file.write_text(torn)
    timer = threading.Timer(0.3, replace, [file, "whole"])
    timer.start()
    mine = credential(file)
    assert (mine.get_token() if mode == "sync" else asyncio.run(mine.aget_token())).value == "whole"
    timer.join()


def test_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    (tmp_path / "token").write_text("at-home")
    assert credential(Path("~/token")).get_token().value == "at-home"


def test_login_and_logout(tmp_path: Path) -> None:
    file = tmp_path / "token"
    replace(file, "one")
    mine = credential(file)
    assert str(file) in mine.login(authenticators.Console(print))
    assert "nothing was done" in mine.logout()
    assert file.read_text() == "one"
    assert mine.status().ready

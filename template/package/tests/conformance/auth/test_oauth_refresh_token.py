"""A token file that two programs own: neither may undo what the other did. Template's file: do not edit."""

from __future__ import annotations

import json
import logging
import os
import stat
import threading
import time
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from ...package import answers, part
from .authorization_server import Answer
from .oauth_refresh_token import VendorAccount, open_account
from .token_account import keys_of, put

module: Any = part("auth.oauth_refresh_token")
authenticators: Any = part("auth.authenticator")
tokens: Any = part("auth.tokens")
PREFIX = answers.ENV_PREFIX


@pytest.fixture
def account(tmp_path: Path) -> Iterator[VendorAccount]:
    with open_account(tmp_path / "own") as opened:
        yield opened


def credential(account: VendorAccount, **given: Any) -> Any:
    """Returns the credential as the provider makes it."""
    known = {name.removeprefix(f"{PREFIX}_").lower(): value for name, value in account.environment.items()}
    return module.authenticator(module.Settings(**{**known, **given}))


def at(content: Any, path: str) -> Any:
    """Returns what is at a dotted key."""
    for key in keys_of(path):
        content = content[key]
    return content


def stale(account: VendorAccount) -> dict[str, Any]:
    """Writes the file with a token that has expired."""
    account.server.lifetime = -60.0
    content = account.log_in()
    account.server.lifetime = 3600.0
    account.server.forget()
    return content


def test_token_that_is_good(account: VendorAccount) -> None:
    content = account.log_in()
    before = account.file.read_bytes()
    assert credential(account).get_token().value == at(content, answers.FILE_ACCESS_TOKEN)
    assert account.server.requests == []
    assert account.file.read_bytes() == before


def test_what_is_written_back(account: VendorAccount) -> None:
    old = stale(account)
    account.file.chmod(0o700)
    token = credential(account).get_token()
    new = json.loads(account.file.read_text(encoding="utf-8"))
    assert at(new, answers.FILE_ACCESS_TOKEN) == token.value
    assert at(new, answers.FILE_REFRESH_TOKEN) == token.refresh_token != at(old, answers.FILE_REFRESH_TOKEN)
    assert list(new) == list(old), "order stays"
    assert (new["version"], new["last"], new["ünï"]) == (old["version"], old["last"], old["ünï"])
    assert "ünï" in account.file.read_text(encoding="utf-8")
    if os.name != "nt":
        assert stat.S_IMODE(account.file.stat().st_mode) == 0o700
    assert account.server.token_requests == 1


def test_server_that_keeps_the_refresh_token(account: VendorAccount) -> None:
    account.server.rotates = False
    account.server.returns_refresh_token = False
    old = stale(account)
    credential(account).get_token()
    new = json.loads(account.file.read_text(encoding="utf-8"))
    assert at(new, answers.FILE_REFRESH_TOKEN) == at(old, answers.FILE_REFRESH_TOKEN)
    assert at(new, answers.FILE_ACCESS_TOKEN) != at(old, answers.FILE_ACCESS_TOKEN)


def test_other_program_was_faster(account: VendorAccount) -> None:
    """A token that is refused may long have been replaced in the file."""
    account.log_in()
    mine = credential(account)
    first = mine.get_token()
    newer = account.log_in()
    account.server.forget()
    assert mine.get_token(refused=first).value == at(newer, answers.FILE_ACCESS_TOKEN)
    assert account.server.requests == []


def test_other_program_uses_the_same_refresh_token(account: VendorAccount) -> None:
    """It gets its answer first; ours is a refusal, and the file has what we need by then."""
    stale(account)
    account.server.delay = 0.3
    account.server.end_logins()
    timer = threading.Timer(0.1, account.log_in)
    timer.start()
    token = credential(account).get_token()
    timer.join()
    assert token.value == at(json.loads(account.file.read_text(encoding="utf-8")), answers.FILE_ACCESS_TOKEN)


def test_other_program_writes_in_between(account: VendorAccount) -> None:
    """What it wrote stays."""
    stale(account)
    account.server.delay = 0.3
    written: list[dict[str, Any]] = []
    timer = threading.Timer(0.1, lambda: written.append(account.log_in()))
    timer.start()
    token = credential(account).get_token()
    timer.join()
    assert json.loads(account.file.read_text(encoding="utf-8")) == written[0]
    assert account.server.valid(token.value)


def test_login_is_over(account: VendorAccount) -> None:
    """The server is asked once, until there is another refresh token."""
    stale(account)
    account.server.end_logins()
    mine = credential(account)
    for _ in range(3):
        with pytest.raises(authenticators.CredentialError, match="log in with the program that writes"):
            mine.get_token()
    time.sleep(1.1)
    with pytest.raises(authenticators.CredentialError):
        mine.get_token()
    assert account.server.token_requests == 1
    content = account.log_in()
    time.sleep(1.1)
    assert mine.get_token().value == at(content, answers.FILE_ACCESS_TOKEN)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (None, "There is no"),
        (b"", "no JSON object"),
        (b"[]", "no JSON object"),
        (b"\xff", "no JSON object"),
        (b"{}", "has no"),
    ],
)
def test_file_that_is_none(content: bytes | None, says: str, account: VendorAccount) -> None:
    if content is None:
        account.file.unlink()
    else:
        account.file.write_bytes(content)
    with pytest.raises(authenticators.CredentialError, match=says) as caught:
        credential(account).get_token()
    assert str(account.file) in str(caught.value)
    assert not credential(account).status().ready


def test_file_that_cannot_be_replaced(account: VendorAccount, monkeypatch: pytest.MonkeyPatch) -> None:
    """As when it is mounted by itself: it is written over."""

    def refuse(path: Path, text: str) -> None:
        raise OSError(16, "Device or resource busy")

    monkeypatch.setattr(module, "write_private", refuse)
    stale(account)
    token = credential(account).get_token()
    assert at(json.loads(account.file.read_text(encoding="utf-8")), answers.FILE_REFRESH_TOKEN) == token.refresh_token


def test_file_that_cannot_be_written_at_last(
    account: VendorAccount, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """The token is used all the same, and so is the refresh token that came with it."""

    def refuse(path: Path, text: str) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(module, "write_private", refuse)
    monkeypatch.setattr(module, "write_in_place", refuse)
    stale(account)
    mine = credential(account)
    with caplog.at_level(logging.WARNING):
        first = mine.get_token()
    assert "No space left" in caplog.text
    assert account.server.valid(mine.get_token(refused=first).value)


@pytest.mark.parametrize("share", [0.0, 0.5])
def test_file_that_is_being_written(share: float, account: VendorAccount) -> None:
    """The other program has not written all of it: it is read again."""
    stale(account)
    text = account.file.read_text(encoding="utf-8")
    account.file.write_text(text[: int(len(text) * share)], encoding="utf-8")
    timer = threading.Timer(0.3, account.file.write_text, [text])
    timer.start()
    assert account.server.valid(credential(account).get_token().value)
    timer.join()


def test_headers_of_a_claim(account: VendorAccount) -> None:
    """They come with the token of the file, and with the one that replaces it."""
    account.server.claims = {"https://api.example.com/auth": {"account_id": "acct-1", "seats": 3}}
    claim = '"https://api.example.com/auth".account_id'
    wanted = {"x-account": claim, "x-nothing": "no.such.claim", "x-seats": '"https://api.example.com/auth".seats'}
    account.log_in()
    mine = credential(account, claim_headers=wanted)
    first = mine.get_token()
    assert first.headers == {"x-account": "acct-1", "x-seats": "3"}
    assert mine.get_token(refused=first).headers == first.headers


@pytest.mark.parametrize("spelling", ["seconds", "milliseconds", "text", "iso"])
def test_spelling_of_the_expiry(spelling: str, account: VendorAccount) -> None:
    content = stale(account)
    moment = int(time.time()) - 60
    iso = "2026-01-01T00:00:00.000Z"
    old: Any = {"seconds": moment, "milliseconds": moment * 1000, "text": str(moment), "iso": iso}[spelling]
    put(content, "stored.expiry", old)
    account.file.write_text(json.dumps(content), encoding="utf-8")
    credential(account, file_expires_at="stored.expiry").get_token()
    new = json.loads(account.file.read_text(encoding="utf-8"))["stored"]["expiry"]
    assert type(new) is type(old)
    assert abs(tokens.timestamp(new) - time.time() - 3600) < 5
    if spelling == "iso":
        assert new.endswith("Z")
        assert datetime.fromisoformat(new).tzinfo is not None


def test_token_that_is_nearly_over(account: VendorAccount) -> None:
    """It is used while the server is down."""
    account.server.lifetime = 100.0
    content = account.log_in()
    with pytest.MonkeyPatch.context() as patch:
        real = time.time
        patch.setattr(time, "time", lambda: real() + 80)
        mine = credential(account, token_url="http://127.0.0.1:9/token")
        assert {mine.get_token().value for _ in range(3)} == {at(content, answers.FILE_ACCESS_TOKEN)}


def test_place_that_is_taken(account: VendorAccount) -> None:
    """The file has something else where the expiry shall go."""
    content = stale(account)
    content["stored"] = None
    account.file.write_text(json.dumps(content), encoding="utf-8")
    token = credential(account, file_expires_at="stored.expiry").get_token()
    new = json.loads(account.file.read_text(encoding="utf-8"))
    assert at(new, answers.FILE_ACCESS_TOKEN) == token.value
    assert new["stored"]["expiry"] == pytest.approx(time.time() + 3600, abs=5)


def test_server_like_firebase(account: VendorAccount) -> None:
    """No client id, an API key in the address, JSON, and a text file that is just the refresh token."""
    account.server.anonymous = account.server.json_only = True
    account.server.claims = {"user_id": "u-1"}
    account.file.write_text(account.server.new_refresh_token() + "\n", encoding="utf-8")
    account.server.forget()
    url = f"{account.server.token_url}?key=AIza-public"
    given = {"token_url": url, "client_id": "", "token_endpoint_auth_method": "none", "token_request_format": "json"}
    mine = credential(account, **given)
    first = mine.get_token()
    assert account.server.valid(first.value)
    assert account.file.read_text(encoding="utf-8") == f"{first.refresh_token}\n"
    assert account.server.valid(mine.get_token(refused=first).value)
    assert account.server.token_requests == 2
    account.server.will(Answer(400, b'{"error": {"code": 400, "message": "API key AIza-public is not valid"}}'))
    with pytest.raises(authenticators.CredentialError) as caught:
        credential(account, **given).get_token()
    assert "AIza-public" not in str(caught.value)


@pytest.mark.parametrize("method", ["client_secret_basic", "client_secret_post", "private_key_jwt", "none"])
def test_request_as_json(method: str, account: VendorAccount) -> None:
    """With every proof of the client."""
    account.server.json_only = True
    stale(account)
    mine = credential(account, token_request_format="json", token_endpoint_auth_method=method)
    assert account.server.valid(mine.get_token().value)


@pytest.mark.parametrize("file", ["none", "dead", "without"])
def test_refresh_token_of_the_environment(file: str, account: VendorAccount) -> None:
    """It takes the place of what the file has not, or not any more."""
    stale(account)
    if file == "none":
        account.file.unlink()
    elif file == "without":
        account.file.write_text("{}", encoding="utf-8")
    else:
        account.server.end_logins()
    mine = credential(account, refresh_token=SecretStr(account.server.new_refresh_token()))
    if file == "dead":
        with pytest.raises(authenticators.CredentialError):
            mine.get_token()
        time.sleep(1.1)
    assert mine.status().ready
    first = mine.get_token()
    assert account.server.valid(mine.get_token(refused=first).value), "the new refresh token is known"
    assert account.file.exists() == (file != "none")


def test_fields_that_go_along(account: VendorAccount) -> None:
    """What the answer has and the file keeps beside the token, and the time of the last renewal, in its spelling."""
    content = stale(account)
    put(content, "last_refresh", "2026-01-01T00:00:00.000Z")
    inner = content
    for key in keys_of(answers.FILE_ACCESS_TOKEN)[:-1]:
        inner = inner[key]
    inner |= {"id_token": "old", "idToken": "old", "lastRefresh": 1_767_225_600_000, "token_kind": "old"}
    account.file.write_text(json.dumps(content), encoding="utf-8")
    token = credential(account).get_token()
    new: Any = json.loads(account.file.read_text(encoding="utf-8"))
    for name in ("last_refresh", "lastRefresh"):
        found = new[name] if name in new else at(new, answers.FILE_ACCESS_TOKEN.rpartition(".")[0])[name]
        assert abs(tokens.timestamp(found) - time.time()) < 5
    assert new["last_refresh"].endswith("Z")
    for key in keys_of(answers.FILE_ACCESS_TOKEN)[:-1]:
        new = new[key]
    assert new["id_token"] == new["idToken"] != "old"
    assert new["token_kind"] == "old"
    assert new["lastRefresh"] > 1e12
    assert account.server.valid(token.value)


@pytest.mark.parametrize(("name", "scale"), [("expiresAt", 1000), ("expiry_date", 1000), ("expires_at", 1)])
def test_expiry_of_zero(name: str, scale: int, account: VendorAccount) -> None:
    """It does not tell its unit: its name does."""
    content = stale(account)
    content["stored"] = {name: 0}
    account.file.write_text(json.dumps(content), encoding="utf-8")
    credential(account, file_expires_at=f"stored.{name}").get_token()
    new = json.loads(account.file.read_text(encoding="utf-8"))["stored"][name]
    assert new / scale == pytest.approx(time.time() + 3600, abs=5)


def test_logout_leaves_the_file(account: VendorAccount) -> None:
    account.log_in()
    before = account.file.read_bytes()
    mine = credential(account)
    assert "There is a token" in mine.login(authenticators.Console(print))
    mine.logout()
    assert account.file.read_bytes() == before
    assert account.server.revoked == []

"""The keyring as a token store, with a keyring of the test's. Template's file: do not edit."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import keyring
import keyring.backend
import pytest
from keyring.backends import fail, null
from keyring.errors import PasswordDeleteError

from ...package import part

store_module: Any = part("auth.keyring_store")
tokens: Any = part("auth.tokens")
authenticators: Any = part("auth.authenticator")


class SmallKeyring(keyring.backend.KeyringBackend):
    """Takes no more in an entry than Windows does."""

    priority = 1

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.entries: dict[tuple[str, str], str] = {}

    def get_password(self, service: str, username: str) -> str | None:
        return self.entries.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        assert len(password) <= 1280
        self.entries[service, username] = password

    def delete_password(self, service: str, username: str) -> None:
        if (service, username) not in self.entries:
            raise PasswordDeleteError(username)
        del self.entries[service, username]


@pytest.fixture
def small_keyring() -> Iterator[SmallKeyring]:
    """A keyring in place of the machine's."""
    before = keyring.get_keyring()
    backend = SmallKeyring()
    keyring.set_keyring(backend)
    yield backend
    keyring.set_keyring(before)


def make_store(tmp_path: Path) -> Any:
    return store_module.KeyringStore("service", "account", tmp_path / "lock", "set OTHER=file")


def test_round_trip(small_keyring: SmallKeyring, tmp_path: Path) -> None:
    store = make_store(tmp_path)
    with store.lock():
        assert store.load() is None
        for size in (10, 5000, 100):
            token = tokens.Token("x" * size, refresh_token="r" * size)
            store.save(token)
            assert store.load() == token
        store.clear()
    assert store.load() is None
    assert small_keyring.entries == {}


def test_killed_in_the_middle(small_keyring: SmallKeyring, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Until everything is written, the token before is there."""
    store = make_store(tmp_path)
    old = tokens.Token("o" * 3000)
    store.save(old)
    written = SmallKeyring.set_password
    count = 0

    def dies(self: SmallKeyring, service: str, username: str, password: str) -> None:
        nonlocal count
        count += 1
        if count == 3:
            raise KeyboardInterrupt
        written(self, service, username, password)

    monkeypatch.setattr(SmallKeyring, "set_password", dies)
    with pytest.raises(KeyboardInterrupt):
        store.save(tokens.Token("n" * 3000))
    assert store.load() == old


def test_machine_without_a_keyring(tmp_path: Path, small_keyring: SmallKeyring) -> None:
    keyring.set_keyring(fail.Keyring())  # type: ignore[no-untyped-call]
    with pytest.raises(authenticators.CredentialError, match="set OTHER=file"):
        make_store(tmp_path).load()


class ForgetfulKeyring(SmallKeyring):
    """Keeps the first entry, and no other."""

    def set_password(self, service: str, username: str, password: str) -> None:
        if not self.entries:
            super().set_password(service, username, password)


@pytest.mark.parametrize("backend", [null.Keyring, ForgetfulKeyring])
def test_keyring_that_keeps_nothing(backend: Any, tmp_path: Path, small_keyring: SmallKeyring) -> None:
    """It says that it has kept the token; who asks for it finds nothing."""
    keyring.set_keyring(backend())
    with pytest.raises(authenticators.CredentialError, match=r"is not kept: the keyring .* set OTHER=file"):
        make_store(tmp_path).save(tokens.Token("x" * 3000))

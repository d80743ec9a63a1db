"""Which token store the settings ask for. Template's file: do not edit."""

from __future__ import annotations

import hashlib
import json
import logging
import os
from functools import cache
from importlib import import_module
from pathlib import Path

from platformdirs import user_state_path
from pydantic import BaseModel, SecretStr, field_validator

from .._answers import AUTH, ENV_PREFIX, PACKAGE_NAME, TOKEN_STORE, TOKEN_STORES
from .store import FileStore, MemoryStore, TokenStore

logger = logging.getLogger(__package__)


class StoreSettings(BaseModel):
    """The settings of the kinds that keep their token."""

    token_store: str = TOKEN_STORE
    """Where the token is kept: file, memory or (if the package was rendered with it) keyring."""
    token_store_file: str = ""
    """The file of the token store `file`; one in the user's folder for such things unless given."""

    @field_validator("token_store")
    @classmethod
    def _known(cls, value: str) -> str:
        if value not in TOKEN_STORES:
            raise ValueError(f"{value!r} is no token store of this package: use {' or '.join(TOKEN_STORES)}")
        return value


def open_store(settings: StoreSettings, kind: str, settings_of_kind: type[BaseModel]) -> TokenStore:
    """Returns the token store.

    Args:
        settings: which one, and what tells this token from others of the package.
        kind: the kind of authentication; of two kinds, each has a file of its own.
        settings_of_kind: the settings that lead to one token and not to another are among these.
    """
    if settings.token_store == "memory":
        return MemoryStore()
    account = _account(settings, kind, settings_of_kind)
    path = _path(settings, kind, account)
    if path is None:
        _say_that_there_is_no_place()
        return MemoryStore()
    if settings.token_store == "file":
        return FileStore(path)
    module = import_module(".keyring_store", __package__)  # there only if the answer was keyring
    otherwise = f"set {ENV_PREFIX}_TOKEN_STORE=file, or memory"
    store: TokenStore = module.KeyringStore(PACKAGE_NAME, account, path.with_suffix(".keyring"), otherwise)
    return store


def path_beside(settings: StoreSettings, kind: str, settings_of_kind: type[BaseModel], ending: str) -> Path | None:
    """Returns the path of a file that goes with the token's; None when tokens are not kept.

    Args:
        settings: as for `open_store`.
        kind: the same.
        settings_of_kind: the same.
        ending: what the file's name ends in.
    """
    if settings.token_store == "memory":
        return None
    path = _path(settings, kind, _account(settings, kind, settings_of_kind))
    return path and path.with_name(f"{path.name}{ending}")


def _account(settings: StoreSettings, kind: str, settings_of_kind: type[BaseModel]) -> str:
    return hashlib.sha256(f"{kind} {_identity(settings, settings_of_kind)}".encode()).hexdigest()[:16]


def _path(settings: StoreSettings, kind: str, account: str) -> Path | None:
    """The token's file; None on a machine that has no place for it: no home, or one that cannot be entered."""
    if settings.token_store_file:
        path = Path(os.path.expanduser(settings.token_store_file))
        if kind != AUTH[0]:
            path = path.with_name(f"{path.name}.{kind}")
        closed = not path.is_absolute() and not _can_be_looked_for(path)  # the working folder
        return None if closed or _without_home(path) else path
    try:
        path = user_state_path(PACKAGE_NAME, appauthor=False) / f"{account}.json"
    except (KeyError, OSError, RuntimeError):  # a user without a name or a home
        return None
    return None if _without_home(path) or not _can_be_looked_for(path) else path


def _without_home(path: Path) -> bool:
    return path.parts[:1] == ("~",)


def _can_be_looked_for(path: Path) -> bool:
    """Whether this process may enter the folders on the way, as far as they exist."""
    try:
        path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return True
    except OSError:
        return False
    return True


@cache
def _say_that_there_is_no_place() -> None:
    """Says so once in a process."""
    logger.warning(
        "there is no folder of this user in which the token could be kept, so it stays in the memory of this process: "
        "set %s_TOKEN_STORE_FILE to a path that can be written, or %s_TOKEN_STORE=memory",
        ENV_PREFIX,
        ENV_PREFIX,
    )


def _identity(settings: BaseModel, settings_of_kind: type[BaseModel]) -> str:
    """The settings as text. A login outlives the secret or the key with which the client proves who it is."""
    names = settings_of_kind.model_fields.keys() - StoreSettings.model_fields.keys()
    kept = sorted(name for name in names if not name.startswith("client_") or name == "client_id")
    values = {name: getattr(settings, name) for name in kept if not name.endswith(("_timeout", "_auth_method"))}
    return json.dumps(values, sort_keys=True, default=_hidden)


def _hidden(value: object) -> str:
    text = value.get_secret_value() if isinstance(value, SecretStr) else str(value)
    return hashlib.sha256(text.encode()).hexdigest()

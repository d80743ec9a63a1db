"""Which token store the settings ask for. Template's file: do not edit."""

from __future__ import annotations

import hashlib
import json
import os
from importlib import import_module
from pathlib import Path

from platformdirs import user_state_path
from pydantic import BaseModel, SecretStr, field_validator

from .._answers import AUTH, ENV_PREFIX, PACKAGE_NAME, TOKEN_STORE, TOKEN_STORES
from .store import FileStore, MemoryStore, TokenStore


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
    account = hashlib.sha256(f"{kind} {_identity(settings, settings_of_kind)}".encode()).hexdigest()[:16]
    if settings.token_store == "memory":
        return MemoryStore()
    file = Path(os.path.expanduser(settings.token_store_file)) if settings.token_store_file else None
    if file and kind != AUTH[0]:
        file = file.with_name(f"{file.name}.{kind}")
    path = file or user_state_path(PACKAGE_NAME, appauthor=False) / f"{account}.json"
    if settings.token_store == "file":
        return FileStore(path)
    module = import_module(".keyring_store", __package__)  # there only if the answer was keyring
    otherwise = f"set {ENV_PREFIX}_TOKEN_STORE=file"
    store: TokenStore = module.KeyringStore(PACKAGE_NAME, account, path.with_suffix(".keyring"), otherwise)
    return store


def _identity(settings: BaseModel, settings_of_kind: type[BaseModel]) -> str:
    """The settings as text. A login outlives the secret or the key with which the client proves who it is."""
    names = settings_of_kind.model_fields.keys() - StoreSettings.model_fields.keys()
    kept = sorted(name for name in names if not name.startswith("client_") or name == "client_id")
    values = {name: getattr(settings, name) for name in kept if not name.endswith(("_timeout", "_auth_method"))}
    return json.dumps(values, sort_keys=True, default=_hidden)


def _hidden(value: object) -> str:
    text = value.get_secret_value() if isinstance(value, SecretStr) else str(value)
    return hashlib.sha256(text.encode()).hexdigest()

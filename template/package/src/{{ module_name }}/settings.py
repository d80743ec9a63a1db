"""Where the settings come from, and what they are. Template's file: do not edit.

An argument of the call wins over the environment, that over `.env`, that over the TOML file, that over
the answers which the package was rendered with.
"""

from __future__ import annotations

import logging
import os
import tomllib
from functools import cache, cached_property
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlsplit

from pydantic import Field, ValidationError, field_validator
from pydantic_settings import (
    BaseSettings,
    DotEnvSettingsSource,
    EnvSettingsSource,
    InitSettingsSource,
    NoDecode,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)
from pydantic_settings import SettingsError as SourceError

from ._answers import API_BASE, CAPABILITIES, ENV_PREFIX, PACKAGE_NAME
from .auth import AuthSettings

logger = logging.getLogger(__package__)

CONFIG_VARIABLE = f"{ENV_PREFIX}_CONFIG"


class SettingsError(ValueError):
    """A setting has a value that it cannot have; the message names it, the rule and the mend."""


class Settings(AuthSettings, BaseSettings):
    """The settings of the provider, validated. Its repr shows no secret."""

    model_config = SettingsConfigDict(
        env_prefix=f"{ENV_PREFIX}_",
        env_file=".env",
        env_ignore_empty=True,
        extra="ignore",
        frozen=True,
        hide_input_in_errors=True,
    )

    api_base: str = API_BASE
    """Base URL of the upstream, without a trailing slash."""

    connect_timeout: float = Field(default=10.0, gt=0, le=600)
    """Seconds to wait for a connection; the call's own timeout covers the rest."""

    response_headers: Annotated[tuple[str, ...], NoDecode] = ()
    """Response headers that callers may have besides the usual ones, by name, with commas in between."""

    if "images" in CAPABILITIES or "image_edits" in CAPABILITIES:
        max_image_bytes: int = Field(default=64 * 1024 * 1024, gt=0)
        """Bytes that the images of a call may have together, and that the body of an answer with images may have."""

    @field_validator("response_headers", mode="before")
    @classmethod
    def _names(cls, value: object) -> object:
        return [name for name in map(str.strip, value.split(",")) if name] if isinstance(value, str) else value

    @cached_property
    def handed_on(self) -> frozenset[str]:
        """The names of `response_headers`, in lower case."""
        return frozenset(map(str.lower, self.response_headers))

    @cached_property
    def credential_headers(self) -> frozenset[str]:
        """The names, in lower case, of the request headers that go with the credential beside its own."""
        values = [getattr(self, name) for name in type(self).model_fields if name.endswith("_headers")]
        return frozenset(header.lower() for value in values if isinstance(value, dict) for header in value)

    @field_validator("api_base")
    @classmethod
    def _http_url(cls, value: str) -> str:
        parts = urlsplit(value.strip())
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError("it must be a URL like https://api.example.com/v1, with http:// or https:// and a host")
        if parts.username or parts.password or parts.query or parts.fragment:
            raise ValueError("it must be a URL without user, password, query and fragment")
        return parts.geturl().rstrip("/")

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Orders the sources, the strongest first (pydantic-settings calls this)."""
        toml = InitSettingsSource(settings_cls, init_kwargs=read_config_file())
        return init_settings, env_settings, dotenv_settings, toml


def config_file() -> Path:
    """Returns the path of the TOML settings file, which need not exist."""
    return Path(os.environ.get(CONFIG_VARIABLE) or f"{PACKAGE_NAME}.toml")


def read_config_file() -> dict[str, Any]:
    """Reads the TOML settings file.

    Returns:
        Its settings by name; nothing when the file is not there and none was named.

    Raises:
        SettingsError: a file that was named is not there, it cannot be read, or it has something else in it.
    """
    path = config_file()
    if not os.path.isfile(path):  # Path.is_file() raises where the folder may not be searched
        if os.environ.get(CONFIG_VARIABLE):
            raise SettingsError(f"{CONFIG_VARIABLE} is {path}, which is no file: mend the path or unset it.")
        return {}
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsError(f"The settings file {path} is not valid TOML: {error}.") from None
    except OSError as error:
        raise SettingsError(f"The settings file {path} cannot be read: {error.strerror}.") from None
    known = sorted(Settings.model_fields)
    for name in content:
        if name not in known:
            raise SettingsError(f"The settings file {path} has {name!r}, which is no setting: use {', '.join(known)}.")
    return content


def load_settings(**arguments: object) -> Settings:
    """Reads the settings from all their sources.

    Args:
        arguments: settings by name that win over every other source.

    Raises:
        SettingsError: a value breaks a rule, or a file cannot be read.
    """
    try:
        # By name, validated by pydantic.
        return Settings(**_env_file(), **arguments)  # type: ignore[arg-type]
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        name = str(first["loc"][0])
        within = "".join(f" (at {part})" for part in first["loc"][1:])
        rule = first["msg"].removeprefix("Value error, ") + within
        raise SettingsError(
            f"The setting {name} has a wrong value: {rule}; mend {ENV_PREFIX}_{name.upper()} or {config_file()}."
        ) from None
    except SourceError as error:
        raise SettingsError(f'{error}: write a JSON object into that variable, such as {{"name": "value"}}.') from None
    except (UnicodeDecodeError, OSError) as error:
        raise SettingsError(f"The file .env cannot be read: {error}.") from None


def _env_file() -> dict[str, Any]:
    """What keeps pydantic from looking for .env in a working folder that this process may not search."""
    try:
        os.stat(".env")
    except PermissionError:
        _say_that_there_is_no_env_file()
        return {"_env_file": None}
    except OSError:
        pass
    return {}


@cache
def _say_that_there_is_no_env_file() -> None:
    """Says so once in a process."""
    logger.warning("the working folder may not be searched, so that no .env is read from it")


def sources() -> dict[str, str]:
    """Returns, for each setting, the name of the source that its value comes from (no values)."""
    found: dict[str, str] = {}
    for label, source in (
        ("environment", EnvSettingsSource(Settings)),
        (".env", DotEnvSettingsSource(Settings, None) if _env_file() else DotEnvSettingsSource(Settings)),
        (str(config_file()), read_config_file),
    ):
        for name in source():
            found.setdefault(name, label)
    return {name: found.get(name, "default") for name in Settings.model_fields}

"""Where the settings come from, and what they are. Template's file: do not edit.

An argument of the call wins over the environment, that over `.env`, that over the TOML file, that over
the answers which the package was rendered with.
"""

from __future__ import annotations

import os
from pathlib import Path

from pydantic import Field, ValidationError, field_validator
from pydantic_settings import (
    BaseSettings,
    DotEnvSettingsSource,
    EnvSettingsSource,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

from ._answers import API_BASE, ENV_PREFIX, PACKAGE_NAME
from .auth import AuthSettings

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

    @field_validator("api_base")
    @classmethod
    def _http_url(cls, value: str) -> str:
        if not value.startswith(("http://", "https://")):
            raise ValueError("it must be a URL that starts with http:// or https://")
        return value.rstrip("/")

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
        toml = TomlConfigSettingsSource(settings_cls, toml_file=config_file())
        return init_settings, env_settings, dotenv_settings, toml


def config_file() -> Path:
    """Returns the path of the TOML settings file, which need not exist."""
    return Path(os.environ.get(CONFIG_VARIABLE) or f"{PACKAGE_NAME}.toml")


def load_settings(**arguments: object) -> Settings:
    """Reads the settings from all their sources.

    Args:
        arguments: settings by name that win over every other source.

    Raises:
        SettingsError: a value breaks a rule, or the TOML file that was named cannot be read.
    """
    if os.environ.get(CONFIG_VARIABLE) and not config_file().is_file():
        raise SettingsError(f"{CONFIG_VARIABLE} is {config_file()}, which is no file: mend the path or unset it.")
    try:
        return Settings(**arguments)  # type: ignore[arg-type]  # by name, validated by pydantic
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        name = "_".join(str(part) for part in first["loc"])
        rule = first["msg"].removeprefix("Value error, ")
        raise SettingsError(
            f"The setting {name} has a wrong value: {rule}; mend {ENV_PREFIX}_{name.upper()} or {config_file()}."
        ) from None
    except ValueError as error:
        raise SettingsError(f"The settings file {config_file()} is not valid TOML: {error}.") from None


def sources() -> dict[str, str]:
    """Returns, for each setting, the name of the source that its value comes from (no values)."""
    found: dict[str, str] = {}
    for label, source in (
        ("environment", EnvSettingsSource(Settings)),
        (".env", DotEnvSettingsSource(Settings)),
        (str(config_file()), TomlConfigSettingsSource(Settings, toml_file=config_file())),
    ):
        for name in source():
            found.setdefault(name, label)
    return {name: found.get(name, "default") for name in Settings.model_fields}

"""The configuration: routing.yaml, or the host's own YAML with our keys in it. Template's file: do not edit.

Two forms are read, one of them in a file. Flat keys at the top level, as forks of Go services have them:

    litellm-hybrid-mode, litellm-base-url, litellm-api-key, litellm-models, litellm-model-mappings,
    litellm-passthrough-mode, litellm-fallback-enabled

or everything below `extensions: litellm:`, which has more to say:

    enabled, base-url, api-key, models, model-mappings, passthrough-mode, extra-paths
    fallback: {enabled, on, hold-seconds, cooldown-seconds, any-model}
    client-auth: loopback | keys | host | forward, client-keys
    limits: {inspect-bytes, total-buffer}, timeouts: {connect-seconds, idle-seconds}

Other keys at the top level are the host's. `os.environ/NAME`, as in LiteLLM's own files, may stand for a secret or the URL.
"""

from __future__ import annotations

import hashlib
import math
import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Final, Literal, cast
from urllib.parse import urlsplit

ClientAuth = Literal["loopback", "keys", "host", "forward"]

KINDS: Final = ("rate_limit", "quota", "oauth", "overloaded", "network", "timeout", "model", "server", "signature")
"""What a host can fail with, as `fallback.on` names it; `signature` is LiteLLM's own refusal of thinking blocks."""
USUAL_KINDS: Final = frozenset(("rate_limit", "quota", "oauth", "overloaded", "network"))
_AUTH: Final = ("loopback", "keys", "host", "forward")
_ENVIRONMENT: Final = "os.environ/"
_VISIBLE: Final = re.compile(r"[\x21-\x7e]+\Z")
_FLAT: Final = {
    "litellm-hybrid-mode": "enabled",
    "litellm-base-url": "base-url",
    "litellm-api-key": "api-key",
    "litellm-models": "models",
    "litellm-model-mappings": "model-mappings",
    "litellm-passthrough-mode": "passthrough-mode",
    "litellm-fallback-enabled": "fallback",
}
_KEYS: Final = (
    *("enabled", "base-url", "api-key", "models", "model-mappings", "passthrough-mode", "extra-paths", "fallback"),
    *("client-auth", "client-keys", "limits", "timeouts"),
)


class ConfigError(ValueError):
    """The configuration cannot be used; the message is one sentence that names the key and how to mend it."""


@dataclass(frozen=True, slots=True)
class Fallback:
    """When LiteLLM takes over what the host was asked first."""

    enabled: bool = False
    on: frozenset[str] = USUAL_KINDS
    hold_seconds: float = 5.0
    """How long an answer of the host is held at most while it says nothing of substance."""
    cooldown_seconds: float = 60.0
    """How long the host is left alone when it names no time itself."""
    any_model: bool = False
    """Whether models fall back that are neither listed nor mapped, under the client's name."""


@dataclass(frozen=True, slots=True)
class Limits:
    """How much is held in memory, in bytes."""

    inspect_bytes: int = 32 << 20
    """The largest body that is read for its model; larger ones are streamed to the host."""
    total_buffer: int = 256 << 20
    """All bodies held at a time; beyond it bodies are streamed to the host."""


@dataclass(frozen=True, slots=True)
class Timeouts:
    """How long a side may be silent, in seconds."""

    connect_seconds: float = 5.0
    idle_seconds: float = 600.0
    """Until the headers of an answer, and between two pieces of its body."""


@dataclass(frozen=True, slots=True)
class RoutingConfig:
    """One configuration, checked. Its repr has no secret in it."""

    enabled: bool = False
    base_url: str = ""
    """LiteLLM's address without a slash at the end; a path in it goes before every path."""
    api_key: str = field(default="", repr=False)
    models: frozenset[str] = frozenset()
    """Names that go to LiteLLM, in lower case; those with `*` at the end are in `prefixes`."""
    prefixes: tuple[str, ...] = ()
    model_mappings: Mapping[str, str] = field(default_factory=dict)
    """The client's name, in lower case, and LiteLLM's."""
    passthrough: bool = False
    extra_paths: frozenset[str] = frozenset()
    fallback: Fallback = Fallback()
    client_auth: ClientAuth = "loopback"
    client_keys: tuple[bytes, ...] = field(default=(), repr=False)
    """SHA-256 of each key that proves a client."""
    limits: Limits = Limits()
    timeouts: Timeouts = Timeouts()
    shown: tuple[str, ...] = ()
    """Names as they were written, listed ones and mappings: what the list of models shows besides the host's."""
    warnings: tuple[str, ...] = field(default=(), compare=False)
    """What `route check` says of it besides."""

    @property
    def active(self) -> bool:
        """Whether anything can go to LiteLLM at all."""
        return bool(self.base_url) and (self.enabled or self.passthrough or self.fallback.enabled)

    def lists(self, model: str) -> bool:
        """Returns whether a model goes to LiteLLM by its name."""
        if not self.enabled:
            return False
        name = model.strip().lower()
        return name in self.models or any(name.startswith(prefix) for prefix in self.prefixes)

    def mapped(self, model: str) -> str:
        """Returns LiteLLM's name of a model: the mapping's, else the one given."""
        return self.model_mappings.get(model.strip().lower(), model)

    def fallback_target(self, model: str) -> str | None:
        """Returns LiteLLM's name for a model that the host cannot serve, or None where there is none."""
        name = model.strip().lower()
        if not self.fallback.enabled or not name:
            return None
        if name in self.model_mappings:
            return self.model_mappings[name]
        named = name in self.models or any(name.startswith(prefix) for prefix in self.prefixes)
        return model if named or self.fallback.any_model else None

    def label(self, model: str) -> str:
        """Returns the name by which metrics count a model: one of the configuration, never the client's own."""
        name = model.strip().lower()
        if name in self.models or name in self.model_mappings:
            return name
        return next((f"{prefix}*" for prefix in self.prefixes if name.startswith(prefix)), "other" if name else "none")


def load_config(source: str | Path, environment: Mapping[str, str] | None = None) -> RoutingConfig:
    """Reads a configuration file.

    Args:
        source: its path.
        environment: where `os.environ/NAME` is looked up; the process's own unless given.

    Raises:
        ConfigError: it cannot be read, or says what cannot be done.
    """
    path = Path(source)
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        raise ConfigError(f"{path}: {reason}: name a file that can be read.") from None
    return parse_config(text, str(path), environment)


def parse_config(text: str, name: str = "routing.yaml", environment: Mapping[str, str] | None = None) -> RoutingConfig:
    """Reads a configuration from its YAML text; `name` is what messages call it. Raises ConfigError as load_config does."""
    import yaml

    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        document = yaml.load(text, loader)  # noqa: S506 - it is one of the safe ones
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f", line {mark.line + 1}" if mark else ""
        raise ConfigError(
            f"{name}{line}: this is no YAML ({getattr(error, 'problem', None) or 'unreadable'})."
        ) from None
    if document is None:
        document = {}
    if not isinstance(document, dict):
        raise ConfigError(f"{name}: it is a {type(document).__name__}; write a mapping, keys with values.")
    try:
        return _checked(_settings(document), os.environ if environment is None else environment)
    except ConfigError as error:
        raise ConfigError(f"{name}: {error}") from None


def _settings(document: Mapping[Any, Any]) -> dict[str, tuple[str, Any]]:
    """Returns the settings of whichever form there is: for each key of the nested form, its name in the file and its value."""
    flat = {key: value for key, value in document.items() if isinstance(key, str) and key.startswith("litellm-")}
    for key in flat:
        if key not in _FLAT:
            raise ConfigError(_unknown(key, _FLAT))
    extensions = document.get("extensions")
    nested = extensions.get("litellm") if isinstance(extensions, dict) else None
    if isinstance(extensions, dict) and "litellm" in extensions and flat:
        raise ConfigError(f"{next(iter(flat))} and extensions.litellm are two forms of the same: keep one of them.")
    if flat:
        found = {_FLAT[key]: (key, value) for key, value in flat.items()}
        if "fallback" in found:
            key, value = found["fallback"]
            found["fallback"] = (key, {"enabled": _boolean(key, value)})
        return found
    if nested is None:
        return {}
    if not isinstance(nested, dict):
        raise ConfigError(f"extensions.litellm is {nested!r}; write keys with values below it.")
    for key in nested:
        if key not in _KEYS:
            raise ConfigError(_unknown(str(key), _KEYS, "extensions.litellm."))
    return {key: (f"extensions.litellm.{key}", value) for key, value in nested.items()}


def _checked(settings: Mapping[str, tuple[str, Any]], environment: Mapping[str, str]) -> RoutingConfig:
    warnings: list[str] = []

    def at(key: str, default: Any) -> tuple[str, Any]:
        name, value = settings.get(key, (key, default))
        return name, default if value is None else value

    enabled = _boolean(*at("enabled", False))
    passthrough = _boolean(*at("passthrough-mode", False))
    fallback = _fallback(*at("fallback", {}))
    base_url = _base_url(*at("base-url", ""), environment)
    if (enabled or passthrough or fallback.enabled) and not base_url:
        name = "litellm-base-url" if any(key.startswith("litellm-") for key, _ in settings.values()) else "base-url"
        raise ConfigError(f"{name} is missing: write LiteLLM's address, such as http://127.0.0.1:4000.")
    key_name, key_value = at("api-key", "")
    api_key = _secret(key_name, key_value, environment) if key_value != "" else ""
    if api_key and not str(key_value).startswith(_ENVIRONMENT):
        warnings.append(f"{key_name} is written in the file: os.environ/NAME keeps it out of it.")
    listed = [(key, one.strip()) for key, one in _items(*at("models", []))]
    names = [_pattern(key, one) for key, one in listed]
    mappings = _mappings(*at("model-mappings", {}))
    shown = [one for _, one in listed if enabled and not one.endswith("*")]
    shown += [name.strip() for name in at("model-mappings", {})[1] if enabled or fallback.enabled]
    if enabled and not names and not passthrough:
        warnings.append("no model is listed: nothing goes to LiteLLM by its name.")
    auth_name, auth = at("client-auth", "loopback")
    if auth not in _AUTH:
        raise ConfigError(f"{auth_name} is {auth!r}; write {', '.join(_AUTH[:-1])} or {_AUTH[-1]}.")
    keys = [_secret(key, one, environment) for key, one in _items(*at("client-keys", []))]
    if auth == "keys" and not keys:
        raise ConfigError(f"{auth_name} is keys, and client-keys lists none: list the keys of your clients.")
    if keys and auth != "keys":
        raise ConfigError(f"client-keys are listed, and {auth_name} is {auth}: write client-auth: keys.")
    if api_key and api_key in keys:
        raise ConfigError("client-keys has the api-key in it: give clients keys of their own.")
    return RoutingConfig(
        enabled=enabled,
        base_url=base_url,
        api_key=api_key,
        models=frozenset(name for name in names if not name.endswith("*")),
        prefixes=tuple(dict.fromkeys(name[:-1] for name in names if name.endswith("*"))),
        model_mappings=mappings,
        passthrough=passthrough,
        extra_paths=frozenset(_path(key, one) for key, one in _items(*at("extra-paths", []))),
        fallback=fallback,
        client_auth=cast("ClientAuth", auth),
        client_keys=tuple(hashlib.sha256(key.encode()).digest() for key in keys),
        limits=_limits(*at("limits", {})),
        timeouts=_timeouts(*at("timeouts", {})),
        shown=tuple({name.lower(): name for name in reversed(shown)}.values())[::-1],
        warnings=tuple(warnings),
    )


def _fallback(key: str, value: Any) -> Fallback:
    values = _section(key, value, ("enabled", "on", "hold-seconds", "cooldown-seconds", "any-model"))
    kinds = [(where, one) for where, one in _items(f"{key}.on", values.get("on", []))]
    for where, one in kinds:
        if one not in KINDS:
            raise ConfigError(f"{where} has {one!r}: {_nearest(str(one), KINDS)}")
    usual = Fallback()
    return Fallback(
        enabled=_boolean(f"{key}.enabled", values.get("enabled", False)),
        on=frozenset(one for _, one in kinds) if "on" in values else usual.on,
        hold_seconds=_number(f"{key}.hold-seconds", values.get("hold-seconds", usual.hold_seconds), 0, 60),
        cooldown_seconds=_number(f"{key}.cooldown-seconds", values.get("cooldown-seconds", 60.0), 0, 300),
        any_model=_boolean(f"{key}.any-model", values.get("any-model", False)),
    )


def _limits(key: str, value: Any) -> Limits:
    usual = Limits()
    values = _section(key, value, ("inspect-bytes", "total-buffer"))
    inspect = _number(f"{key}.inspect-bytes", values.get("inspect-bytes", usual.inspect_bytes), 1 << 10, 1 << 30)
    total = _number(f"{key}.total-buffer", values.get("total-buffer", usual.total_buffer), 1 << 10, 1 << 40)
    return Limits(int(inspect), int(total))


def _timeouts(key: str, value: Any) -> Timeouts:
    usual = Timeouts()
    values = _section(key, value, ("connect-seconds", "idle-seconds"))
    connect = _number(f"{key}.connect-seconds", values.get("connect-seconds", usual.connect_seconds), 0.01, 600)
    idle = _number(f"{key}.idle-seconds", values.get("idle-seconds", usual.idle_seconds), 0.01, 86_400)
    return Timeouts(connect, idle)


def _section(key: str, value: Any, known: tuple[str, ...]) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise ConfigError(f"{key} is {value!r}; write keys with values below it ({', '.join(known)}).")
    if "on" in known:  # which without quotes is true, to a reader of YAML 1.1
        value = {"on" if one is True else one: content for one, content in value.items()}
    for one in value:
        if one not in known:
            raise ConfigError(_unknown(str(one), known, f"{key}."))
    return {one: content for one, content in value.items() if content is not None}


def _boolean(key: str, value: Any) -> bool:
    if not isinstance(value, bool):
        raise ConfigError(f"{key} is {value!r}; write true or false.")
    return value


def _number(key: str, value: Any, least: float, most: float) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise ConfigError(f"{key} is {value!r}; write a number.")
    if not least <= value <= most:
        raise ConfigError(f"{key} is {value}; write a number from {least:g} to {most:g}.")
    return value


def _items(key: str, value: Any) -> Iterable[tuple[str, str]]:
    """Yields the texts of a list, each with its place in words."""
    if not isinstance(value, list):
        raise ConfigError(f"{key} is {type(value).__name__}; write a list.")
    for one in value:
        if not isinstance(one, str) or not one.strip():
            shown = "an empty name" if isinstance(one, str) else f"a {type(one).__name__}"
            raise ConfigError(f"{key} has {shown} in it; write texts, in quotes where they look like numbers.")
        yield key, one


def _pattern(key: str, value: str) -> str:
    name = value.strip().lower()
    if "*" in name[:-1]:
        raise ConfigError(f"{key} has {value!r}; a * stands at the end only.")
    return name


def _mappings(key: str, value: Any) -> dict[str, str]:
    if not isinstance(value, dict):
        raise ConfigError(f"{key} is {type(value).__name__}; write the client's name, a colon, and LiteLLM's.")
    found: dict[str, str] = {}
    for name, target in value.items():
        if not isinstance(name, str) or not isinstance(target, str) or not name.strip() or not target.strip():
            raise ConfigError(
                f"{key} maps {name!r} to {target!r}; write two names, in quotes where they look like numbers."
            )
        if "*" in name or "*" in target:
            raise ConfigError(f"{key} maps {name!r} to {target!r}; names have no * here.")
        if found.setdefault(name.strip().lower(), target.strip()) != target.strip():
            raise ConfigError(f"{key} maps {name.strip().lower()!r} twice; case makes no difference: keep one.")
    return found


def _path(key: str, value: str) -> str:
    if not re.match(r"/[A-Za-z0-9._~/-]*[A-Za-z0-9_~-]\Z", value) or {"", ".", ".."} & {*value[1:].split("/")}:
        raise ConfigError(f"{key} has {value!r}; write a path such as /v1/ocr.")
    return value


def _base_url(key: str, value: Any, environment: Mapping[str, str]) -> str:
    if value == "":
        return ""
    if isinstance(value, str) and value.startswith(_ENVIRONMENT):
        name = value.removeprefix(_ENVIRONMENT)
        if not (found := environment.get(name, "")):
            raise ConfigError(f"{key} is {value}, and {name} is not set: export it.")
        key, value = f"{key} ({name})", found
    rule = "write one such as http://127.0.0.1:4000"
    if not isinstance(value, str) or not _VISIBLE.match(value):
        raise ConfigError(f"{key} is no URL: {rule}.")
    try:
        parts = urlsplit(value)
        port = parts.port
    except ValueError:
        raise ConfigError(f"{key} is no URL: {rule}.") from None
    if "@" in parts.netloc:  # it may be a password: it is not repeated
        raise ConfigError(f"{key} has a user or password in it: write the key as api-key.")
    if parts.scheme not in ("http", "https") or not parts.hostname or port == 0:
        raise ConfigError(f"{key} is {value!r}: {rule}.")
    if "?" in value or "#" in value:
        raise ConfigError(f"{key} has a query or fragment in it: leave it out.")
    if "\\" in value or {".", ".."} & {*parts.path.replace("%2e", ".").replace("%2E", ".").split("/")}:
        raise ConfigError(f"{key} is {value!r}: its path has . or .. or \\ in it: write it out.")
    return value.rstrip("/")


def _secret(key: str, value: Any, environment: Mapping[str, str]) -> str:
    """Returns a secret; messages never repeat it."""
    if not isinstance(value, str):
        raise ConfigError(f"{key} is a {type(value).__name__}; write a text, or os.environ/NAME.")
    secret = value
    if value.startswith(_ENVIRONMENT):
        name = value.removeprefix(_ENVIRONMENT)
        secret = environment.get(name, "")
        if not secret:
            raise ConfigError(f"{key} is {value}, and {name} is not set: export it.")
    if not _VISIBLE.match(secret):
        raise ConfigError(f"{key} has a blank or another character in it that no key has: write the key alone.")
    return secret


def _unknown(key: str, known: Iterable[str], prefix: str = "") -> str:
    return f"{prefix}{key} is unknown: {_nearest(key, known)}"


def _nearest(word: str, known: Iterable[str]) -> str:
    names = list(known)
    close = get_close_matches(word, names, 1, 0.5)
    return f"did you mean {close[0]}?" if close else f"there are {', '.join(names)}."

"""What upstream.toml says of the upstream. Template's file: do not edit."""

from __future__ import annotations

import tomllib
from functools import cache
from importlib.resources import files
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError


class UpstreamFileError(ValueError):
    """upstream.toml has something that it cannot have; the message names it, the rule and the mend."""


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


Word = Annotated[str, Field(min_length=1)]


class Errors(_Table):
    """Words of the upstream's errors, beside those of error_words.py."""

    context_window: frozenset[Word] = frozenset()
    """Codes, or parts of messages, that mean that the prompt is too long."""
    content_policy: frozenset[Word] = frozenset()
    """Codes, or parts of messages, that mean that the content is not allowed."""
    status: dict[Word, Annotated[int, Field(ge=400, le=599)]] = {}
    """Codes of errors without an HTTP status that says much, and the status that each means."""


class Credentials(_Table):
    """How the upstream and its token endpoint speak of a credential that is no longer good."""

    renew_statuses: frozenset[Annotated[int, Field(ge=400, le=599)]] = frozenset()
    """HTTP statuses, beside 401, with which the upstream refuses a token that can be renewed."""
    renew_words: frozenset[Word] = frozenset()
    """Parts of the body of a 400 or 403 that say the same."""
    log_in_again: frozenset[Word] = frozenset()
    """Error codes of the token endpoint that mean that a refresh token is dead."""


class Upstream(_Table):
    """The file."""

    provider: Annotated[str, Field(pattern=r"^\.?[\w.]+:[\w.]+$")] | None = None
    """Where the author's own `Provider` is, as `module:name`; a module with a dot before it is of this package."""
    parameters: dict[Word, Literal["ignored", "refused"] | list[Any]] = {}
    """What the upstream does with OpenAI parameters: those that are not named here, it takes."""
    errors: Errors = Errors()
    credentials: Credentials = Credentials()


@cache
def load_upstream() -> Upstream:
    """Reads upstream.toml; a package without it has nothing particular.

    Raises:
        UpstreamFileError: the file is not valid.
    """
    path = files(__package__) / "upstream.toml"
    if not path.is_file():
        return Upstream()
    try:
        return Upstream.model_validate(tomllib.loads(path.read_text(encoding="utf-8-sig")))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UpstreamFileError(f"upstream.toml is not valid TOML: {error}.") from None
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        name = ".".join(str(part) for part in first["loc"])
        raise UpstreamFileError(f"upstream.toml has a wrong value at {name}: {first['msg']}.") from None

"""Two credentials: the second is for when the first has no token. Template's file: do not edit."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import pytest

from ...package import answers, auth, part
from ..calls import MODES, Mode

chained: Any = part("auth.chained")
authenticators: Any = part("auth.authenticator")
tokens: Any = part("auth.tokens")
make_settings: Any = auth.AuthSettings


class Member:
    """An authenticator with the tokens that it is given, one after the other.

    Args:
        values: the tokens; a refused one gives way to the next.
    """

    def __init__(self, *values: str) -> None:
        self.values = list(values)
        self.secrets = values

    def check(self) -> None:
        """Looks whether there is a token."""
        self.get_token()

    def get_token(self, refused: Any = None, within: float | None = None) -> Any:
        """Returns the token."""
        if not self.values:
            raise authenticators.CredentialError("this one has none: give it one")
        if refused is not None and refused.value == self.values[0] and len(self.values) > 1:
            del self.values[0]
        return tokens.Token(self.values[0])

    async def aget_token(self, refused: Any = None, within: float | None = None) -> Any:
        """Returns the token."""
        return self.get_token(refused, within)


def get(mode: Mode, credential: Any, refused: Any = None) -> str:
    if mode == "sync":
        return str(credential.get_token(refused).value)
    return str(asyncio.run(credential.aget_token(refused)).value)


@pytest.mark.parametrize("mode", MODES)
def test_which_token(mode: Mode) -> None:
    first, second = Member("one"), Member("two", "three")
    chain = chained.ChainedAuthenticator(first, second)
    assert get(mode, chain) == "one"
    assert get(mode, chain, tokens.Token("one")) == "two", "what is refused is passed over"
    first.values = []
    assert get(mode, chain) == "two"
    assert get(mode, chain, tokens.Token("two")) == "three"
    assert get(mode, chain, tokens.Token("three")) == "three", "there is no other"


@pytest.mark.parametrize("mode", MODES)
def test_none_has_a_token(mode: Mode) -> None:
    chain = chained.ChainedAuthenticator(Member(), Member())
    for attempt in (lambda: get(mode, chain), chain.check):
        with pytest.raises(authenticators.CredentialError, match=r"give it one Or: .*give it one"):
            attempt()


def test_settings_of_both() -> None:
    """The rendered pair, as settings have it: without either, the message names both ways."""
    missing = {"token_file": "/nowhere/token", "token_command": "no-such-command-anywhere"}
    names = auth.AuthSettings.model_fields
    given = {name: value for name, value in missing.items() if name in names}
    authenticator: Any = auth.make_authenticator(make_settings(**given, token_store="memory"))
    with pytest.raises(authenticators.CredentialError, match=" Or: ") as caught:
        authenticator.get_token()
    assert f"{answers.ENV_PREFIX}_TOKEN_" in str(caught.value)


def test_first_that_always_fails_is_no_burden() -> None:
    """A command that cannot be started is not started for each call."""
    missing = {"token_file": "/nowhere/token", "token_command": "no-such-command-anywhere"}
    names = auth.AuthSettings.model_fields
    given = {name: value for name, value in missing.items() if name in names}
    first: Any = auth.make_authenticator(make_settings(**given, token_store="memory"))
    chain = chained.ChainedAuthenticator(first._authenticators[0], Member("two"))
    chain.get_token()
    before = time.monotonic()
    for _ in range(100):
        assert chain.get_token().value == "two"
    assert time.monotonic() - before < 0.5

"""Whatever comes from outside is a token or a clear refusal, never anything else. Template's file: do not edit."""

from __future__ import annotations

import base64
import json
import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ...package import part

tokens: Any = part("auth.tokens")

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=30),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=4),
    max_leaves=12,
)
NAMES = st.sampled_from(
    ["access_token", "expires_in", "expires_at", "expires_on", "refresh_token", "id_token", "scope", "token_type"]
)
ANSWERS = st.dictionaries(NAMES | st.text(max_size=8), JSON, max_size=8)
JWTS = st.builds(
    lambda claims, tail: "eyJh." + base64.urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip("=") + tail,
    st.dictionaries(st.sampled_from(["exp", "iat", "sub", "email"]) | st.text(max_size=5), JSON, max_size=5),
    st.sampled_from([".sig", ".", "..", ""]),
)
MANY = settings(max_examples=150, deadline=None)


def check(token: Any) -> None:
    """Looks whether a token can be used and kept."""
    assert token.value.isascii()
    assert token.value.isprintable()
    assert " " not in token.value
    assert token.expires_at is None or math.isfinite(token.expires_at)
    assert math.isfinite(token.issued_at)
    assert not math.isnan(token.renew_at)
    assert all(value.isascii() and value.isprintable() for value in token.headers.values())
    assert repr(token) == repr(replace(token, value="another", refresh_token="another"))
    assert tokens.Token.from_json(json.loads(json.dumps(token.to_json()))).value == token.value


def token_or_refusal(read: Callable[[], Any]) -> None:
    """Reads what came from outside: nothing but a token or a ValueError may come of it."""
    try:
        token = read()
    except ValueError:
        return
    check(token)


@MANY
@given(content=ANSWERS | st.builds(lambda jwt: {"access_token": jwt}, JWTS), fresh=st.booleans())
def test_answers(content: dict[str, Any], fresh: bool) -> None:
    fields = tokens.TokenFields(claim_headers={"x-who": "sub", "x-mail": "email"})
    token_or_refusal(lambda: tokens.read_token(content, fields, fresh=fresh))


@MANY
@given(text=st.text(max_size=200) | JWTS)
def test_texts(text: str) -> None:
    token_or_refusal(lambda: tokens.token_from_text(text, tokens.TokenFields()))


@MANY
@given(value=JSON | st.datetimes().map(str) | st.text(alphabet="0123456789-:.TZ+e ", max_size=30))
def test_times(value: object) -> None:
    for moment in (tokens.timestamp(value), tokens.lifetime(value)):
        assert moment is None or (math.isfinite(moment) and moment >= 0)


@MANY
@given(content=JSON)
def test_kept_tokens(content: object) -> None:
    token_or_refusal(lambda: tokens.Token.from_json(content))


@pytest.mark.parametrize("path", ["a..b", "", '"', ".a", "a.", "a b", 'a"b"', "a\nb"])
def test_keys_that_are_none(path: str) -> None:
    with pytest.raises(ValueError, match="no dotted key"):
        tokens.dotted_key(path)

"""What is a secret in a text, and what only looks like one. Template's file: do not edit."""

from __future__ import annotations

import re
import traceback
from typing import Any

import litellm
import pytest

from ..package import answers, part
from .calls import MODES, Mode, ask
from .server import Raw, Refusal, Upstream

redaction: Any = part("redaction")

LONG = "sk-0123456789abcdef/+=#"


@pytest.mark.parametrize("secret", ["token", "x", "EMPTY", "1234567"])
def test_short_key_spoils_no_message(secret: str) -> None:
    text = f"max_{secret}s must be below 5; {secret}"
    assert redaction.redacted(text, [secret]) == text


@pytest.mark.parametrize("text", ["passwords", "no_password", "Password", "mypassword is"])
def test_part_of_a_word_is_none(text: str) -> None:
    assert redaction.redacted(text, ["password"]) == text


@pytest.mark.parametrize(
    "text", ["password", '"password"', "a=password&b", "\\npassword", "%22password", "key-password."]
)
def test_whole_word(text: str) -> None:
    assert redaction.redacted(text, ["password"]) == text.replace("password", "[redacted]")


@pytest.mark.parametrize(
    "form",
    [
        LONG,
        f"x{LONG}y",
        "sk-0123456789abcdef%2F%2B%3D%23",
        "sk-0123456789abcdef/%2b%3d%23",
        "sk-0123456789abcdef\\/+=#",
    ],
)
def test_forms_of_a_key(form: str) -> None:
    assert "0123456789" not in redaction.redacted(f"key {form} refused", [LONG])


def test_headers_that_are_handed_on() -> None:
    headers = {
        "Retry-After": "3",
        "X-RateLimit-Remaining-Tokens": "9",
        "Location": f"https://user:password@a.example/b?key={LONG}#c",
        "X-Request-Id": f"for {LONG}",
        "Set-Cookie": "a=b",
        "X-Internal": "no",
        "X-Team": "blue",
    }
    assert redaction.handed_on(headers, (LONG,), frozenset({"x-team"})) == {
        "retry-after": "3",
        "x-ratelimit-remaining-tokens": "9",
        "location": "https://a.example/b",
        "x-request-id": "for [redacted]",
        "x-team": "blue",
    }


@pytest.mark.parametrize("location", ["/b?key=1", "//a.example/b?key=1", "http://[bad/b?key=1", "?key=1", "#key=1"])
def test_location_of_any_form(location: str) -> None:
    assert "key" not in redaction.without_query(location)


@pytest.mark.feature("http")
@pytest.mark.parametrize("mode", MODES)
def test_cause_says_what_went_wrong_and_where(mode: Mode, upstream: Upstream, model: str) -> None:
    """The author of a transformation needs the traceback; nobody needs the request that hangs on an exception."""
    upstream.will(Raw(200, b'{"choices": [{"message": 7}]}'))
    with pytest.raises(litellm.BadGatewayError) as caught:
        ask(mode, model)
    cause = caught.value.__cause__
    assert isinstance(cause, redaction.RedactedError)
    assert caught.value.__context__ is None
    assert re.search(r"in (transform_\w*response|read_job)", "".join(traceback.format_exception(caught.value)))


@pytest.mark.feature("http")
def test_headers_of_the_setting(upstream: Upstream, model: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(f"{answers.ENV_PREFIX}_RESPONSE_HEADERS", "X-Team, X-Zone")
    headers = {"x-team": "blue", "x-zone": "7", "x-internal": "no"}
    upstream.will(*[Refusal(400, headers=headers)] * 2)
    with pytest.raises(litellm.BadRequestError) as caught:
        ask("sync", model)
    got = caught.value.response.headers
    assert (got["x-team"], got["x-zone"]) == ("blue", "7")
    assert "x-internal" not in got

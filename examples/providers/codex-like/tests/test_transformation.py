"""The translation to Responses. Yours to edit."""

from __future__ import annotations

import litellm
import pytest

from .conformance.calls import ask
from .conformance.server import Upstream


def test_a_limit_is_left_out(upstream: Upstream, model: str) -> None:
    ask("sync", model, max_tokens=5)
    assert not {"max_tokens", "max_output_tokens"} & upstream.requests[-1].body.keys()


def test_a_temperature_is_refused(upstream: Upstream, model: str) -> None:
    with pytest.raises(litellm.UnsupportedParamsError, match="temperature"):
        ask("sync", model, temperature=0.5)


def test_the_account_goes_along(upstream: Upstream, model: str) -> None:
    ask("sync", model)
    assert upstream.requests[-1].headers["accept"] == "text/event-stream"
    assert upstream.requests[-1].body["store"] is False

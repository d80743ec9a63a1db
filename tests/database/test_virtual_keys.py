"""What LiteLLM's proxy has checked and booked for a virtual key is what the upstream gets."""

from __future__ import annotations

from typing import Any

import pytest

from tests.database.proxy import COMPANY_KEY, PRICES, Proxy

# One test: with a function for each, workers that share the work would all start a proxy.
OVERRIDES: tuple[dict[str, Any], ...] = (
    {"model": "expensive"},
    {"messages": [{"role": "user", "content": "what no guardrail has seen"}]},
    {"stream": True},
)


@pytest.mark.slow  # it needs a Postgres of the machine, which not every one has
def test_extra_body_overrides_nothing_that_was_checked(proxy_with_database: Proxy) -> None:
    proxy = proxy_with_database
    key = proxy.new_key(models=["cheap"], max_budget=1.0, tpm_limit=100_000)
    assert proxy.chat(key, "expensive").status in (401, 403), "the key is for the other model"

    fair = proxy.chat(key, "cheap", extra_body={"top_k": 5})
    assert fair.status == 200, fair.text
    [received] = proxy.received()
    assert (received["body"]["model"], received["body"]["top_k"]) == ("cheap", 5)

    refused = [proxy.chat(key, "cheap", extra_body=given) for given in OVERRIDES]
    booked = [(row["model_group"], row["spend"]) for row in proxy.booked(key, 2 + len(OVERRIDES))]
    reached = [request["body"] for request in proxy.received()[1:]]
    assert not reached, f"booked for {booked}"
    for response, given in zip(refused, OVERRIDES, strict=True):
        assert response.status == 400, response.text
        assert f'extra_body must not set "{next(iter(given))}"' in response.json["error"]["message"]
    cost = fair.json["usage"]["total_tokens"] * PRICES["cheap"]
    assert [spend for _, spend in booked if spend] == [pytest.approx(cost)]

    for place in (proxy.database.dump(), proxy.ask("/health").text, proxy.log.read_text(errors="replace")):
        assert key not in place
        assert COMPANY_KEY not in place

"""What LiteLLM itself cannot do for a provider, shown so that it is noticed when it can. Template's file.

Each test says how it should be and is expected to fail. When LiteLLM mends one, that test fails as
"XPASS(strict)": then the expectation goes, and the test moves to test_proxy.py.
"""

from __future__ import annotations

from typing import Any

import anthropic
import openai
import pytest
from litellm._version import version

from ..package import answers
from .calls import stream
from .proxy import Proxy
from .server import Fault, Refusal, Reply, Upstream

# A fork may give the distribution another name; LiteLLM does not know its version then, and is taken for a new one.
LITELLM = tuple(int(part) for part in version.split(".")[:2]) if version != "unknown" else (999,)
HELLO: list[Any] = [{"role": "user", "content": "hello"}]
MODEL = f"{answers.PROVIDER}/any"


@pytest.mark.xfail(
    LITELLM >= (1, 106), reason="litellm: /v1/messages sends the HTTP status before it has a chunk", strict=True
)
def test_status_of_a_refused_stream_of_messages(proxy: Proxy, upstream: Upstream) -> None:
    client = anthropic.Anthropic(base_url=proxy.url, api_key=proxy.key, max_retries=0)
    upstream.will(Refusal(404, "model_not_found"))
    with (
        pytest.raises(anthropic.APIStatusError, match="the upstream says no") as caught,
        client.messages.stream(model=MODEL, max_tokens=5, messages=HELLO) as stream,
    ):
        stream.get_final_message()
    assert caught.value.status_code == 404


@pytest.mark.xfail(
    LITELLM >= (1, 106), reason="litellm: /v1/responses sends the HTTP status before it has a chunk", strict=True
)
def test_status_of_a_refused_stream_of_responses(proxy: Proxy, upstream: Upstream) -> None:
    client = openai.OpenAI(base_url=f"{proxy.url}/v1", api_key=proxy.key, max_retries=0)
    upstream.will(Refusal(404, "model_not_found"))
    events: list[Any] = []
    with pytest.raises(openai.NotFoundError):
        events.extend(client.responses.create(model=MODEL, input="hello", stream=True))


@pytest.mark.xfail(
    reason="litellm: an async stream of a custom provider begins with its first chunk, after LiteLLM has looked for errors",
    strict=True,
)
def test_num_retries_of_an_async_stream(upstream: Upstream, model: str) -> None:
    """A router does try again: it has fallbacks for what fails before the first chunk."""
    upstream.will(Refusal(503, "overloaded_error"))
    assert stream("async", model, num_retries=1)


@pytest.mark.feature("http")
@pytest.mark.xfail(
    LITELLM < (1, 106), reason="litellm: /v1/messages took a broken stream for a complete one", strict=False
)
def test_broken_stream_of_messages(proxy: Proxy, upstream: Upstream) -> None:
    client = anthropic.Anthropic(base_url=proxy.url, api_key=proxy.key, max_retries=0)
    upstream.will(Reply(text=("a", "b", "c", "d")), fault=Fault("reset", after=4))
    with (
        pytest.raises(anthropic.APIStatusError, match="network error"),
        client.messages.stream(model=MODEL, max_tokens=5, messages=HELLO) as stream,
    ):
        stream.get_final_message()

"""Images from prompts: parameters, forms of answers, usage, failures. Template's file: do not edit."""

from __future__ import annotations

import asyncio
from base64 import b64decode
from collections.abc import Callable, Iterator
from typing import Any

import litellm
import openai
import pytest

from ..package import answers, part, registration
from .calls import MODES, Mode
from .image_calls import BLUE, BYTES, ID, IMAGE_MODEL, RED, fail, generate, is_image
from .proxy import Proxy
from .server import Pictures, Raw, Refusal, Upstream, pictures_of

CONFIG = part("image_transformation").ImageConfig()
SUPPORTED = CONFIG.get_supported_openai_params(ID)
FORMATS: tuple[str, ...] = getattr(CONFIG, "response_formats", ("b64_json", "url"))

VALUES: dict[str, Any] = {
    "background": "transparent",
    "moderation": "low",
    "n": 2,
    "output_compression": 50,
    "output_format": "webp",
    "quality": "high",
    "size": "1024x1536",
    "style": "natural",
    "user": "u-7",
}
"""A value of each parameter that asks for something."""


def client(proxy: Proxy) -> openai.OpenAI:
    return openai.OpenAI(base_url=f"{proxy.url}/v1", api_key=proxy.key, max_retries=0)


@pytest.mark.parametrize("mode", MODES)
def test_image(mode: Mode, upstream: Upstream) -> None:
    upstream.will(Pictures((RED,), "a small cat", input_tokens=5, output_tokens=70))
    answer = generate(mode, **BYTES["images"])
    assert upstream.last["prompt"] == "a cat"
    assert is_image(answer.data[0], RED)
    assert isinstance(answer, litellm.ImageResponse)
    assert answer._hidden_params["custom_llm_provider"] == answers.PROVIDER
    assert upstream.requests[0].headers["x-request-id"]


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("name", [name for name in VALUES if name in SUPPORTED])
def test_parameter(name: str, mode: Mode, upstream: Upstream) -> None:
    """LiteLLM keeps most of them from custom providers: they are taken from what the caller said."""
    generate(mode, **{name: VALUES[name]})
    assert upstream.last[name] == VALUES[name]


@pytest.mark.parametrize("mode", MODES)
def test_nothing_is_sent_that_nobody_asked_for(mode: Mode, upstream: Upstream) -> None:
    generate(mode, metadata={"tags": ["x"]}, api_key=None)
    assert {name for name in upstream.last if upstream.last[name] is not None} <= {
        "model",
        "prompt",
        "n",
        "response_format",
    }


@pytest.mark.parametrize("mode", MODES)
def test_parameter_that_the_upstream_lacks(mode: Mode, upstream: Upstream, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(type(CONFIG), "get_supported_openai_params", lambda self, model: ["n"])
    error = fail(mode, "images", size="1024x1536")
    assert isinstance(error, litellm.UnsupportedParamsError)
    assert "'size'" in str(error)
    assert upstream.requests == []
    generate(mode, size="1024x1536", drop_params=True)
    assert "size" not in upstream.last
    generate(mode, size="auto", quality="auto", background="auto", user="u-7")


@pytest.mark.parametrize("mode", MODES)
def test_extra_body(mode: Mode, upstream: Upstream) -> None:
    generate(mode, extra_body={"seed": 7}, extra_headers={"X-Own": "v"})
    sent = upstream.requests[0]
    assert sent.body["seed"] == 7 if isinstance(sent.body, dict) else "seed=7" in sent.path
    assert sent.headers["x-own"] == "v"
    assert isinstance(fail(mode, "images", extra_body={"model": "another"}), litellm.BadRequestError)


@pytest.mark.parametrize("mode", MODES)
def test_no_stream(mode: Mode, upstream: Upstream) -> None:
    error = fail(mode, "images", stream=True)
    assert isinstance(error, litellm.BadRequestError)
    assert "leave stream out" in str(error)
    assert upstream.requests == []


@pytest.mark.parametrize("mode", MODES)
def test_images_in_the_form_that_was_asked_for(mode: Mode, upstream: Upstream) -> None:
    answer = generate(mode, response_format="url")
    assert answer.data[0].b64_json is None
    assert answer.data[0].url
    if "b64_json" in FORMATS:
        answer = generate(mode, response_format="b64_json")
        assert b64decode(answer.data[0].b64_json).startswith(b"\x89PNG")
        assert answer.data[0].url is None
    assert isinstance(fail(mode, "images", response_format="jpeg"), litellm.BadRequestError)


@pytest.mark.parametrize("mode", MODES)
def test_addresses_are_not_fetched(mode: Mode, upstream: Upstream, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(type(CONFIG), "response_formats", ("url",), raising=False)
    error = fail(mode, "images", response_format="b64_json")
    assert isinstance(error, litellm.BadRequestError)
    assert 'ask for the response_format "url"' in str(error)
    assert upstream.requests == []


@pytest.mark.feature("image_tokens")
@pytest.mark.parametrize("mode", MODES)
def test_usage(mode: Mode, upstream: Upstream) -> None:
    upstream.will(Pictures((RED,), input_tokens=5, output_tokens=70))
    answer = generate(mode)
    assert (answer.usage.input_tokens, answer.usage.output_tokens, answer.usage.total_tokens) == (5, 70, 75)


@pytest.fixture
def priced(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., None]]:
    """Gives the model prices, in place of those in models.yaml."""
    models = part("models")

    def price(**prices: float) -> None:
        facts = {**models.load_models(), ID: {"mode": "image_generation", **prices}}
        for module in ("models", "images"):
            monkeypatch.setattr(part(module), "load_models", lambda: facts)
        litellm.model_cost.pop(IMAGE_MODEL, None)
        models.register_models()

    yield price
    monkeypatch.undo()
    litellm.model_cost.pop(IMAGE_MODEL, None)
    models.register_models()


@pytest.mark.parametrize("mode", MODES)
def test_cost_of_images(mode: Mode, upstream: Upstream, priced: Callable[..., None]) -> None:
    """LiteLLM counts them; its oldest versions know the price by this name only."""
    priced(input_cost_per_image=0.04)
    images = (RED, RED, RED) if "n" in SUPPORTED else (RED,)
    upstream.will(Pictures(images, input_tokens=5, output_tokens=70))
    assert generate(mode)._hidden_params["response_cost"] == pytest.approx(0.04 * len(images))


@pytest.mark.feature("image_tokens")
@pytest.mark.parametrize("mode", MODES)
def test_cost_of_tokens(mode: Mode, upstream: Upstream, priced: Callable[..., None]) -> None:
    """LiteLLM has none for a custom provider, so that it is worked out here."""
    priced(input_cost_per_token=1e-6, output_cost_per_image_token=1e-5)
    upstream.will(Pictures((RED,), input_tokens=5, output_tokens=70))
    answer = generate(mode)
    assert answer._hidden_params["response_cost"] == pytest.approx(5e-6 + 7e-4)


def test_tokens_of_images_have_a_price_of_their_own(priced: Callable[..., None]) -> None:
    usage = part("image_format").image_usage(
        {"input_tokens": 110, "input_tokens_details": {"image_tokens": 100}, "output_tokens": 10}
    )
    cost = part("images").token_cost
    priced(input_cost_per_token=1.0, input_cost_per_image_token=2.0, output_cost_per_image_token=3.0)
    assert cost(ID, usage) == 10 * 1.0 + 100 * 2.0 + 10 * 3.0
    priced(input_cost_per_token=1.0, input_cost_per_image=2.0)
    assert cost(ID, usage) is None
    priced()
    assert cost(ID, usage) is None


@pytest.mark.feature("image_tokens")
@pytest.mark.parametrize("mode", MODES)
def test_a_price_of_the_call_comes_first(mode: Mode, upstream: Upstream, priced: Callable[..., None]) -> None:
    priced(input_cost_per_token=1e-6)
    answer = generate(mode, input_cost_per_token=1e-3)
    assert answer._hidden_params.get("response_cost") != pytest.approx(answer.usage.input_tokens * 1e-6)


@pytest.mark.parametrize("mode", MODES)
def test_answer_with_an_image_as_its_body(mode: Mode, upstream: Upstream, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the author's API sends does not matter here: its address gets what OpenAI's would."""
    base: Any = part("image_format").OpenAIFormatImageConfig

    class Config(base):  # type: ignore[misc]
        response_formats = ("b64_json",)

        def get_complete_url(self, *args: Any, **kwargs: Any) -> Any:
            return CONFIG.get_complete_url(*args, **kwargs)

    monkeypatch.setattr(registration.register().drivers["images"], "config", Config())
    upstream.will(Raw(200, RED, "image/png"))
    answer = generate(mode)
    assert b64decode(answer.data[0].b64_json) == RED
    assert answer.output_format == "png"
    upstream.will(Raw(200, RED, "application/octet-stream"))
    answer = generate(mode, response_format="url")
    assert "response_format" not in upstream.requests[-1].body
    assert answer.data[0].url.startswith("data:image/png;base64,iVBORw0KGgo")
    assert answer.data[0].b64_json is None


def test_many_at_once(upstream: Upstream) -> None:
    """Each gets its own: the stand-in makes another image of each prompt."""

    async def ask_for_all() -> list[Any]:
        calls = [
            litellm.aimage_generation(model=IMAGE_MODEL, prompt=f"cat {number}", **BYTES["images"])
            for number in range(10)
        ]
        return await asyncio.gather(*calls)

    made = [pictures_of({"prompt": f"cat {number}"}).images[0] for number in range(10)]
    for answer, image in zip(asyncio.run(ask_for_all()), made, strict=True):
        assert isinstance(image, bytes)
        assert is_image(answer.data[0], image)


def test_openai_client_through_a_proxy(proxy: Proxy, upstream: Upstream) -> None:
    sent = {name: VALUES[name] for name in VALUES if name in SUPPORTED}
    images = (RED, BLUE) if "n" in SUPPORTED else (RED,)
    upstream.will(Pictures(images, input_tokens=5, output_tokens=70))
    raw = client(proxy).images.with_raw_response.generate(model=ID, prompt="a cat", **sent, **BYTES["images"])
    answer: Any = raw.parse()
    assert all(is_image(image, content) for image, content in zip(answer.data, images, strict=True))
    assert {name: upstream.last[name] for name in sent} == sent
    assert raw.headers["x-litellm-model-id"]


def test_errors_through_a_proxy(proxy: Proxy, upstream: Upstream) -> None:
    upstream.will(*[Refusal(429, "rate_limit_exceeded", headers={"retry-after": "17"})] * 2)
    with pytest.raises(openai.RateLimitError, match="the upstream says no"):
        client(proxy).images.generate(model=ID, prompt="a cat")
    upstream.will(*[Refusal(400, "content_policy_violation")] * 2)
    with pytest.raises(openai.BadRequestError):
        client(proxy).images.generate(model=ID, prompt="a cat")
    with pytest.raises(openai.BadRequestError, match="leave stream out"):
        client(proxy).images.generate(model=ID, prompt="a cat", stream=True)

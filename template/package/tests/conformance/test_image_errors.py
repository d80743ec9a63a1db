"""Failures of calls for images: the right class, with message and request id. Template's file: do not edit."""

from __future__ import annotations

import asyncio
import gzip
import json
import logging
import socket
from typing import Any

import litellm
import pytest
from litellm.integrations.custom_logger import CustomLogger

from ..package import answers
from ..upstream_images import UpstreamFormat
from .auth.account import Account
from .calls import MODES, Mode
from .conftest import KEY, answers_have, use
from .image_calls import CALLS, IMAGE_MODEL, RED, SERVED, fail
from .server import Fault, Pictures, Raw, Refusal, Upstream

CASES: list[tuple[Refusal, type[Exception], int]] = [
    (Refusal(400, "invalid_request_error"), litellm.BadRequestError, 400),
    (Refusal(400, "content_policy_violation"), litellm.ContentPolicyViolationError, 400),
    (Refusal(401, "invalid_api_key"), litellm.AuthenticationError, 401),
    (Refusal(402, "billing"), litellm.APIError, 402),
    (Refusal(403, "permission_error"), litellm.PermissionDeniedError, 403),
    (Refusal(404, "model_not_found"), litellm.NotFoundError, 404),
    (Refusal(408), litellm.Timeout, 408),
    (Refusal(413), litellm.BadRequestError, 413),
    (Refusal(422, "invalid_request_error"), litellm.UnprocessableEntityError, 422),
    (Refusal(429, "rate_limit_exceeded"), litellm.RateLimitError, 429),
    (Refusal(500, "server_error"), litellm.InternalServerError, 500),
    (Refusal(502), litellm.BadGatewayError, 502),
    (Refusal(503, "overloaded_error"), litellm.ServiceUnavailableError, 503),
    (Refusal(504), litellm.Timeout, 504),
]

every_capability = pytest.mark.parametrize("capability", SERVED)
every_mode = pytest.mark.parametrize("mode", MODES)


@pytest.mark.parametrize(
    ("refusal", "kind", "status"), CASES, ids=[f"{case[0].status}-{case[1].__name__}" for case in CASES]
)
@every_capability
@every_mode
def test_refusal(
    refusal: Refusal, kind: type[Exception], status: int, mode: Mode, capability: str, upstream: Upstream
) -> None:
    # Twice, as a credential that can be renewed gets a second try.
    upstream.will(*[Refusal(refusal.status, refusal.code, refusal.message, {"retry-after": "17"})] * 2)
    error = fail(mode, capability, extra_headers={"x-request-id": "id-7"})
    assert type(error).__qualname__ == kind.__qualname__
    assert error.status_code == status
    assert refusal.message in str(error)
    assert "id-7" in str(error)
    assert answers.PROVIDER in str(error.llm_provider)
    assert error.response.headers["retry-after"] == "17"


@every_capability
@every_mode
def test_error_page_of_a_gateway(mode: Mode, capability: str, upstream: Upstream) -> None:
    page = b"<html><head><title>503 Service Temporarily Unavailable</title></head><body>nginx</body></html>"
    upstream.will(Raw(503, page, "text/html"))
    error = fail(mode, capability)
    assert isinstance(error, litellm.ServiceUnavailableError)
    assert "503 Service Temporarily Unavailable" in str(error)
    assert "<" not in str(error)


@pytest.mark.parametrize(
    "body", [b"", b"{", b"null", b"[]", b"{}", b'{"data": []}', b"<html>hello</html>", b"\xff\xfe"]
)
@every_capability
@every_mode
def test_answer_that_is_none(mode: Mode, capability: str, body: bytes, upstream: Upstream) -> None:
    upstream.will(Raw(200, body))
    error = fail(mode, capability)
    assert type(error) is litellm.BadGatewayError
    assert "request id" in str(error)


@every_capability
@every_mode
def test_error_with_status_200(mode: Mode, capability: str, upstream: Upstream) -> None:
    body = json.dumps(UpstreamFormat().refusal(Refusal(429, "rate_limit_exceeded", "not so fast")))
    upstream.will(Raw(200, body.encode()))
    error = fail(mode, capability)
    assert isinstance(error, litellm.RateLimitError)
    assert "not so fast" in str(error)


@every_capability
@every_mode
def test_answer_that_is_too_large(
    mode: Mode, capability: str, upstream: Upstream, account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its length, or what unpacking makes of it, is looked at while it comes in."""
    monkeypatch.setenv(f"{answers.ENV_PREFIX}_MAX_IMAGE_BYTES", "100000")
    use(account, upstream, monkeypatch)
    large = b'{"data": [{"b64_json": "' + bytes(200_000) + b'"}]}'
    for raw in (Raw(200, large), Raw(200, gzip.compress(large), headers={"content-encoding": "gzip"})):
        upstream.will(raw)
        error = fail(mode, capability)
        assert isinstance(error, litellm.BadRequestError)
        assert (
            f"more than 100000 bytes: ask for fewer or smaller images, or set {answers.ENV_PREFIX}_MAX_IMAGE_BYTES"
            in str(error)
        )
    assert CALLS[capability](mode).data


@every_capability
@every_mode
def test_redirect_is_not_followed(mode: Mode, capability: str, upstream: Upstream) -> None:
    upstream.will(Refusal(307, headers={"location": "http://127.0.0.1:9/elsewhere?k=v"}))
    error = fail(mode, capability)
    assert isinstance(error, litellm.NotFoundError)
    assert "http://127.0.0.1:9/elsewhere" in str(error)
    assert len(upstream.requests) == 1


@every_capability
@every_mode
def test_nobody_there(mode: Mode, capability: str, upstream: Upstream) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    error = fail(mode, capability, api_base=f"http://127.0.0.1:{port}")
    assert type(error) is litellm.APIConnectionError
    assert f"127.0.0.1:{port}" in str(error)


@every_capability
@every_mode
def test_slow_first_byte(mode: Mode, capability: str, upstream: Upstream, caplog: pytest.LogCaptureFixture) -> None:
    upstream.will(Pictures((RED,)), fault=Fault("slow", seconds=5))
    with caplog.at_level(logging.INFO):
        error = fail(mode, capability, timeout=0.3)
    assert type(error) is litellm.Timeout
    assert "read timeout" in str(error)
    assert "error_type=read_timeout" in caplog.text


@pytest.mark.parametrize("kind", ["reset", "truncate"])
@every_capability
@every_mode
def test_answer_breaks_off(mode: Mode, capability: str, kind: str, upstream: Upstream) -> None:
    upstream.will(Pictures((RED,)), fault=Fault(kind))
    error = fail(mode, capability)
    assert type(error) is litellm.APIConnectionError


@every_capability
def test_cancelled(capability: str, upstream: Upstream) -> None:
    """The upstream's connection is closed."""

    async def cancel() -> None:
        upstream.will(Pictures((RED,)), fault=Fault("slow", seconds=30))
        make: Any = litellm.aimage_generation if capability == "images" else litellm.aimage_edit
        more = {} if capability == "images" else {"image": RED}
        task = asyncio.ensure_future(make(model=IMAGE_MODEL, prompt="a cat", **more))
        while not upstream.requests:
            await asyncio.sleep(0.01)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(cancel())
    assert upstream.requests[0].hung_up.wait(5)


@pytest.mark.skipif(not answers_have("api_key"), reason="declared: the provider uses no API key")
@every_capability
@every_mode
def test_no_secret_in_a_failure(
    mode: Mode, capability: str, upstream: Upstream, caplog: pytest.LogCaptureFixture
) -> None:
    upstream.will(*[Refusal(401, "invalid_api_key", f"Incorrect API key provided: {KEY}")] * 2)
    with caplog.at_level(logging.DEBUG, logger=answers.PROVIDER):
        error = fail(mode, capability, api_key=KEY)
    seen = [str(error), repr(error), caplog.text, error.response.text, str(error.response.request.headers)]
    assert not [text for text in seen if KEY in text]


@every_capability
@every_mode
def test_callbacks_get_no_images(
    mode: Mode, capability: str, upstream: Upstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of a large body they get the beginning, and the kind and size of what is in it."""
    told: list[str] = []

    class Callback(CustomLogger):
        def log_pre_api_call(self, model: str, messages: Any, kwargs: Any) -> None:
            told.append(str(kwargs["additional_args"]))

        def log_post_api_call(self, kwargs: Any, response_obj: Any, start_time: Any, end_time: Any) -> None:
            told.append(f"{kwargs['original_response']} {kwargs['additional_args']}")

    monkeypatch.setattr(litellm, "input_callback", [Callback()])
    large = RED + bytes(200_000)
    upstream.will(Pictures((large,)))
    CALLS[capability](mode, **({"image": large} if capability == "image_edits" else {}))
    assert len(told) == 2
    assert max(map(len, told)) < 5000
    assert "bytes" in told[1]

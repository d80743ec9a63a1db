"""Failures before the first chunk: the right class, with message and request id. Template's file: do not edit."""

from __future__ import annotations

import json
import logging
import socket
import time
from collections.abc import Callable
from typing import Any

import litellm
import pytest

from ..package import answers, part
from ..upstream import UpstreamFormat
from .calls import MODES, Mode, ask, cause, stream
from .conftest import KEY, answers_have
from .features import declared
from .server import Fault, Raw, Refusal, Reply, Upstream

CASES: list[tuple[Refusal, type[Exception], int]] = [
    (Refusal(400, "invalid_request_error"), litellm.BadRequestError, 400),
    (Refusal(400, "context_length_exceeded"), litellm.ContextWindowExceededError, 400),
    (
        Refusal(400, "", "This model's maximum context length is 8192 tokens."),
        litellm.ContextWindowExceededError,
        400,
    ),
    (Refusal(400, "content_policy_violation"), litellm.ContentPolicyViolationError, 400),
    (Refusal(401, "invalid_api_key"), litellm.AuthenticationError, 401),
    (Refusal(402, "billing"), litellm.APIError, 402),
    (Refusal(403, "permission_error"), litellm.PermissionDeniedError, 403),
    (Refusal(404, "model_not_found"), litellm.NotFoundError, 404),
    (Refusal(408), litellm.Timeout, 408),
    (Refusal(409), litellm.BadRequestError, 409),
    (Refusal(422, "invalid_request_error"), litellm.UnprocessableEntityError, 422),
    (Refusal(429, "rate_limit_exceeded"), litellm.RateLimitError, 429),
    (Refusal(500, "server_error"), litellm.InternalServerError, 500),
    (Refusal(502), litellm.BadGatewayError, 502),
    (Refusal(503, "overloaded_error"), litellm.ServiceUnavailableError, 503),
    (Refusal(504), litellm.Timeout, 504),
    (Refusal(529, "overloaded_error"), litellm.ServiceUnavailableError, 503),
]


def fail(mode: Mode, streamed: bool, model: str, **arguments: Any) -> Any:
    """Returns the exception of a call that must fail, without what LiteLLM wraps around it in streams."""
    with pytest.raises(Exception) as caught:  # noqa: PT011  # the test looks at it closely
        (stream if streamed else ask)(mode, model, **arguments)
    return cause(caught.value)


@pytest.mark.parametrize("streamed", [False, True])
@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(
    ("refusal", "kind", "status"), CASES, ids=[f"{case[0].status}-{case[1].__name__}" for case in CASES]
)
def test_refusal(
    refusal: Refusal, kind: type[Exception], status: int, mode: Mode, streamed: bool, upstream: Upstream, model: str
) -> None:
    # Twice, as a credential that can be renewed gets a second try.
    upstream.will(*[Refusal(refusal.status, refusal.code, refusal.message, {"retry-after": "17"})] * 2)
    error = fail(mode, streamed, model, extra_headers={"x-request-id": "id-7"})
    assert type(error).__qualname__ == kind.__qualname__
    assert error.status_code == status
    assert refusal.message in str(error)
    assert "id-7" in str(error)
    assert answers.PROVIDER in str(error.llm_provider)
    if "retry_after" not in declared():
        assert error.response.headers["retry-after"] == "17"


@pytest.mark.feature("http")
@pytest.mark.parametrize("streamed", [False, True])
@pytest.mark.parametrize("mode", MODES)
def test_error_page_of_a_gateway(mode: Mode, streamed: bool, upstream: Upstream, model: str) -> None:
    page = b"<html><head><title>503 Service Temporarily Unavailable</title></head><body>nginx</body></html>"
    upstream.will(Raw(503, page, "text/html"))
    error = fail(mode, streamed, model)
    assert isinstance(error, litellm.ServiceUnavailableError)
    assert "503 Service Temporarily Unavailable" in str(error)
    assert "<" not in str(error)


@pytest.mark.feature("http")
@pytest.mark.parametrize("streamed", [False, True])
@pytest.mark.parametrize("mode", MODES)
def test_error_without_a_body(mode: Mode, streamed: bool, upstream: Upstream, model: str) -> None:
    upstream.will(Raw(500))
    assert "Internal Server Error" in str(fail(mode, streamed, model))


@pytest.mark.feature("http")
@pytest.mark.parametrize("body", [b"", b"{", b"null", b"[]", b"{}", b'{"choices": []}', b"\xff\xfe"])
@pytest.mark.parametrize("streamed", [False, True])
@pytest.mark.parametrize("mode", MODES)
def test_answer_that_is_none(mode: Mode, streamed: bool, body: bytes, upstream: Upstream, model: str) -> None:
    upstream.will(Raw(200, body))
    error = fail(mode, streamed, model)
    assert type(error) is litellm.BadGatewayError
    assert "request id" in str(error)


@pytest.mark.feature("http")
@pytest.mark.parametrize("streamed", [False, True])
@pytest.mark.parametrize("mode", MODES)
def test_error_with_status_200(mode: Mode, streamed: bool, upstream: Upstream, model: str) -> None:
    body = json.dumps(UpstreamFormat().refusal(Refusal(429, "rate_limit_exceeded", "not so fast")))
    upstream.will(Raw(200, body.encode()))
    error = fail(mode, streamed, model)
    assert isinstance(error, litellm.RateLimitError)
    assert "not so fast" in str(error)


@pytest.mark.feature("http")
@pytest.mark.parametrize("streamed", [False, True])
@pytest.mark.parametrize("mode", MODES)
def test_error_whose_body_stalls(
    mode: Mode, streamed: bool, upstream: Upstream, model: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Status and headers are known: they are not lost with the body."""
    monkeypatch.setattr(part("sending"), "ERROR_BODY_SECONDS", 0.3)
    upstream.will(Refusal(429, headers={"retry-after": "3"}), fault=Fault("stall", seconds=30))
    error = fail(mode, streamed, model)
    assert isinstance(error, litellm.RateLimitError)
    assert error.response.headers["retry-after"] == "3"


@pytest.mark.feature("http")
@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b'{"error": true, "message": "this one"}', "this one"),
        (b'{"error": null, "detail": "this one"}', "this one"),
        (b'{"error": "this one"}', "this one"),
        (b'"this one"', "this one"),
        (b'{"detail": [{"loc": ["body", "n"], "msg": "this one", "input": 1}]}', "body.n: this one"),
        (b'{"errors": [{"message": "one"}, "two"]}', "one; two"),
        (b'{"success": false, "message": "this one"}', "this one"),
        (b'{"Message": "this one", "__type": "X"}', "this one"),
        (b'[{"error": {"message": "this one"}}]', "this one"),
        (b'{"error": {"error": {"message": "this one"}}}', "this one"),
        (b'{"error": {"message": {"text": "this one"}}}', "this one"),
        (b'{"error": {"message": "outer", "metadata": {"raw": "{\\"detail\\": \\"inner\\"}"}}}', "outer: inner"),
        (b'{"error": "Bad Request", "message": "this one", "statusCode": 400}', "this one"),
        (b'{"error": 17}', '{"error": 17}'),
        (b'{"code": 7, "novel": {"said": "this one"}}', "this one"),
        (b"[" * 60_000, "[["),
        (b"<" * 64_000, "<<"),
        (b"\x1b[31mred\x00", "[31mred"),
    ],
)
def test_error_bodies_of_all_kinds(body: bytes, message: str, upstream: Upstream, model: str) -> None:
    upstream.will(Raw(400, body))
    started = time.monotonic()
    error = fail("sync", False, model)
    assert time.monotonic() - started < 2
    assert isinstance(error, litellm.BadRequestError)
    assert message in str(error)
    assert "\x1b" not in str(error)


@pytest.mark.parametrize("streamed", [False, True])
def test_no_exception_is_its_own_cause(streamed: bool, upstream: Upstream, model: str) -> None:
    upstream.will(Refusal(400))
    error = fail("async", streamed, model)
    seen: list[Any] = []
    while error is not None:
        assert not any(error is one for one in seen)
        seen.append(error)
        error = error.__cause__ or error.__context__


@pytest.mark.feature("http")
@pytest.mark.parametrize("streamed", [False, True])
@pytest.mark.parametrize("mode", MODES)
def test_redirect_is_not_followed(mode: Mode, streamed: bool, upstream: Upstream, model: str) -> None:
    """Following it would hand the key to another host."""
    upstream.will(Refusal(307, headers={"location": "http://127.0.0.1:9/elsewhere?k=v"}))
    error = fail(mode, streamed, model)
    assert isinstance(error, litellm.NotFoundError)
    assert "http://127.0.0.1:9/elsewhere" in str(error)
    assert len(upstream.requests) == 1


@pytest.mark.feature("http")
@pytest.mark.parametrize("streamed", [False, True])
@pytest.mark.parametrize("mode", MODES)
def test_nobody_there(mode: Mode, streamed: bool, upstream: Upstream, model: str) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    error = fail(mode, streamed, model, api_base=f"http://127.0.0.1:{port}")
    assert type(error) is litellm.APIConnectionError
    assert "network error" in str(error)
    assert f"127.0.0.1:{port}" in str(error)


@pytest.mark.feature("http")
@pytest.mark.parametrize("mode", MODES)
def test_nobody_answers_the_door(mode: Mode, upstream: Upstream, model: str, caplog: pytest.LogCaptureFixture) -> None:
    """A listener whose queue is full lets the connection hang."""
    with socket.socket() as door:
        door.bind(("127.0.0.1", 0))
        door.listen(0)
        port = door.getsockname()[1]
        waiting = [socket.socket() for _ in range(4)]
        try:
            for knock in waiting:
                knock.setblocking(False)
                knock.connect_ex(("127.0.0.1", port))
            with caplog.at_level(logging.INFO):
                error = fail(mode, False, model, api_base=f"http://127.0.0.1:{port}", timeout=0.5)
        finally:
            for knock in waiting:
                knock.close()
    assert type(error) is litellm.Timeout
    assert "connect timeout" in str(error)
    assert "error_type=connect_timeout" in caplog.text


@pytest.mark.parametrize("streamed", [False, True])
@pytest.mark.parametrize("mode", MODES)
def test_slow_first_byte(
    mode: Mode, streamed: bool, upstream: Upstream, model: str, caplog: pytest.LogCaptureFixture
) -> None:
    upstream.will(Reply(), fault=Fault("slow", seconds=5))
    with caplog.at_level(logging.INFO):
        error = fail(mode, streamed, model, timeout=0.3, extra_headers={"x-request-id": "id-8"})
    assert type(error) is litellm.Timeout
    assert "read timeout" in str(error)
    assert "error_type=read_timeout" in caplog.text
    assert "request_id=id-8" in caplog.text


@pytest.mark.feature("http")
@pytest.mark.parametrize("kind", ["reset", "truncate"])
@pytest.mark.parametrize("mode", MODES)
def test_answer_breaks_off(
    mode: Mode, kind: str, upstream: Upstream, model: str, caplog: pytest.LogCaptureFixture
) -> None:
    upstream.will(Reply(), fault=Fault(kind))
    with caplog.at_level(logging.INFO):
        error = fail(mode, False, model)
    assert type(error) is litellm.APIConnectionError
    assert "error_type=network_error" in caplog.text


@pytest.mark.skipif(not answers_have("api_key"), reason="declared: the provider uses no API key")
@pytest.mark.parametrize("streamed", [False, True])
@pytest.mark.parametrize("mode", MODES)
def test_no_secret_in_a_failure(
    mode: Mode, streamed: bool, upstream: Upstream, model: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Upstreams like to quote the key that they refuse."""
    upstream.will(*[Refusal(401, "invalid_api_key", f"Incorrect API key provided: {KEY}")] * 2)
    with caplog.at_level(logging.DEBUG, logger=answers.PROVIDER):
        error = fail(mode, streamed, model, api_key=KEY)
    seen = [str(error), repr(error), caplog.text, error.response.text, str(error.response.request.headers)]
    assert not [text for text in seen if KEY in text]


def test_no_secret_of_the_caller_in_a_failure(upstream: Upstream, model: str) -> None:
    upstream.guard = None
    upstream.will(*[Refusal(401, "invalid_api_key", "Incorrect API key provided: sk-of-the-caller")] * 2)
    error = fail("sync", False, model, extra_headers={"Authorization": "Bearer sk-of-the-caller"})
    assert "sk-of-the-caller" not in f"{error} {error.response.text}"


@pytest.mark.parametrize("mode", MODES)
def test_unreadable_timeout_of_the_caller(mode: Mode, upstream: Upstream, model: str) -> None:
    error = fail(mode, False, model, timeout="soon")
    assert isinstance(error, litellm.BadRequestError | litellm.APIConnectionError)
    assert upstream.requests == []


@pytest.fixture
def words(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Stands for the `[errors]` of an upstream.toml, so that the author's own does not matter here."""
    module = part("error_words")
    kind = part("upstream")

    def say(**said: Any) -> None:
        monkeypatch.setattr(module, "load_upstream", lambda: kind.Upstream(errors=kind.Errors(**said)))

    say()
    return say


WINDOW = litellm.ContextWindowExceededError
BAD_REQUEST = litellm.BadRequestError
POLICY = litellm.ContentPolicyViolationError

# Status, body, and the class that its codes and words mean.
BODIES: list[tuple[int, str, type[Exception]]] = [
    # a prompt that is too long, as many servers say it
    (
        400,
        '{"object": "error", "message": "You passed 40961 input tokens and requested 1 output tokens. However, the '
        'model\'s context length is only 40960 tokens", "code": 400}',
        WINDOW,
    ),
    (500, '{"error": {"code": 500, "message": "this one", "type": "exceed_context_size_error"}}', WINDOW),
    (422, '{"error": "`inputs` must have less than 4096 tokens. Given: 5000", "error_type": "validation"}', WINDOW),
    (422, '{"error": "`inputs` tokens + `max_new_tokens` must be <= 4096", "error_type": "validation"}', WINDOW),
    (400, '{"type": "error", "error": {"message": "prompt is too long: 210000 tokens > 200000 maximum"}}', WINDOW),
    (400, '{"message": "Input is too long for requested model."}', WINDOW),
    (400, '{"message": "too many tokens: total number of tokens in the prompt cannot exceed 4081"}', WINDOW),
    (413, '{"error": {"message": "Please reduce the length of the messages or completion."}}', WINDOW),
    (400, '{"error": "This model\'s maximum prompt length is 131072 but the request contains 537812 tokens."}', WINDOW),
    (400, '{"error": {"message": "Input length (1602 tokens) exceeds the maximum allowed length (598)."}}', WINDOW),
    (400, '{"error": {"message": "Your input exceeds the context window of this model."}}', WINDOW),
    (400, '{"error": {"message": "Your request exceeded model token limit: 8192 (requested: 9999)"}}', WINDOW),
    (500, '{"error": "the input length exceeds the context length"}', WINDOW),
    (400, '{"detail": [{"loc": ["body"], "msg": "prompt too long", "input": "of the caller"}]}', WINDOW),
    (400, '{"message": "invalid request: total number of tokens (prompt and prediction) cannot exceed 4096"}', WINDOW),
    (400, '{"code": "3051", "message": "Prompt contains 40000 tokens, too large for maximum context length"}', WINDOW),
    (422, '{"message": {"detail": [{"type": "context_length", "loc": ["body"], "msg": "this one"}]}}', WINDOW),
    (400, '{"error_code": 336007, "error_msg": "prompt tokens too long"}', WINDOW),
    (400, '{"base_resp": {"status_code": 1039, "status_msg": "token limit exceeded"}}', WINDOW),
    (400, '{"error": {"message": "The number of tokens in the prompt (9000) exceeds the limit (8192)"}}', WINDOW),
    (400, '{"error": "The model is loaded with context length of only 4096 tokens, which is not enough."}', WINDOW),
    # what is not allowed
    (400, '{"error": {"code": "x", "message": "m", "innererror": {"code": "ResponsibleAIPolicyViolation"}}}', POLICY),
    (400, '{"error": {"message": "Content Exists Risk"}}', POLICY),
    (400, '{"error": {"message": "m", "type": "content_filter"}}', POLICY),
    (500, '{"error": {"message": "Your request was rejected as a result of our safety system."}}', POLICY),
    (400, '{"error": {"message": "m", "details": [{"reason": "PROHIBITED_CONTENT"}]}}', POLICY),
    (403, '{"error": {"message": "It requires moderation by A.B. Your input was flagged for violence"}}', POLICY),
    # a code says more than the status
    (413, '{"error": {"code": "rate_limit_exceeded", "message": "too large (TPM)"}}', litellm.RateLimitError),
    (498, '{"error": {"code": "capacity_exceeded", "message": "m"}}', litellm.ServiceUnavailableError),
    (400, '{"__type": "com.amazon.x#ThrottlingException", "Message": "m"}', litellm.RateLimitError),
    (500, '[{"error": {"status": "RESOURCE_EXHAUSTED", "message": "m"}}]', litellm.RateLimitError),
    (500, '{"error": {"error": {"type": "OverloadedError", "message": "m"}}}', litellm.ServiceUnavailableError),
    (400, '{"error": {"message": "m", "details": [{"reason": "API_KEY_INVALID"}]}}', litellm.AuthenticationError),
    # and what only looks so
    (429, '{"error": {"message": "Too many tokens per minute: input token limit"}}', litellm.RateLimitError),
    (429, '{"error": {"message": "Request too large: reduce the length of the messages"}}', litellm.RateLimitError),
    (503, '{"error": {"message": "prompt is too long"}}', litellm.ServiceUnavailableError),
    (400, '{"error": {"message": "max_tokens is too large: 5000. At most 4096 are supported"}}', BAD_REQUEST),
    (
        400,
        '{"error": {"message": "Invalid \'user\': string too long", "code": "string_above_max_length"}}',
        BAD_REQUEST,
    ),
    (400, '{"error": {"message": "Number of tokens per day cannot exceed 5000"}}', BAD_REQUEST),
    (400, '{"error": {"message": "Too many tokens, please wait before trying again."}}', BAD_REQUEST),
    (413, "<title>413 Request Entity Too Large</title>", BAD_REQUEST),
    (500, '{"error": {"type": "invalid_request_error", "message": "m"}}', litellm.InternalServerError),
]


@pytest.mark.feature("http")
@pytest.mark.parametrize(("status", "body", "kind"), BODIES)
def test_class_by_words_and_codes(
    status: int, body: str, kind: type[Exception], words: Callable[..., None], upstream: Upstream, model: str
) -> None:
    upstream.will(Raw(status, body.encode()))
    error = fail("sync", False, model)
    assert type(error).__qualname__ == kind.__qualname__
    assert "of the caller" not in str(error)


def test_a_credential_that_is_refused_is_nothing_else(upstream: Upstream, model: str) -> None:
    upstream.will(*[Raw(401, b'{"error": {"message": "prompt is too long"}}')] * 2)
    assert isinstance(fail("sync", False, model), litellm.AuthenticationError)


@pytest.mark.feature("http")
@pytest.mark.parametrize(
    ("said", "body", "kind"),
    [
        ({"context_window": ["Too Many Characters"]}, '{"error": "TOO MANY characters"}', WINDOW),
        ({"context_window": ["E-17"]}, '{"error": {"code": "e17", "message": "m"}}', WINDOW),
        ({"content_policy": ["our filter"]}, '{"detail": "flagged by our filter"}', POLICY),
        ({"status": {"OUT_OF_CREDITS": 429}}, '{"code": "OutOfCredits", "message": "m"}', litellm.RateLimitError),
        ({"status": {"rate_limit": 503}}, '{"code": "rate_limit", "message": "m"}', litellm.ServiceUnavailableError),
        ({}, '{"code": "OutOfCredits", "message": "too many characters for our filter"}', BAD_REQUEST),
    ],
)
def test_words_of_the_author(
    said: dict[str, Any],
    body: str,
    kind: type[Exception],
    words: Callable[..., None],
    upstream: Upstream,
    model: str,
) -> None:
    words(**said)
    upstream.will(Raw(400, body.encode()))
    assert type(fail("sync", False, model)).__qualname__ == kind.__qualname__

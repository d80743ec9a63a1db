"""Embeddings: through LiteLLM, sync and async, and through a proxy with OpenAI's client. Template's file: do not edit."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import litellm
import openai
import pytest

from ..package import answers, models, part, registration
from .calls import MODES, Mode
from .proxy import EMBEDDINGS, Proxy
from .server import Fault, Raw, Refusal, Reply, Upstream, Vectors, vectors_of

MODEL = f"{answers.PROVIDER}/any-embeddings"
NAME = "any-embeddings"
"""A model that models.yaml does not list: batches and prices are set by the tests that are about them."""

embeddings: Any = part("embeddings")


def embed(mode: Mode, model: str = MODEL, **arguments: Any) -> Any:
    """Returns the answer to a call."""
    arguments.setdefault("input", ["hello"])
    if mode == "sync":
        return litellm.embedding(model=model, **arguments)
    return asyncio.run(litellm.aembedding(model=model, **arguments))


def vectors(answer: Any) -> list[Any]:
    """Returns the vectors of an answer, whose indices have to be in order."""
    assert [item["index"] for item in answer.data] == list(range(len(answer.data)))
    return [item["embedding"] for item in answer.data]


def expected(inputs: list[Any], **asked: Any) -> list[list[float]]:
    """Returns the vectors that the stand-in makes of inputs."""
    return [list(values) for values in vectors_of({"input": inputs, **asked}).values]


def takes(parameter: str) -> bool:
    """Whether the author's transformation names a parameter, and upstream.toml does not say that it is lacking."""
    config = registration.register().drivers["embeddings"].config
    return parameter in part("params").taken(config.get_supported_openai_params(NAME))


def takes_tokens() -> bool:
    """Whether the author's transformation takes lists of tokens."""
    try:
        registration.register().drivers["embeddings"].config.transform_embedding_request(NAME, [7, 8], {}, {})
    except ValueError:
        return False
    return True


@pytest.fixture
def client(proxy: Proxy) -> openai.OpenAI:
    return openai.OpenAI(base_url=f"{proxy.url}/v1", api_key=proxy.key, max_retries=0, timeout=30)


@pytest.fixture
def facts(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., None]]:
    """Says something of the model, as models.yaml would."""

    def say(**said: object) -> None:
        monkeypatch.setitem(models.load_models(), NAME, {"mode": "embedding", **said})
        models.register_models()

    yield say
    litellm.model_cost.pop(MODEL, None)


@pytest.mark.parametrize("mode", MODES)
def test_texts(mode: Mode, upstream: Upstream) -> None:
    answer = embed(mode, input=["one", "two words"])
    assert vectors(answer) == expected(["one", "two words"])
    assert (answer.usage.prompt_tokens, answer.usage.total_tokens, answer.usage.completion_tokens) == (3, 3, 0)
    assert answer.object == "list"
    assert answer.model.endswith(NAME)
    assert (upstream.last["model"], upstream.last["input"]) == (NAME, ["one", "two words"])
    assert vectors(embed(mode, input="alone")) == expected(["alone"])


@pytest.mark.parametrize("given", [[7, 8], [[7, 8], [9]]])
def test_tokens(given: Any, upstream: Upstream) -> None:
    """An API without them says so, before anything is sent."""
    if not takes_tokens():
        with pytest.raises(litellm.BadRequestError, match="token"):
            embed("sync", input=given)
        assert upstream.requests == []
        return
    assert vectors(embed("sync", input=given)) == expected(given if isinstance(given[0], list) else [given])
    assert upstream.last["input"] == given


@pytest.mark.parametrize("given", [[], {}, None])
def test_no_input(given: Any, upstream: Upstream) -> None:
    with pytest.raises(litellm.BadRequestError, match="input"):
        embed("sync", input=given)
    assert upstream.requests == []


@pytest.mark.parametrize("mode", MODES)
def test_what_litellm_keeps_from_custom_providers(mode: Mode, upstream: Upstream) -> None:
    headers = {"x-request-id": "id-5", "x-team": "blue"}
    asked: dict[str, Any] = {"user": "u-7", "extra_body": {"truncate": "END"}, "extra_headers": headers}
    if takes("dimensions"):
        asked["dimensions"] = 5
    answer = embed(mode, drop_params=True, timeout=20, **asked)
    assert upstream.requests[-1].body["truncate"] == "END"
    assert upstream.requests[-1].headers["x-request-id"] == "id-5"
    assert upstream.requests[-1].headers["x-team"] == "blue"
    if takes("user"):
        assert upstream.last["user"] == "u-7"
    if takes("dimensions"):
        assert [len(vector) for vector in vectors(answer)] == [5]
    assert answer._hidden_params["additional_headers"]["llm_provider-x-request-id"] == "id-5"


def test_dimensions_that_the_api_lacks(upstream: Upstream, monkeypatch: pytest.MonkeyPatch) -> None:
    """They are never dropped: vectors of another size are of no use."""
    config = registration.register().drivers["embeddings"].config
    monkeypatch.setattr(config, "get_supported_openai_params", lambda model: ["user"], raising=False)
    with pytest.raises(litellm.BadRequestError, match="dimensions"):
        embed("sync", dimensions=5, drop_params=True)
    assert upstream.requests == []
    said = part("upstream").Upstream(parameters={"dimensions": "ignored"})
    monkeypatch.setattr(part("params"), "load_upstream", lambda: said)
    assert embed("sync", dimensions=5, drop_params=True).data
    assert upstream.last.get("dimensions") is None


@pytest.mark.parametrize("in_base64", [False, True], ids=["upstream-floats", "upstream-base64"])
@pytest.mark.parametrize("form", [None, "float", "base64"])
def test_encoding_format(form: str | None, in_base64: bool, upstream: Upstream) -> None:
    """The caller gets what was asked for, whatever the upstream makes of it."""
    upstream.will(Vectors(((0.5, -0.25),), in_base64=in_base64))
    (vector,) = vectors(embed("sync", encoding_format=form, drop_params=True))
    assert vector == ("AAAAPwAAgL4=" if form == "base64" else [0.5, -0.25])


@pytest.mark.parametrize("mode", MODES)
def test_batches(mode: Mode, upstream: Upstream, facts: Callable[..., None]) -> None:
    facts(embedding_batch=16)
    texts = [f"text {n}" for n in range(100)]
    answer = embed(mode, input=texts)
    assert vectors(answer) == expected(texts)
    assert answer.usage.prompt_tokens == answer.usage.total_tokens == 200
    sizes = sorted(len(upstream._asked(request)["input"]) for request in upstream.requests)
    assert sizes == [4, *[16] * 6]


def test_batches_at_once(upstream: Upstream, facts: Callable[..., None]) -> None:
    """As many as the transformation says, and no more."""
    facts(embedding_batch=1)
    config = registration.register().drivers["embeddings"].config
    limit = getattr(config, "batches_at_once", 4)
    upstream.will(*[Reply()] * 50, fault=Fault("slow", seconds=0.05))
    assert len(embed("async", input=[str(n) for n in range(3 * limit)]).data) == 3 * limit
    connections = {request.headers["x-test-connection"] for request in upstream.requests}
    assert len(connections) <= limit


@pytest.mark.parametrize("mode", MODES)
def test_a_batch_that_fails(mode: Mode, upstream: Upstream, facts: Callable[..., None]) -> None:
    """It fails the call with its own class, and the others are not sent."""
    facts(embedding_batch=2)
    upstream.will(Reply(), *[Refusal(429, "rate_limit_exceeded", headers={"retry-after": "17"})] * 2)
    with pytest.raises(litellm.RateLimitError) as caught:
        embed(mode, input=[str(n) for n in range(80)])
    assert caught.value.response.headers["retry-after"] == "17"
    assert caught.value.__context__ is None
    assert len(upstream.requests) < 40


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("indices", [(2, 0, 1), (0, 1, 2)])
def test_order_is_that_of_the_inputs(mode: Mode, indices: tuple[int, ...], upstream: Upstream) -> None:
    upstream.will(Vectors(tuple((float(place),) for place in indices), indices))
    assert vectors(embed(mode, input=["a", "b", "c"])) == [[0.0], [1.0], [2.0]]


@pytest.mark.feature("http")
@pytest.mark.parametrize(
    "said",
    [
        Vectors(((0.5,),)),
        Vectors(((0.5,), (0.5,), (0.5,))),
        Vectors(((0.5,), (0.5,)), (0, 0)),
        Vectors(((0.5,), (0.5,)), (1, 2)),
        Vectors(((0.5,), ())),
    ],
    ids=["too-few", "too-many", "one-twice", "from-one", "empty"],
)
@pytest.mark.parametrize("mode", MODES)
def test_vectors_that_nobody_can_tell_apart(mode: Mode, said: Vectors, upstream: Upstream) -> None:
    """No caller gets the vector of another text."""
    upstream.will(said)
    with pytest.raises(litellm.BadGatewayError, match="request id"):
        embed(mode, input=["a", "b"])


def test_cost(upstream: Upstream, facts: Callable[..., None]) -> None:
    facts(input_cost_per_token=0.5)
    answer = embed("sync", input=["one two three"])
    assert litellm.completion_cost(answer, model=MODEL) == 1.5
    assert answer._hidden_params["response_cost"] == 1.5
    assert litellm.get_model_info(MODEL)["mode"] == "embedding"


CASES: list[tuple[Refusal, type[Exception], int]] = [
    (Refusal(400, "invalid_request_error"), litellm.BadRequestError, 400),
    (Refusal(400, "context_length_exceeded"), litellm.ContextWindowExceededError, 400),
    (Refusal(401, "invalid_api_key"), litellm.AuthenticationError, 401),
    (Refusal(403, "permission_error"), litellm.PermissionDeniedError, 403),
    (Refusal(404, "model_not_found"), litellm.NotFoundError, 404),
    (Refusal(408), litellm.Timeout, 408),
    (Refusal(422, "invalid_request_error"), litellm.UnprocessableEntityError, 422),
    (Refusal(429, "rate_limit_exceeded"), litellm.RateLimitError, 429),
    (Refusal(500, "server_error"), litellm.InternalServerError, 500),
    (Refusal(502), litellm.BadGatewayError, 502),
    (Refusal(503, "overloaded_error"), litellm.ServiceUnavailableError, 503),
    (Refusal(504), litellm.Timeout, 504),
]


def fail(mode: Mode, **arguments: Any) -> Any:
    """Returns the exception of a call that must fail."""
    with pytest.raises(Exception) as caught:  # noqa: PT011  # the test looks at it closely
        embed(mode, **arguments)
    return caught.value


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(("refusal", "kind", "status"), CASES, ids=[str(case[0].status) for case in CASES])
def test_refusal(refusal: Refusal, kind: type[Exception], status: int, mode: Mode, upstream: Upstream) -> None:
    # Twice, as a credential that can be renewed gets a second try.
    upstream.will(*[Refusal(refusal.status, refusal.code, refusal.message, {"retry-after": "17"})] * 2)
    error = fail(mode, extra_headers={"x-request-id": "id-7"})
    assert (type(error).__qualname__, error.status_code) == (kind.__qualname__, status)
    assert refusal.message in str(error)
    assert "id-7" in str(error)
    assert error.response.headers["retry-after"] == "17"


@pytest.mark.feature("http")
@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(
    ("step", "kind"),
    [
        (Raw(503, b"<html><head><title>503 Busy</title></head></html>", "text/html"), litellm.ServiceUnavailableError),
        (Raw(500), litellm.InternalServerError),
        *((Raw(200, body), litellm.BadGatewayError) for body in (b"", b"{", b"null", b"[]", b"{}", b"\xff\xfe")),
        (Raw(200, b"<html>"), litellm.BadGatewayError),
        (Raw(200, b'{"error": {"message": "no", "code": "rate_limit_exceeded"}}'), litellm.RateLimitError),
    ],
)
def test_answer_that_is_none(mode: Mode, step: Raw, kind: type[Exception], upstream: Upstream) -> None:
    upstream.will(step)
    error = fail(mode)
    assert type(error) is kind
    assert "<" not in str(error) or step.status == 200
    assert "request id" in str(error)


@pytest.mark.parametrize("mode", MODES)
def test_slow_answer(mode: Mode, upstream: Upstream) -> None:
    upstream.will(Reply(), fault=Fault("slow", seconds=5))
    error = fail(mode, timeout=0.3)
    assert type(error) is litellm.Timeout
    assert "read timeout" in str(error)


@pytest.mark.feature("http")
@pytest.mark.parametrize("kind", ["reset", "truncate"])
@pytest.mark.parametrize("mode", MODES)
def test_answer_breaks_off(mode: Mode, kind: str, upstream: Upstream) -> None:
    upstream.will(Reply(), fault=Fault(kind))
    assert type(fail(mode)) is litellm.APIConnectionError


@pytest.mark.feature("http")
@pytest.mark.parametrize("mode", MODES)
def test_nobody_there(mode: Mode, upstream: Upstream) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    error = fail(mode, api_base=f"http://127.0.0.1:{port}")
    assert type(error) is litellm.APIConnectionError
    assert f"127.0.0.1:{port}" in str(error)


def test_cancelling_ends_the_request(upstream: Upstream) -> None:
    upstream.will(Reply(), fault=Fault("slow", seconds=10))

    async def cancelled() -> None:
        task = asyncio.create_task(litellm.aembedding(model=MODEL, input=["a"]))
        while not upstream.requests:
            await asyncio.sleep(0.01)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(cancelled())
    assert upstream.requests[0].hung_up.wait(5)


def test_proxy(client: openai.OpenAI, upstream: Upstream) -> None:
    """The client asks for base64, whether or not its user knows, and makes numbers of it."""
    asked: dict[str, Any] = {"user": "u-7"}
    if takes("dimensions"):
        asked["dimensions"] = 4
    answer = client.embeddings.create(model=EMBEDDINGS, input=["one", "two words"], **asked)
    assert [item.embedding for item in answer.data] == expected(["one", "two words"], **asked)
    assert answer.usage.prompt_tokens == 3
    if takes("user"):
        assert upstream.last["user"] == "u-7"
    assert upstream.last["model"] == NAME
    floats = client.embeddings.create(model=EMBEDDINGS, input="one", encoding_format="float")
    assert floats.data[0].embedding == expected(["one"])[0]
    raw = client.embeddings.with_raw_response.create(model=EMBEDDINGS, input="one", encoding_format="base64")
    assert isinstance(json.loads(raw.text)["data"][0]["embedding"], str)


@pytest.mark.parametrize(
    ("refusal", "status"),
    [
        (Refusal(400, "invalid_request_error"), 400),
        (Refusal(404, "model_not_found"), 404),
        (Refusal(429), 429),
        (Refusal(503), 503),
    ],
    ids=lambda value: str(getattr(value, "status", value)),
)
def test_failure_through_the_proxy(refusal: Refusal, status: int, client: openai.OpenAI, upstream: Upstream) -> None:
    upstream.will(Refusal(refusal.status, refusal.code, refusal.message, {"retry-after": "17"}))
    with pytest.raises(openai.APIStatusError) as caught:
        client.embeddings.create(model=EMBEDDINGS, input=["a"])
    assert caught.value.status_code == status
    assert refusal.message in str(caught.value)


@pytest.mark.feature("http")
@pytest.mark.parametrize("step", [Raw(200, b"{"), Raw(502, b"<html>", "text/html")])
def test_answer_that_is_none_through_the_proxy(step: Raw, client: openai.OpenAI, upstream: Upstream) -> None:
    upstream.will(step)
    with pytest.raises(openai.APIStatusError) as caught:
        client.embeddings.create(model=EMBEDDINGS, input=["a"])
    assert caught.value.status_code == 502


def test_a_client_of_the_proxy_changes_nothing(client: openai.OpenAI, upstream: Upstream) -> None:
    for given in ({"extra_body": {"input": ["b"]}}, {"extra_headers": {"Authorization": "Bearer other"}}):
        with pytest.raises(openai.BadRequestError):
            client.embeddings.create(model=EMBEDDINGS, input=["a"], extra_body=given)
    assert upstream.requests == []


def test_base64_of_openai() -> None:
    assert embeddings.to_base64([1.0, -2.5]) == "AACAPwAAIMA="
    assert embeddings.from_base64("AACAPwAAIMA=") == [1.0, -2.5]
    for text in ("?", "AACAPwA=", "AACA"):
        with pytest.raises(ValueError, match=r".+"):
            embeddings.from_base64(text)


@pytest.mark.parametrize("known", [{"kwargs": True}, {"kwargs": False}])
def test_where_the_callers_own_arguments_are(known: Mapping[str, bool]) -> None:
    """In what LiteLLM keeps for its cache, which is no promise of LiteLLM's, or in the body that a proxy received."""

    class Handler:
        request_kwargs: Mapping[str, Any] = {"dimensions": 8}

    class Logging:
        llm_caching_handler = Handler() if known["kwargs"] else None

    params = {"proxy_server_request": {"body": {"dimensions": 4, "user": "u"}}}
    found = part("_litellm").own_arguments(Logging(), params)
    assert (found["dimensions"], found["user"]) == (8 if known["kwargs"] else 4, "u")
    assert dict(part("_litellm").own_arguments(Logging(), {"proxy_server_request": None})) == (
        {"dimensions": 8} if known["kwargs"] else {}
    )

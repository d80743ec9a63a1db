"""Embeddings: how LiteLLM calls for them, in batches that the upstream takes. Template's file: do not edit.

Source of the contract: `embedding` in litellm/llms/custom_llm.py and litellm/main.py.
"""

from __future__ import annotations

import asyncio
import sys
from array import array
from base64 import b64decode, b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import httpx

from ._litellm import (
    BaseEmbeddingConfig,
    BaseLLMException,
    EmbeddingResponse,
    OpenAIError,
    Usage,
    own_arguments,
)
from .errors import unreadable
from .models import load_models
from .params import asked_params
from .request import Request, RequestBuilder
from .sending import Building, Credential, Translated, async_send, said, send, set_headers

_OWN = ("dimensions", "encoding_format", "user")
"""OpenAI's parameters, which LiteLLM refuses for a custom provider or drops."""

_FLOAT = "f"
"""Four bytes, as in the base64 of OpenAI's answers, whose first byte is the lowest."""


class Embeddings:
    """Answers calls for embeddings.

    Args:
        config: the transformation; it may have `embedding_batch` and `batches_at_once` (embedding_format.py).
        credential: gives each call settings and a credential.
    """

    def __init__(self, config: BaseEmbeddingConfig, credential: Credential) -> None:
        self.config = config
        self._credential = credential

    def embedding(self, call: Mapping[str, Any]) -> EmbeddingResponse:
        """Answers `litellm.embedding()`, one batch after the other. Raises LiteLLM's exceptions (errors.py)."""
        plan = self._plan(call)
        answers: list[EmbeddingResponse] = []
        for batch in plan.batches:
            request = self._request(plan, batch)
            with Translated(request):
                response = send(self.config, request, plan.client)
                answers.append(self._read(plan, batch, request, response))
        return _joined(answers)

    async def aembedding(self, call: Mapping[str, Any]) -> EmbeddingResponse:
        """Answers `litellm.aembedding()`, a few batches at a time. Raises LiteLLM's exceptions (errors.py).

        The first batch that fails ends the others.
        """
        plan = self._plan(call)
        if len(plan.batches) == 1:
            return await self._async_batch(plan, plan.batches[0])
        gate = asyncio.Semaphore(getattr(self.config, "batches_at_once", 4))

        async def at_its_turn(batch: Any) -> EmbeddingResponse:
            async with gate:
                return await self._async_batch(plan, batch)

        failed: BaseException | None = None
        try:
            async with asyncio.TaskGroup() as group:
                tasks = [group.create_task(at_its_turn(batch)) for batch in plan.batches]
        except BaseExceptionGroup as failures:
            failed = failures.exceptions[0]
        if failed is not None:
            raise failed
        return _joined([task.result() for task in tasks])

    async def _async_batch(self, plan: _Plan, batch: Any) -> EmbeddingResponse:
        request = self._request(plan, batch)
        with Translated(request):
            response = await async_send(self.config, request, plan.client)
            return self._read(plan, batch, request, response)

    def _plan(self, call: Mapping[str, Any]) -> _Plan:
        model: str = call["model"]
        with Building(model):
            given: Mapping[str, Any] = call["optional_params"]
            own = own_arguments(call["logging_obj"], call.get("litellm_params") or {})
            left_out = own.get("additional_drop_params") or ()
            asked = {name: own[name] for name in _OWN if own.get(name) is not None and name not in left_out}
            extra = given.get("extra_body") or {}
            form = asked.get("encoding_format") or (
                extra.get("encoding_format") if isinstance(extra, Mapping) else None
            )
            if "encoding_format" not in self.config.get_supported_openai_params(model):
                asked.pop("encoding_format", None)  # vectors are put into that form here
            inputs = call["input"]
            arguments = {
                **call,
                "messages": inputs,
                "headers": {**(own.get("extra_headers") or {}), **(own.get("headers") or {})},
                "optional_params": {**given, **asked},
            }
            return _Plan(arguments, self._batches(model, inputs), form, call.get("client") or own.get("client"))

    def _batches(self, model: str, inputs: Any) -> list[Any]:
        """The inputs, split to what the upstream takes at a time.

        Raises:
            ValueError: they are none.
        """
        if _is_one(inputs):
            return [inputs]
        if not isinstance(inputs, list) or not inputs:
            raise ValueError("input is empty, or no input at all: send a text, a list of texts, or lists of tokens")
        limit = load_models().get(model, {}).get("embedding_batch") or getattr(self.config, "embedding_batch", None)
        if limit is None or len(inputs) <= int(str(limit)):
            return [inputs]
        size = int(str(limit))
        return [inputs[start : start + size] for start in range(0, len(inputs), size)]

    def _request(self, plan: _Plan, batch: Any) -> Request:
        """The request for a batch, with a credential of its own: each may have to be renewed."""
        with Building(plan.call["model"]) as building:
            settings, auth = self._credential(plan.call)
            building.knows = auth
            building.knows = builder = _Builder(self.config, settings, auth, {**plan.call, "messages": batch}, False)
            arguments = builder.transform_arguments
            body = self.config.transform_embedding_request(
                arguments["model"], batch, arguments["optional_params"], arguments["headers"]
            )
            return builder.build(body)

    def _read(self, plan: _Plan, batch: Any, request: Request, response: httpx.Response) -> EmbeddingResponse:
        said(request, response)
        try:
            answer = self.config.transform_embedding_response(
                model=request.model,
                raw_response=response,
                model_response=EmbeddingResponse(),
                logging_obj=request.logging,
                api_key=None,
                request_data=request.body,
                optional_params=request.optional_params,
                litellm_params=request.litellm_params,
            )
            answer.data = _in_form(plan.form, _in_order(answer.data, 1 if _is_one(batch) else len(batch)))
        except (BaseLLMException, OpenAIError):
            raise
        except Exception as error:
            raise unreadable(response.content, error) from error
        answer.model = request.model
        set_headers(answer._hidden_params, request, response)
        return answer


@dataclass(frozen=True, slots=True)
class _Plan:
    """What a call comes to."""

    call: Mapping[str, Any]
    """The arguments of the `CustomLLM` method, with what LiteLLM keeps from custom providers."""
    batches: list[Any]
    form: str | None
    """The `encoding_format` that the caller wants."""
    client: object


class _Builder(RequestBuilder):
    """Builds requests for embeddings."""

    def _params(self, model: str, given: Mapping[str, Any], litellm_params: Mapping[str, Any]) -> dict[str, Any]:
        # Not dropped in any case: a deployment has `drop_params` so that LiteLLM lets these pass, and vectors of another size
        # than was asked for are of no use to anybody.
        return asked_params(self._config, model, given, ("dimensions",), drop=False)


def _is_one(inputs: Any) -> bool:
    """Whether it is one input: a text, or the tokens of one."""
    return isinstance(inputs, str) or (isinstance(inputs, list) and bool(inputs) and isinstance(inputs[0], int))


def _in_order(vectors: list[Any], count: int) -> list[dict[str, Any]]:
    """The vectors of an answer, one for each input, in the order of the inputs.

    Raises:
        ValueError: there are more or fewer, or it cannot be told which is whose.
    """
    if len(vectors) != count:
        raise ValueError(f"{len(vectors)} vectors for {count} inputs")
    found: list[dict[str, Any]] = [{}] * count
    places = [vector.get("index") for vector in vectors]
    if all(place is None for place in places):
        places = list(range(count))
    if set(places) != set(range(count)):
        raise ValueError(f"the vectors have the indices {places[:20]}, for {count} inputs")
    for place, vector in zip(places, vectors, strict=True):
        values = vector["embedding"]
        if not values or not isinstance(values, list | str):
            raise ValueError(f"the vector of input {place} is {type(values).__name__}, or empty")
        found[place] = {"object": "embedding", "index": place, "embedding": values}
    return found


def _in_form(form: str | None, vectors: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The vectors as numbers, or as base64 where that was asked for; in another form as they come."""
    for vector in vectors:
        values = vector["embedding"]
        if form == "base64" and isinstance(values, list):
            vector["embedding"] = to_base64(values)
        elif form in (None, "float") and isinstance(values, str):
            vector["embedding"] = from_base64(values)
    return vectors


def to_base64(values: list[float]) -> str:
    """Returns a vector in the form of OpenAI's `encoding_format="base64"`."""
    return b64encode(_lowest_first(array(_FLOAT, values)).tobytes()).decode("ascii")


def from_base64(text: str) -> list[float]:
    """Returns the numbers of a vector in that form.

    Raises:
        ValueError: it is none.
    """
    values: array[float] = array(_FLOAT)
    values.frombytes(b64decode(text, validate=True))
    return _lowest_first(values).tolist()


def _lowest_first(values: array[float]) -> array[float]:
    if sys.byteorder == "big":
        values.byteswap()
    return values


def _joined(answers: list[EmbeddingResponse]) -> EmbeddingResponse:
    """The answers to all batches as one: vectors in the order of the inputs, usage summed."""
    first, *others = answers
    if not others:
        return first
    data = [vector for answer in answers for vector in answer.data]
    for index, vector in enumerate(data):
        vector["index"] = index
    first.data = data
    used = [answer.usage for answer in answers if answer.usage]
    first.usage = Usage(
        prompt_tokens=sum(usage.prompt_tokens for usage in used), total_tokens=sum(usage.total_tokens for usage in used)
    )
    return first

"""Images: how LiteLLM calls for them, and for edits of them. Template's file: do not edit.

The requests are sent and told of as those of chat are (sending.py). What is different: LiteLLM keeps most of OpenAI's
parameters from custom providers, so that they are taken from the caller's own arguments (image_request.py); bodies hold
images, which are neither logged nor in memory more often than need be (image_files.py); and an upstream may take a job and
have its result later (image_jobs.py).
"""

from __future__ import annotations

import asyncio
import logging
import time
from abc import abstractmethod
from base64 import b64decode
from collections.abc import Mapping
from contextlib import aclosing, closing, suppress
from io import BytesIO
from typing import Any, ClassVar

import httpx

from ._answers import ENV_PREFIX, PROVIDER
from ._litellm import BaseLLMException, ImageResponse, ImageUsage, OpenAIError
from .errors import UnreadableError, unreadable
from .image_files import described, kind_of
from .image_jobs import ImageJobs, JobRun, Pause
from .image_request import Edit, Generation, ImageRequestBuilder, refusal
from .models import load_models
from .redaction import redacted
from .request import Request
from .sending import Building, Credential, Translated, async_send, send, set_headers

logger = logging.getLogger(__package__)

_SHOWN = 64 * 1024
_BEGINNING = 200
"""Bytes of an answer that LiteLLM's callbacks are told whole, and of the beginning of a longer one."""


class _Images:
    """What images and edits of them have in common.

    Args:
        config: the transformation.
        credential: gives each call settings and a credential.
    """

    _shape: ClassVar[type[Generation] | type[Edit]]

    def __init__(self, config: Any, credential: Credential) -> None:
        self.config = config
        self._credential = credential

    def _answered(self, call: Mapping[str, Any]) -> ImageResponse:
        one = self._call(call)
        with Translated(one.request):
            started = time.perf_counter()
            response = one.send(one.request)
            if isinstance(self.config, ImageJobs):
                response = one.finish_job(response)
            return self._answer(one, response, started)

    async def _aanswered(self, call: Mapping[str, Any]) -> ImageResponse:
        one = self._call(call)
        with Translated(one.request):
            started = time.perf_counter()
            response = await one.async_send(one.request)
            if isinstance(self.config, ImageJobs):
                response = await one.async_finish_job(response)
            return self._answer(one, response, started)

    def _call(self, call: Mapping[str, Any]) -> _Call:
        with Building(call["model"]) as building:
            settings, auth = self._credential(call)
            building.knows = auth
            building.knows = builder = ImageRequestBuilder(self._shape(self.config), settings, auth, call)
            request = builder.request()
            return _Call(self.config, call, request, builder, settings.max_image_bytes)

    @abstractmethod
    def _transformed(self, one: _Call, response: httpx.Response) -> ImageResponse:
        """The answer that the transformation makes of the upstream's."""

    def _answer(self, one: _Call, response: httpx.Response, started: float) -> ImageResponse:
        request = one.request
        # LiteLLM works out its own overhead from that; a job has taken more than its last request.
        request.logging.model_call_details["llm_api_duration_ms"] = (time.perf_counter() - started) * 1000
        request.logging.post_call(
            input=request.messages,
            api_key="",
            original_response=redacted(_shown(response), request.secrets),
            additional_args={"complete_input_dict": described(request.body)},
        )
        beginning = response.content[:_SHOWN]
        try:
            answer = self._transformed(one, response)
            if not answer.data:
                raise ValueError("there is no image in it")
        except (BaseLLMException, OpenAIError, UnreadableError):
            raise
        except Exception as error:
            raise unreadable(beginning, error) from error
        _make_as_asked(answer, one.response_format)
        hidden = {**one.call["model_response"]._hidden_params, **answer._hidden_params}
        if (cost := token_cost(request.model, answer.usage)) is not None and not one.has_prices:
            hidden["response_cost"] = cost
        set_headers(hidden, request, response)
        answer._hidden_params = hidden
        return answer


class Images(_Images):
    """Answers calls for images."""

    _shape = Generation

    def image_generation(self, call: Mapping[str, Any]) -> ImageResponse:
        """Answers `litellm.image_generation()`. Raises LiteLLM's exceptions (errors.py)."""
        return self._answered(call)

    async def aimage_generation(self, call: Mapping[str, Any]) -> ImageResponse:
        """Answers `litellm.aimage_generation()`. Raises LiteLLM's exceptions (errors.py)."""
        return await self._aanswered(call)

    def _transformed(self, one: _Call, response: httpx.Response) -> ImageResponse:
        request = one.request
        answer: ImageResponse = self.config.transform_image_generation_response(
            model=request.model,
            raw_response=response,
            model_response=one.call["model_response"],
            logging_obj=request.logging,
            request_data=request.body,
            optional_params=request.optional_params,
            litellm_params=request.litellm_params,
            encoding=None,
        )
        return answer


class ImageEdits(_Images):
    """Answers calls for edits of images."""

    _shape = Edit

    def image_edit(self, call: Mapping[str, Any]) -> ImageResponse:
        """Answers `litellm.image_edit()`. Raises LiteLLM's exceptions (errors.py)."""
        return self._answered(call)

    async def aimage_edit(self, call: Mapping[str, Any]) -> ImageResponse:
        """Answers `litellm.aimage_edit()`. Raises LiteLLM's exceptions (errors.py)."""
        return await self._aanswered(call)

    def _transformed(self, one: _Call, response: httpx.Response) -> ImageResponse:
        answer: ImageResponse = self.config.transform_image_edit_response(
            model=one.request.model, raw_response=response, logging_obj=one.request.logging
        )
        return answer


class _Call:
    """One call on its way.

    Args:
        config: the transformation.
        call: the arguments of the `CustomLLM` method.
        request: what is sent first.
        builder: which has built it.
        limit: bytes that an answer may have.
    """

    def __init__(
        self, config: Any, call: Mapping[str, Any], request: Request, builder: ImageRequestBuilder, limit: int
    ) -> None:
        self._config = config
        self._limit = limit
        self.call = call
        self.request = request
        self.response_format = builder.response_format
        self.has_prices = builder.has_prices

    def send(self, request: Request) -> httpx.Response:
        """Sends a request, and reads the answer as far as it may be read."""
        response = send(self._config, request, self.call.get("client"))
        with closing(response):
            body = _BoundedBody(request, response, self._limit)
            for part in response.iter_bytes():
                body.add(part)
        return body.read()

    async def async_send(self, request: Request) -> httpx.Response:
        """Does what `send` does, without blocking the event loop."""
        response = await async_send(self._config, request, self.call.get("client"))
        async with aclosing(response):
            body = _BoundedBody(request, response, self._limit)
            async for part in response.aiter_bytes():
                body.add(part)
        return body.read()

    def finish_job(self, response: httpx.Response) -> httpx.Response:
        """Waits for a job; returns the answer with its result."""
        run = JobRun(self._config, self.request)
        steps = run.steps(response)
        try:
            step = next(steps)
            while True:
                came = None
                try:
                    if isinstance(step, Pause):
                        time.sleep(step.seconds)
                    else:
                        came = self.send(step)
                except Exception as error:
                    step = steps.throw(error)
                else:
                    step = steps.send(came)
        except StopIteration as end:
            answer: httpx.Response = end.value
            return answer
        except BaseException:
            with suppress(Exception):
                if cancel := run.cancel():
                    self.send(cancel)
            raise

    async def async_finish_job(self, response: httpx.Response) -> httpx.Response:
        """Does what `finish_job` does, without blocking the event loop."""
        run = JobRun(self._config, self.request)
        steps = run.steps(response)
        try:
            step = next(steps)
            while True:
                came = None
                try:
                    if isinstance(step, Pause):
                        await asyncio.sleep(step.seconds)
                    else:
                        came = await self.async_send(step)
                except Exception as error:
                    step = steps.throw(error)
                else:
                    step = steps.send(came)
        except StopIteration as end:
            answer: httpx.Response = end.value
            return answer
        except BaseException:
            with suppress(Exception):
                if cancel := run.cancel():
                    # In a task of its own: this one may be cancelled once more.
                    await asyncio.shield(asyncio.ensure_future(self.async_send(cancel)))
            raise


class _BoundedBody:
    """A body as it comes in, of which no more than a limit is kept.

    Args:
        request: what it answers.
        response: whose body it is.
        limit: bytes that it may have.

    Raises:
        BadRequestError: the response says that it has more.
    """

    def __init__(self, request: Request, response: httpx.Response, limit: int) -> None:
        self._request = request
        self._response = response
        self._limit = limit
        self._body = BytesIO()  # which grows in place, and gives its bytes away without a copy
        length = response.headers.get("content-length", "")
        if length.isdecimal() and int(length) > limit:
            raise self._too_large()

    def add(self, part: bytes) -> None:
        """Adds what came.

        Raises:
            BadRequestError: that makes too much.
        """
        if self._body.tell() + len(part) > self._limit:
            raise self._too_large()
        self._body.write(part)

    def read(self) -> httpx.Response:
        """Returns the response with all of the body, as if it had read it itself."""
        self._response._content = self._body.getvalue()
        return self._response

    def _too_large(self) -> Exception:
        message = (
            f"the answer of {self._request.host} has more than {self._limit} bytes: ask for fewer or smaller images, or set "
            f"{ENV_PREFIX}_MAX_IMAGE_BYTES"
        )
        return refusal(self._request.model, self._request.describe(message))


def token_cost(model: str, usage: ImageUsage | None) -> float | None:
    """Returns what an answer costs in US dollars by its tokens, which LiteLLM does not work out for a custom provider.

    Args:
        model: the id without prefix.
        usage: of the answer.

    Returns:
        The cost; None where models.yaml has no prices of tokens for the model, or one for each image.
    """
    facts = load_models().get(model, {})
    prices = {name: float(str(price)) for name, price in facts.items() if name.endswith("_token") and price is not None}
    if usage is None or not prices or facts.get("input_cost_per_image") or facts.get("output_cost_per_image"):
        return None
    text = prices.get("input_cost_per_token", 0.0)
    sent = usage.input_tokens_details.image_tokens
    made = prices.get("output_cost_per_image_token", prices.get("output_cost_per_token", 0.0))
    return (
        (usage.input_tokens - sent) * text
        + sent * prices.get("input_cost_per_image_token", text)
        + usage.output_tokens * made
    )


def _shown(response: httpx.Response) -> str:
    """An answer as LiteLLM's callbacks may have it: images say nothing to a reader of logs."""
    content = response.content
    if kind := kind_of(content):
        return f"<{kind}, {len(content)} bytes>"
    if len(content) <= _SHOWN:
        return content.decode("utf-8", "replace")
    return f"{content[:_BEGINNING].decode('utf-8', 'replace')}... ({len(content)} bytes)"


def _make_as_asked(answer: ImageResponse, wanted: str | None) -> None:
    """Gives each image the form that the caller asked for, where it can be had without another request."""
    for image in answer.data or ():
        if wanted == "url" and image.b64_json and not image.url:
            kind = kind_of(b64decode(image.b64_json[:64])) or f"image/{answer.output_format or 'png'}"
            image.url, image.b64_json = f"data:{kind};base64,{image.b64_json}", None
        elif wanted == "b64_json" and image.url and not image.b64_json:
            head, comma, content = image.url.partition(";base64,")
            if comma and head.startswith("data:"):
                image.url, image.b64_json = None, content
            else:
                logger.warning(
                    "%s: the upstream answers with an address of an image, and b64_json was asked for", PROVIDER
                )

"""One call for images, turned into the request that goes to the upstream. Template's file: do not edit."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from typing import Any

import httpx
import litellm

from ._answers import PROVIDER, PROVIDER_NAME
from ._litellm import BadRequestError, GenericLiteLLMParams, deployment_params, own_arguments
from .auth.authenticator import CallAuth
from .caller import OVERRIDES
from .image_files import ImageError, described, image_files, json_body, multipart_body
from .params import asked_params
from .request import Request, RequestBuilder
from .settings import Settings

# OpenAI's parameters that ask for something, and the values that ask for what an upstream does without them.
_NOTHING_ASKED: Mapping[str, tuple[Any, ...]] = {
    "background": ("auto",),
    "input_fidelity": ("low",),
    "mask": (),
    "moderation": ("auto",),
    "n": (1,),
    "output_compression": (100,),
    "output_format": (),
    "partial_images": (0,),
    "quality": ("auto", "standard"),
    "size": ("auto",),
    "style": ("vivid",),
}
_NUMBERS = ("n", "output_compression", "partial_images")
"""They come as text where a form had them."""

_FORMATS = ("b64_json", "url")
"""The values of `response_format`."""

_OF_LITELLM = ("drop_params", "litellm_call_id", "metadata", "model_info", "proxy_server_request", "ssl_verify")
"""What LiteLLM gives to a provider's other methods as `litellm_params`, and to these not."""


class _Shape:
    """A transformation of images, asked as request.py and params.py ask one of chat.

    Args:
        config: the transformation.
    """

    def __init__(self, config: Any) -> None:
        self.config = config
        self.method = str(getattr(config, "http_method", "POST"))
        """The method of the request."""

    def get_supported_openai_params(self, model: str) -> list[str]:
        """Returns the parameters that the transformation names."""
        return list(self.config.get_supported_openai_params(model))

    @abstractmethod
    def map_openai_params(
        self, wanted: dict[str, Any], optional_params: dict[str, Any], model: str, drop_params: bool
    ) -> dict[str, Any]:
        """Returns the caller's parameters by the upstream's names."""

    @abstractmethod
    def validate_environment(self, **arguments: Any) -> dict[str, Any]:
        """Returns the headers."""

    @abstractmethod
    def get_complete_url(self, **arguments: Any) -> str:
        """Returns the URL, before it is known what is sent."""

    @abstractmethod
    def data(self, prompt: Any, images: list[Any], arguments: Mapping[str, Any]) -> tuple[dict[str, Any], Any]:
        """Returns what is sent, and the files of a form."""


class Generation(_Shape):
    """A `BaseImageGenerationConfig`."""

    def map_openai_params(
        self, wanted: dict[str, Any], optional_params: dict[str, Any], model: str, drop_params: bool
    ) -> dict[str, Any]:
        """See `_Shape`."""
        return dict(self.config.map_openai_params(wanted, optional_params, model, drop_params))

    def validate_environment(self, **arguments: Any) -> dict[str, Any]:
        """See `_Shape`."""
        return dict(self.config.validate_environment(**arguments))

    def get_complete_url(self, **arguments: Any) -> str:
        """See `_Shape`."""
        return str(self.config.get_complete_url(**arguments))

    def data(self, prompt: Any, images: list[Any], arguments: Mapping[str, Any]) -> tuple[dict[str, Any], Any]:
        """See `_Shape`."""
        rest = {name: value for name, value in arguments.items() if name != "messages"}
        return dict(self.config.transform_image_generation_request(prompt=prompt, **rest)), None


class Edit(_Shape):
    """A `BaseImageEditConfig`."""

    def map_openai_params(
        self, wanted: dict[str, Any], optional_params: dict[str, Any], model: str, drop_params: bool
    ) -> dict[str, Any]:
        """See `_Shape`."""
        return dict(self.config.map_openai_params(wanted, model, drop_params))

    def validate_environment(self, **arguments: Any) -> dict[str, Any]:
        """See `_Shape`."""
        known = ("headers", "model", "litellm_params", "api_base")
        return dict(self.config.validate_environment(**{name: arguments[name] for name in known}))

    def get_complete_url(self, **arguments: Any) -> str:
        """See `_Shape`."""
        known = ("model", "api_base", "litellm_params")
        return str(self.config.get_complete_url(**{name: arguments[name] for name in known}))

    def data(self, prompt: Any, images: list[Any], arguments: Mapping[str, Any]) -> tuple[dict[str, Any], Any]:
        """See `_Shape`."""
        data, files = self.config.transform_image_edit_request(
            model=arguments["model"],
            prompt=prompt,
            image=images,
            image_edit_optional_request_params=arguments["optional_params"],
            litellm_params=GenericLiteLLMParams(),
            headers=arguments["headers"],
        )
        return dict(data), files


class ImageRequestBuilder(RequestBuilder):
    """Builds the request of a call for images.

    Args:
        shape: the transformation.
        settings: the provider's settings.
        auth: the credential of the call.
        call: the arguments of the `CustomLLM` method.
    """

    def __init__(self, shape: _Shape, settings: Settings, auth: CallAuth, call: Mapping[str, Any]) -> None:
        logging = call["logging_obj"]
        given: Mapping[str, Any] = call["optional_params"]
        known = {**(logging.model_call_details.get("litellm_params") or {}), **given}
        own = own_arguments(logging, known)
        self._shape = shape
        self._asked = {name: own[name] for name in own if own[name] is not None}
        self._prompt = call.get("prompt")
        self._images: list[Any] = []
        self._files: Any = None
        self.response_format: str | None = None
        """What the caller wants to have of each image; None for whatever there is."""
        info: Mapping[str, Any] = known.get("model_info") or own.get("model_info") or {}
        of_proxy = known.get("proxy_server_request") or own.get("proxy_server_request")
        # What a call costs is not for clients of a proxy to say.
        said = deployment_params(str(info.get("id"))) if of_proxy else own
        self.has_prices = any("cost_per" in name for name in (*said, *info))
        """Whether the call or its deployment says what it costs."""
        if isinstance(shape, Edit):
            try:
                limit = settings.max_image_bytes
                self._images, mask = image_files(call.get("image"), limit, self._asked.pop("mask", None))
            except ImageError as error:
                raise refusal(call["model"], str(error)) from None
            self._asked |= {"mask": mask} if mask else {}
        super().__init__(
            shape,  # type: ignore[arg-type]  # it has what is asked of one
            settings,
            auth,
            {
                **call,
                "messages": self._prompt,
                "headers": {**(own.get("extra_headers") or {}), **(own.get("headers") or {})},
                "optional_params": {name: own[name] for name in ("extra_body", OVERRIDES) if own.get(name)},
                "litellm_params": {name: known.get(name, own.get(name)) for name in _OF_LITELLM},
            },
            stream=False,
        )

    def request(self) -> Request:
        """Returns the request; whoever sends it reads the answer, as far as it may be read."""
        data, self._files = self._shape.data(self._prompt, self._images, self.transform_arguments)
        request = self.build(data)
        finish_url = getattr(self._shape.config, "finish_url", None)
        if finish_url is not None:
            request.url = finish_url(request.url, request.body)
        if self._shape.method == "GET":
            request.url = _with_query(request.url, request.body)
        request.method = self._shape.method
        request.stream = True
        return request

    def _shown(self, body: dict[str, Any]) -> Any:
        return described(body)

    def _signed(self, body: dict[str, Any]) -> tuple[dict[str, Any], Any]:
        if self._shape.method == "GET":
            return self._headers, b""
        if self._shape.config.use_multipart_form_data():
            content, kind = multipart_body(body, self._files)
        else:
            content, kind = json_body(body), "application/json"
        headers = {name: value for name, value in self._headers.items() if name.lower() != "content-type"}
        return {**headers, "content-type": kind, "content-length": str(content.size)}, content

    def _params(self, model: str, given: Mapping[str, Any], litellm_params: Mapping[str, Any]) -> dict[str, Any]:
        """The parameters for the upstream, by its names.

        Raises:
            BadRequestError: the call asks for a stream, or for what the upstream cannot give.
        """
        if self._asked.get("stream") in (True, "true", "True"):
            raise refusal(model, f"{PROVIDER_NAME} sends images whole, and not in a stream: leave stream out")
        drop = bool(litellm.drop_params or litellm_params.get("drop_params"))
        supported = self._shape.get_supported_openai_params(model)
        left_out = self._asked.get("additional_drop_params") or ()
        # Of what is neither OpenAI's nor the transformation's, most is LiteLLM's own.
        asked = {
            name: int(value) if name in _NUMBERS and isinstance(value, str) and value.isdecimal() else value
            for name, value in self._asked.items()
            if name not in left_out and (name in supported or value not in _NOTHING_ASKED.get(name, (value,)))
        }
        self.response_format = self._wanted_format(model, self._asked.get("response_format"), drop)
        asked.pop("response_format", None)
        if self.response_format in self._formats and "response_format" in supported:
            asked["response_format"] = self.response_format
        return asked_params(self._shape, model, asked, tuple(_NOTHING_ASKED), drop=drop)

    @property
    def _formats(self) -> tuple[str, ...]:
        return tuple(getattr(self._shape.config, "response_formats", _FORMATS))

    def _wanted_format(self, model: str, wanted: Any, drop: bool) -> str | None:
        """The caller's `response_format`, as far as it can be honoured.

        Images in base64 make data URLs. The other way round, they would have to be fetched from wherever the upstream says.

        Raises:
            BadRequestError: it cannot.
        """
        if wanted is None or wanted == "url" or (wanted in _FORMATS and wanted in self._formats):
            return None if wanted is None else str(wanted)
        if drop:
            return None
        if wanted in _FORMATS:
            raise refusal(model, f'{PROVIDER_NAME} answers with addresses of images: ask for the response_format "url"')
        raise refusal(model, f"the response_format is {wanted!r}: ask for one of {', '.join(_FORMATS)}")


def refusal(model: str, message: str) -> BadRequestError:
    """Returns the exception for a call that cannot be made as it is; no router tries it again."""
    return BadRequestError(message=f"{message}.", model=model, llm_provider=PROVIDER)


def _with_query(url: str, data: Mapping[str, Any]) -> str:
    query = {
        name: str(value).lower() if isinstance(value, bool) else str(value)
        for name, value in data.items()
        if value is not None
    }
    return str(httpx.URL(url).copy_merge_params(query)) if query else url

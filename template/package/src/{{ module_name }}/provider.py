"""The `CustomLLM`: every way in which LiteLLM calls a provider. Template's file: do not edit.

A call becomes a request through the transformation of what is asked for (chat: transformation.py, yours), gets its
credential (auth/), is sent by a shared client (transport.py), and its answer goes back through the transformation.
Each capability that the package was rendered with has a module that sees to it, such as chat.py.
Source of the contract: litellm/llms/custom_llm.py and `_complete_custom_providers` in litellm/main.py.
"""

from __future__ import annotations

import threading
import uuid
from collections.abc import AsyncIterator, Iterator, Mapping
from importlib import import_module
from typing import TYPE_CHECKING, Any

import httpx

from ._answers import CAPABILITIES, PROVIDER, PROVIDER_NAME
from ._litellm import (
    BadRequestError,
    BaseConfig,
    CustomLLM,
    EmbeddingResponse,
    ImageResponse,
    ModelResponse,
    ModelResponseStream,
    get_ssl_configuration,
)
from .auth import make_authenticator
from .auth.authenticator import Authenticator, CallAuth, CredentialError
from .models import register_models
from .redaction import KeptOutOfLogs
from .request import Request, own_request
from .sending import MAX_ERROR_BODY, Building, Translated, refused
from .settings import Settings, load_settings
from .transport import async_client, sync_client
from .upstream import UpstreamFileError, load_upstream

if TYPE_CHECKING:
    provider: Provider

# What answers the calls of a capability, and the author's transformation that it asks.
_DRIVERS: Mapping[str, tuple[str, str]] = {
    "chat": ("chat:Chat", "transformation:ChatConfig"),
    "embeddings": ("embeddings:Embeddings", "embedding_transformation:EmbeddingConfig"),
    "images": ("images:Images", "image_transformation:ImageConfig"),
    "image_edits": ("images:ImageEdits", "image_edit_transformation:ImageEditConfig"),
}
_IN_WORDS: Mapping[str, str] = {
    "chat": "chat completions",
    "embeddings": "embeddings",
    "images": "image generation",
    "image_edits": "image edits",
}


class Provider(CustomLLM):
    """The provider. Make one and share it: it holds settings and credentials, LiteLLM holds it.

    Args:
        config: the transformation of chats; transformation.py's `ChatConfig` unless given.
        settings: read from the environment and files on the first call unless given.
        authenticator: made from the settings unless given.
        configs: the transformations of other capabilities, such as `embeddings=`; those of the author's files unless given.
    """

    def __init__(
        self,
        config: BaseConfig | None = None,
        settings: Settings | None = None,
        authenticator: Authenticator | None = None,
        **configs: Any,
    ) -> None:
        super().__init__()
        self._lock = threading.Lock()
        self._given = settings
        self._authenticator = authenticator
        self._ready: tuple[Settings, Authenticator] | None = None
        given = {"chat": config, **configs}
        self.drivers: dict[str, Any] = {}
        """What answers the calls of each capability; each has the transformation in `config`."""
        for capability in CAPABILITIES:
            driver, transformation = _DRIVERS[capability]
            self.drivers[capability] = _found(driver)(
                given.get(capability) or _found(transformation)(), self._credential
            )

    def completion(self, *args: Any, **call: Any) -> ModelResponse:
        """Answers `litellm.completion()`. Raises LiteLLM's exceptions (errors.py)."""
        answer: ModelResponse = self._driver("chat", call).completion(call)
        return answer

    async def acompletion(self, *args: Any, **call: Any) -> ModelResponse:
        """Answers `litellm.acompletion()`. Raises LiteLLM's exceptions (errors.py)."""
        answer: ModelResponse = await self._driver("chat", call).acompletion(call)
        return answer

    def streaming(self, *args: Any, **call: Any) -> Iterator[Any]:
        """Answers `litellm.completion(stream=True)`.

        The connection is made before it returns, so that errors before the first chunk have their class.
        """
        chunks: Iterator[Any] = self._driver("chat", call).streaming(call)
        return chunks

    def astreaming(self, *args: Any, **call: Any) -> AsyncIterator[ModelResponseStream]:  # type: ignore[override]
        """Answers `litellm.acompletion(stream=True)`. Closing it closes the upstream's connection."""
        chunks: AsyncIterator[ModelResponseStream] = self._driver("chat", call).astreaming(call)
        return chunks

    def embedding(self, *args: Any, **call: Any) -> EmbeddingResponse:
        """Answers `litellm.embedding()`. Raises LiteLLM's exceptions (errors.py)."""
        answer: EmbeddingResponse = self._driver("embeddings", call).embedding(call)
        return answer

    async def aembedding(self, *args: Any, **call: Any) -> EmbeddingResponse:
        """Answers `litellm.aembedding()`. Raises LiteLLM's exceptions (errors.py)."""
        answer: EmbeddingResponse = await self._driver("embeddings", call).aembedding(call)
        return answer

    def image_generation(self, *args: Any, **call: Any) -> ImageResponse:
        """Answers `litellm.image_generation()`. Raises LiteLLM's exceptions (errors.py)."""
        answer: ImageResponse = self._driver("images", call).image_generation(call)
        return answer

    async def aimage_generation(self, *args: Any, **call: Any) -> ImageResponse:
        """Answers `litellm.aimage_generation()`. Raises LiteLLM's exceptions (errors.py)."""
        answer: ImageResponse = await self._driver("images", call).aimage_generation(call)
        return answer

    def image_edit(self, *args: Any, **call: Any) -> ImageResponse:
        """Answers `litellm.image_edit()`. Raises LiteLLM's exceptions (errors.py)."""
        answer: ImageResponse = self._driver("image_edits", call).image_edit(call)
        return answer

    async def aimage_edit(self, *args: Any, **call: Any) -> ImageResponse:
        """Answers `litellm.aimage_edit()`. Raises LiteLLM's exceptions (errors.py)."""
        answer: ImageResponse = await self._driver("image_edits", call).aimage_edit(call)
        return answer

    def request(self, method: str, path: str, **options: Any) -> httpx.Response:
        """Sends a request of the author's own to the upstream, with the provider's credential, and reads the answer.

        For what a transformation needs beside a call, such as a list of models or instructions:
        `from .provider import provider`, inside of the method that needs it.

        Args:
            method: of HTTP.
            path: is added to the `api_base` of the settings, with a slash at its start.
            options: of httpx's `build_request`: `json`, `params`, `headers`, `timeout` in seconds and the like.

        Raises:
            Exception: LiteLLM's, as of a call; the upstream refused the request, or did not answer it.
        """
        client = sync_client()
        request, built = self._own_request(client, method, path, options)
        with Translated(request), KeptOutOfLogs(request):
            response = client.send(built, auth=request.auth, follow_redirects=False)
            if not response.is_success:
                raise refused(self._any_config, request, response, response.content[:MAX_ERROR_BODY])
        return response

    async def arequest(self, method: str, path: str, **options: Any) -> httpx.Response:
        """Does what `request` does, for `async_transform_request`."""
        client = await async_client()
        request, built = self._own_request(client, method, path, options)
        with Translated(request), KeptOutOfLogs(request):
            response = await client.send(built, auth=request.auth, follow_redirects=False)
            if not response.is_success:
                raise refused(self._any_config, request, response, response.content[:MAX_ERROR_BODY])
        return response

    def make_authenticator(self, settings: Settings) -> Authenticator:
        """Returns what calls authenticate with; a subclass can make one of its own here.

        Args:
            settings: those of the provider, read anew when there is no credential to call with.
        """
        return make_authenticator(settings, get_ssl_configuration)

    @property
    def authenticator(self) -> Authenticator:
        """What calls authenticate with; the command logs in with it, too."""
        return (self._ready or self._read_settings())[1]

    @property
    def _any_config(self) -> Any:
        """A transformation to read errors with: those of one upstream look alike, whatever was asked."""
        return next(iter(self.drivers.values())).config

    def _driver(self, capability: str, call: Mapping[str, Any]) -> Any:
        """What answers calls of a kind.

        Raises:
            BadRequestError: nothing does.
        """
        driver = self.drivers.get(capability)
        if driver is None:
            served = [_IN_WORDS[name] for name in CAPABILITIES]
            raise BadRequestError(
                message=f"{PROVIDER_NAME} serves {' and '.join(served)}, no {_IN_WORDS[capability]}.",
                model=str(call.get("model", "")),
                llm_provider=PROVIDER,
            )
        return driver

    def _credential(self, call: Mapping[str, Any]) -> tuple[Settings, CallAuth]:
        settings, authenticator = self._ready or self._read_settings()
        try:
            return settings, authenticator.for_call(call.get("api_key"))
        except CredentialError:
            # It may have been set since the settings were read, as happens in notebooks.
            settings, authenticator = self._read_settings()
            return settings, authenticator.for_call(call.get("api_key"))

    def _own_request(
        self, client: httpx.Client | httpx.AsyncClient, method: str, path: str, options: Mapping[str, Any]
    ) -> tuple[Request, httpx.Request]:
        """A request of the author's own, and what its failures need to be told."""
        with Building(model=""):
            settings, auth = self._credential({})
        url = f"{settings.api_base}{path}"
        built = client.build_request(method, url, **{"timeout": settings.connect_timeout, **options})
        built.headers.setdefault("x-request-id", f"{PROVIDER}-{uuid.uuid4()}")
        timeout = httpx.Timeout(**built.extensions["timeout"])
        return own_request(url, built.headers, auth, timeout, settings.handed_on), built

    def _read_settings(self) -> tuple[Settings, Authenticator]:
        with self._lock:
            settings = self._given or load_settings()
            self._ready = (settings, self._authenticator or self.make_authenticator(settings))
            return self._ready


def _found(place: str) -> Any:
    """What is at `module:name` of this package, where not every package has the module."""
    module, _, name = place.partition(":")
    return getattr(import_module(f"{__package__}.{module}"), name)


if not __package__.startswith("litellm."):  # in LiteLLM's own tree, it has them since it was imported
    register_models()


def __getattr__(name: str) -> Provider:
    if name == "provider":
        return chosen_provider()
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


_lock = threading.RLock()
_chosen: Provider | None = None
_choosing = False


def chosen_provider() -> Provider:
    """Returns the provider that register(), the tests, the command and a proxy's YAML use, the same one each time.

    It is the author's, where upstream.toml names one, else a `Provider()`. It is made on first use: the author's module
    imports this one.

    Raises:
        UpstreamFileError: upstream.toml names what is not there, or no `Provider`.
    """
    global _chosen, _choosing
    if _chosen is not None:
        return _chosen
    with _lock:
        if _choosing:
            raise UpstreamFileError(
                "The provider that upstream.toml names asks for itself while it is made: let its module import `Provider` "
                "from provider.py, and use `provider` and `register()` inside of methods only."
            )
        if _chosen is None:
            _choosing = True
            try:
                _chosen = named_provider(load_upstream().provider)
            finally:
                _choosing = False
        return _chosen


def named_provider(place: str | None) -> Provider:
    """Returns the provider at `module:name`, made anew where that is a function or a class.

    Args:
        place: as in upstream.toml; None for provider.py's own.

    Raises:
        UpstreamFileError: there is none.
    """
    if place is None:
        return Provider()
    module, _, name = place.partition(":")
    module = f"{__package__}{module}" if module.startswith(".") else module
    try:
        found: Any = import_module(module)
        for part in name.split("."):
            found = getattr(found, part)
    except ModuleNotFoundError as error:
        raise UpstreamFileError(f"upstream.toml has provider = {place!r}: there is no module {error.name!r}.") from None
    except AttributeError as error:
        raise UpstreamFileError(f"upstream.toml has provider = {place!r}: {error}.") from None
    if not isinstance(found, Provider) and callable(found):
        found = found()
    if not isinstance(found, Provider):
        raise UpstreamFileError(
            f"upstream.toml has provider = {place!r}, which is a {type(found).__name__}: name a Provider of provider.py, an "
            "object of a subclass, or a function that returns one."
        )
    return found

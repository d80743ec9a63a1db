"""Where a request goes, by its method, path and model; no input or output here. Template's file: do not edit."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum
from typing import Final
from urllib.parse import quote, unquote, unquote_to_bytes

from .config import RoutingConfig

_POSTED: Final = frozenset(
    (
        *("chat/completions", "completions", "messages", "messages/count_tokens", "responses", "responses/compact"),
        *("embeddings", "images/generations", "images/edits", "images/variations", "moderations", "rerank"),
        *("audio/speech", "audio/transcriptions", "audio/translations"),
    )
)
"""What is posted with a model in the body, after an optional /v1/."""
_BELOW: Final = ("responses/", "files", "files/", "batches", "batches/", "messages/batches")
"""What belongs to such requests and names no model: only passthrough sends it to LiteLLM."""
_PROVIDER: Final = re.compile(r"/api/provider/[^/]+(/.*)?\Z", re.DOTALL)
_VERTEX: Final = re.compile(
    r"/v1(?:beta1?)?/(?:projects/[^/]+/locations/[^/]+/)?publishers/google/models/(.+)\Z", re.DOTALL
)
_OF_MODEL: Final = re.compile(
    r"(?:/v1|/v1beta|/v1beta1)?/models/(?P<model>.+?)(?::(?P<action>[A-Za-z]+))?\Z", re.DOTALL
)
_LIST: Final = re.compile(r"(?:/v1|/v1beta)?/models\Z")
_SERVED_ACTIONS: Final = ("generateContent", "streamGenerateContent", "countTokens")
"""The actions of Gemini that LiteLLM's proxy serves (its google_endpoints/endpoints.py)."""
_PLAIN: Final = re.compile(r"(?:/[A-Za-z0-9_~:-][A-Za-z0-9._~:-]*)+\Z")
"""A path that can be read in one way only: most are."""
_SECRETS_IN_QUERY: Final = frozenset(("key", "api_key", "access_token"))


class Step(Enum):
    """What is to be done with a request next."""

    HOST = "host"
    """It is the host's; its body is not read."""
    LITELLM = "litellm"
    """It is LiteLLM's, whatever its body."""
    READ = "read"
    """Its body says whose it is."""
    MODELS = "models"
    """It asks for the list of models, which both have."""


@dataclass(frozen=True, slots=True)
class Target:
    """A path after rewriting, and what is known by it."""

    path: str
    """Percent-encoded as it came, without the prefixes of gateways that LiteLLM does not know."""
    model: str = ""
    """The model that the path names."""
    action: str = ""
    posted: bool = False
    """Whether it is a path that models are called at."""
    served: bool = False
    """Whether LiteLLM has that path: what it lacks never falls back."""
    below: bool = False
    """Whether it belongs to what was posted before, as files do, and names no model."""
    listing: bool = False

    def with_model(self, model: str) -> str:
        """Returns the path with another model in it."""
        before = self.path[: self.path.index("/models/") + len("/models/")]
        return before + quote(model, safe="") + (f":{self.action}" if self.action else "")


@dataclass(frozen=True, slots=True)
class Decision:
    """The next step, and the reason as `x-litellm-route` says it."""

    step: Step
    reason: str
    target: Target


class BadPathError(ValueError):
    """A path that LiteLLM must not get: servers read it in more than one way."""


def target_of(raw: str, config: RoutingConfig) -> Target:
    """Returns what a path is, with the prefixes of other gateways taken off.

    `/api/provider/<name>/x` becomes `/x` and Vertex' `/v1beta1/publishers/google/models/m:a` becomes
    `/v1beta/models/m:a`; all other bytes stay, `%2F` too.
    """
    path = raw
    if path.startswith("/api/provider/") and (found := _PROVIDER.match(path)):
        path = found[1] or "/"
    if "/publishers/google/" in path and (found := _VERTEX.match(path)):
        path = f"/v1beta/models/{found[1]}"
    if path in config.extra_paths:
        return Target(path, posted=True, served=True)
    name = path.removeprefix("/v1")[1:] if path.startswith("/v1/") else path[1:] if path.startswith("/") else ""
    if name in _POSTED:
        return Target(path, posted=True, served=True)
    if "models" in path:
        if _LIST.match(path):
            return Target(path, listing=True)
        if found := _OF_MODEL.match(path):
            action = found["action"] or ""
            model = unquote(found["model"])
            return Target(path, model, action, posted=True, served=action in _SERVED_ACTIONS)
    below = name.startswith(_BELOW) and (name in _BELOW or name.startswith(("responses/", "files/", "batches/")))
    return Target(path, below=below or name.startswith("messages/batches/") or name == "messages/batches")


def decide(config: RoutingConfig, method: str, raw: str, content_type: str = "application/json") -> Decision:
    """Returns where a request goes, as far as its head says it.

    Args:
        config: the configuration that the request began with.
        method: in upper case.
        raw: the path, percent-encoded.
        content_type: the header of that name.
    """
    target = target_of(raw, config)
    if config.passthrough:
        if method == "POST" and target.posted and not target.model:
            return Decision(Step.READ if is_json(content_type) else Step.LITELLM, "passthrough", target)
        if target.posted or target.below or target.listing:
            return Decision(Step.LITELLM, "passthrough", target)
        return Decision(Step.HOST, "path", target)
    if not config.active:
        return Decision(Step.HOST, "off", target)
    if method in ("GET", "HEAD") and target.listing:
        return Decision(Step.MODELS if method == "GET" else Step.HOST, "models", target)
    if not target.posted:
        return Decision(Step.HOST, "path", target)
    if method != "POST":
        return Decision(Step.HOST, "method", target)
    if target.model:
        if config.lists(target.model):
            return Decision(Step.LITELLM, "listed", target)
        return Decision(Step.READ if is_json(content_type) else Step.HOST, "not_listed", target)
    if is_json(content_type) or is_form(content_type):
        return Decision(Step.READ, "body", target)
    return Decision(Step.HOST, "content_type", target)


def is_json(content_type: str) -> bool:
    """Returns whether a content type is JSON's."""
    kind = content_type.partition(";")[0].strip().lower()
    return kind == "application/json" or (kind.startswith("application/") and kind.endswith("+json"))


def is_form(content_type: str) -> bool:
    """Returns whether a content type is that of a form with files."""
    return content_type.lstrip()[:19].lower() == "multipart/form-data"


def refuse_ambiguous(raw: str) -> None:
    """Refuses a path that a server may take for another one, or for one outside the base path.

    Raises:
        BadPathError: it has `.` or `..` as a part (encoded or not, with `/` or a backslash), a NUL or another control
            character, or does not begin with exactly one slash.
    """
    if _PLAIN.match(raw):
        return
    decoded = raw
    for _ in range(3):  # some servers decode twice
        further = unquote_to_bytes(decoded).decode("latin-1")
        if further == decoded:
            break
        decoded = further
    parts = decoded.replace("\\", "/").split("/")
    if not raw.startswith("/") or decoded.replace("\\", "/").startswith("//"):
        raise BadPathError("the path does not begin with exactly one slash")
    # What follows a semicolon are parameters of a part to some servers, and `..;` means `..` to them.
    if "\\" in decoded or any(part.partition(";")[0] in (".", "..") for part in parts):
        raise BadPathError("the path has . or .. or a backslash in it")
    if any(ord(character) < 0x20 or ord(character) == 0x7F for character in decoded):
        raise BadPathError("the path has a control character in it")


def query_for_litellm(query: bytes, *, keep_secrets: bool = False) -> bytes:
    """Returns a query as LiteLLM gets it: as sent, less the parameters that carry a client's key."""
    if keep_secrets or not query:
        return query
    return b"&".join(pair for pair in query.split(b"&") if _query_name(pair) not in _SECRETS_IN_QUERY)


def _query_name(pair: bytes) -> str:
    name = pair.partition(b"=")[0].replace(b"+", b" ")
    return unquote_to_bytes(name).decode("latin-1").strip().lower()


def query_value(query: bytes, name: str) -> str:
    """Returns the last value of a parameter in a query, decoded, or nothing."""
    found = ""
    for pair in query.split(b"&"):
        if _query_name(pair) == name:
            found = unquote(pair.partition(b"=")[2].replace(b"+", b" ").decode("latin-1"))
    return found

"""Images of an upstream that takes a job and has its result later. Template's file: do not edit.

A transformation that has `ImageJobs` among its bases says what its jobs look like: images.py then asks for a job again and
again until it is done, within the call's timeout, and has it cancelled when nobody waits for it any more. Every request of
a job goes to the host of the first one, as it carries the credential.
"""

from __future__ import annotations

import math
import time
from abc import ABC, abstractmethod
from collections.abc import Generator, Mapping
from dataclasses import dataclass, field, replace
from email.utils import parsedate_to_datetime
from typing import Any, Literal, TypeAlias

import httpx

from ._answers import PROVIDER
from ._litellm import (
    BadGatewayError,
    BaseLLMException,
    InternalServerError,
    OpenAIError,
    RateLimitError,
    ServiceUnavailableError,
    Timeout,
)
from .errors import unreadable
from .image_files import Body, json_body
from .redaction import without_query
from .request import Request

_MOST_FAILURES = 3
"""How often in a row a look at a job may fail in passing: the job itself goes on."""

_LOOK_SECONDS = 30.0
"""How long one look at a job may take."""

CANCEL_SECONDS = 5.0
"""How long cancelling a job may take: somebody waits for it, and wants no more."""


@dataclass(frozen=True)
class Job:
    """What an answer says of a job."""

    id: str
    state: Literal["waiting", "done", "failed"]
    error: str = ""
    """Of a job that failed, the error, as `get_error_class` reads it; the whole answer unless given."""
    known: Mapping[str, Any] = field(default_factory=dict)
    """Whatever the transformation wants to know of it later, such as the address of its result."""


@dataclass(frozen=True)
class JobRequest:
    """A request about a job."""

    url: str
    """On the upstream's host; a path is one there."""
    method: str = "GET"
    json: Any = None
    """The body, if there is one."""


class ImageJobs(ABC):
    """What the transformation of such an upstream has besides the usual methods, which make the job and read its result."""

    poll_interval = 1.0
    """Seconds between two looks at a job; the upstream's `retry-after` comes before it."""

    time_limit = 600.0
    """Seconds that a job may take, unless the call's timeout is less."""

    @abstractmethod
    def read_job(self, raw_response: httpx.Response) -> Job:
        """Returns what an answer says of the job: the one that took it, and that of each look at it."""

    def poll_request(self, job: Job, url: str) -> JobRequest:
        """Returns the request that looks at a job.

        Args:
            job: as last seen.
            url: where the job was sent to.
        """
        return JobRequest(f"{without_query(url)}/{job.id}")

    def result_request(self, job: Job, url: str) -> JobRequest | None:
        """Returns the request for the result of a job that is done; None where the last look has brought it."""
        return None

    def cancel_request(self, job: Job, url: str) -> JobRequest | None:
        """Returns the request that cancels a job; None where the API has none."""
        return None


@dataclass(frozen=True)
class Pause:
    """Seconds to wait."""

    seconds: float


Steps: TypeAlias = Generator["Pause | Request", "httpx.Response | None", httpx.Response]


class JobRun:
    """One job from its beginning to its end, without input and output: those are sync or async.

    Args:
        config: the transformation.
        request: the one that made the job.
    """

    def __init__(self, config: Any, request: Request) -> None:
        self._config = config
        self._request = request
        seconds = request.timeout.read
        self._limit: float = min(config.time_limit, math.inf if seconds is None else seconds)
        self._end = time.monotonic() + self._limit
        self._job: Job | None = None

    def steps(self, response: httpx.Response) -> Steps:
        """Yields what to do, is sent what came of it (or thrown what went wrong), and returns the answer with the result.

        Args:
            response: to the request that made the job.

        Raises:
            Exception: LiteLLM's; the job failed, or there is no more time for it.
        """
        job = self._read(response)
        failures = 0
        pause = _retry_after(response.headers)
        while job.state == "waiting":
            yield Pause(self._pause(pause))
            look = self._about(self._config.poll_request(job, self._request.url))
            try:
                response = _given((yield look))
            except Exception as error:
                failures += 1
                if failures >= _MOST_FAILURES or not _is_passing(error):
                    raise
                pause = _retry_after(getattr(getattr(error, "response", None), "headers", {}))
                continue
            failures = 0
            pause = _retry_after(response.headers)
            job = self._read(response)
        self._job = None  # there is nothing to cancel any more
        if job.state == "failed":
            raise self._config.get_error_class(job.error or response.text, 200, response.headers)
        result = self._config.result_request(job, self._request.url)
        return response if result is None else _given((yield self._about(result)))

    def cancel(self) -> Request | None:
        """Returns the request that cancels the job; None where it is over, or cannot be cancelled."""
        job, self._job = self._job, None
        wanted = self._config.cancel_request(job, self._request.url) if job else None
        return self._about(wanted, CANCEL_SECONDS) if wanted else None

    def _read(self, response: httpx.Response) -> Job:
        try:
            job: Job = self._config.read_job(response)
        except (BaseLLMException, OpenAIError):
            raise
        except Exception as error:
            raise unreadable(response.content, error) from error
        self._job = job
        return job

    def _pause(self, wanted: float | None) -> float:
        """Seconds until the next look.

        Raises:
            Timeout: the job's time is over before that.
        """
        pause = max(self._config.poll_interval if wanted is None else wanted, 0.0)
        if time.monotonic() + pause > self._end:
            raise Timeout(
                message=self._request.describe(f"the job was not done within {self._limit:g} seconds"),
                model=self._request.model,
                llm_provider=PROVIDER,
            )
        return pause

    def _about(self, wanted: JobRequest, seconds: float = _LOOK_SECONDS) -> Request:
        """A request about the job, with the credential of the one that made it."""
        left = max(self._end - time.monotonic(), 1.0)
        headers = {name: value for name, value in self._request.headers.items() if not name.startswith("content-")}
        content: bytes | Body = b""
        if wanted.json is not None:
            content = json_body(wanted.json)
            headers |= {"content-type": "application/json", "content-length": str(content.size)}
        return replace(
            self._request,
            method=wanted.method,
            url=self._url(wanted.url),
            headers=headers,
            content=content,
            timeout=httpx.Timeout(min(seconds, left), connect=self._request.timeout.connect),
        )

    def _url(self, wanted: str) -> str:
        """The address of a request about the job.

        Raises:
            BadGatewayError: it is not on the upstream's host, and the request would carry the credential there.
        """
        ours = httpx.URL(self._request.url)
        url = ours.join(wanted)
        if (url.scheme, url.host, url.port) != (ours.scheme, ours.host, ours.port) or url.userinfo != ours.userinfo:
            raise BadGatewayError(
                message=self._request.describe(
                    f"the upstream names {without_query(str(url))} for a job, which is not on {ours.host}: it is not asked, as "
                    "the request would carry the credential there"
                ),
                model=self._request.model,
                llm_provider=PROVIDER,
            )
        return str(url)


def _given(response: httpx.Response | None) -> httpx.Response:
    """The answer that a request got: only pauses have none."""
    assert response is not None
    return response


def _is_passing(error: Exception) -> bool:
    """Whether a look at a job failed for a reason that may be gone with the next one."""
    passing = (
        RateLimitError,
        ServiceUnavailableError,
        BadGatewayError,
        InternalServerError,
        Timeout,
        httpx.TransportError,
    )
    return isinstance(error, passing)


def _retry_after(headers: Mapping[str, str]) -> float | None:
    """The seconds of a `retry-after` (RFC 9110, 10.2.3); None without one."""
    value = headers.get("retry-after") or ""
    try:
        return max(float(value), 0.0) if math.isfinite(float(value)) else None
    except ValueError:
        pass
    try:
        return max(parsedate_to_datetime(value).timestamp() - time.time(), 0.0)
    except (TypeError, ValueError):
        return None

"""Upstreams that take a job and have its result later. Template's file: do not edit.

The transformation and the upstream are the tests' own, so that they are about image_jobs.py whatever the provider's API is.
"""

from __future__ import annotations

import asyncio
import json
import threading
import time
from base64 import b64decode
from collections.abc import Iterator
from typing import Any

import httpx
import litellm
import pytest

from ..package import answers, part, registration
from .auth.account import Account
from .calls import MODES, Mode
from .conftest import use
from .image_calls import CALLS, IMAGE_MODEL, RED, SERVED
from .server import Pictures, Raw, Received, Refusal, Upstream

jobs = part("image_jobs")
formats = part("image_format")
CAPABILITY = SERVED[0]
JOBS: Any = jobs.ImageJobs
BASE: Any = formats.OpenAIFormatImageConfig if CAPABILITY == "images" else formats.OpenAIFormatImageEditConfig


class Queue(JOBS, BASE):  # type: ignore[misc]
    """An API with a queue."""

    poll_interval = 0.02

    def get_complete_url(self, *args: Any, **kwargs: Any) -> str:
        return f"{kwargs['api_base']}/jobs"

    def read_job(self, raw_response: httpx.Response) -> Any:
        job = raw_response.json()
        state = {"queued": "waiting", "ready": "done", "broken": "failed"}[job["state"]]
        return jobs.Job(job["id"], state, known=job)

    def poll_request(self, job: Any, url: str) -> Any:
        return jobs.JobRequest(job.known.get("look") or f"{url}/{job.id}")

    def result_request(self, job: Any, url: str) -> Any:
        return jobs.JobRequest(job.known["result"])

    def cancel_request(self, job: Any, url: str) -> Any:
        return jobs.JobRequest(f"{url}/{job.id}/cancel", "POST", {"why": "nobody waits"})


class QueueFormat:
    """The same from the server's side: a job is done at the third look at it, unless it is told otherwise."""

    def __init__(self) -> None:
        self.looks = 0
        self.looks_needed = 2
        self.job: dict[str, Any] = {}
        self.look = Raw()
        self.cancelled = threading.Event()

    def serves(self, received: Received) -> bool:
        return "/jobs" in received.path or "/results" in received.path

    def read(self, body: Any) -> dict[str, Any]:
        return dict(body) if isinstance(body, dict) else {"prompt": "a hat"}

    def read_request(self, received: Received) -> dict[str, Any]:
        return self.read(received.body)

    def answer(self, pictures: Pictures, model: str) -> dict[str, Any]:
        self.looks = 0
        return {"id": "j-1", "state": "queued", **self.job}

    def goes_on(self, received: Received) -> Raw | None:
        if _path(received).endswith("/cancel"):
            self.cancelled.set()
            return Raw(body=b"{}")
        if "/results" in received.path:
            data = [{"b64_json": Pictures.base64(RED)}]
            return Raw(body=json.dumps({"data": data, "usage": {"input_tokens": 3, "output_tokens": 4}}).encode())
        if _path(received).endswith("/jobs"):
            return None
        self.looks += 1
        if self.looks <= self.looks_needed:
            return Raw(
                body=json.dumps({"id": "j-1", "state": "queued", **self.job}).encode(), headers=self.look.headers
            )
        return Raw(body=json.dumps({"id": "j-1", "state": "ready", "result": "/v1/results/j-1"}).encode())

    def refusal(self, refusal: Refusal) -> dict[str, Any]:
        return {"error": {"message": refusal.message, "code": refusal.code}}


def _path(received: Received) -> str:
    """The path without a query, which may have the key."""
    return received.path.partition("?")[0]


@pytest.fixture
def queue(upstream: Upstream, account: Account, monkeypatch: pytest.MonkeyPatch) -> Iterator[Upstream]:
    """An upstream with a queue, and a provider that knows it; `queue.wire` is its format."""
    wire = QueueFormat()
    with Upstream(wire) as server:
        use(account, server, monkeypatch)
        monkeypatch.setattr(registration.register().drivers[CAPABILITY], "config", Queue())
        server.wire = wire  # type: ignore[attr-defined]
        yield server


def call(mode: Mode, **arguments: Any) -> Any:
    return CALLS[CAPABILITY](mode, **arguments)


def failed(mode: Mode, **arguments: Any) -> Any:
    with pytest.raises(Exception) as caught:  # noqa: PT011  # the test looks at it closely
        call(mode, **arguments)
    return caught.value


def paths(queue: Upstream) -> list[str]:
    return [f"{request.method} {_path(request)}" for request in queue.requests]


@pytest.mark.parametrize("mode", MODES)
def test_result(mode: Mode, queue: Any) -> None:
    answer = call(mode)
    assert b64decode(answer.data[0].b64_json) == RED
    assert answer.usage.total_tokens == 7
    look = "GET /v1/jobs/j-1"
    assert paths(queue) == ["POST /v1/jobs", look, look, look, "GET /v1/results/j-1"]
    assert len({request.headers["x-request-id"] for request in queue.requests}) == 1
    assert not [name for name in queue.requests[1].headers if name.startswith("content-")]
    assert not queue.wire.cancelled.is_set()


@pytest.mark.parametrize("mode", MODES)
def test_job_that_is_done_at_once(mode: Mode, queue: Any) -> None:
    queue.wire.job = {"state": "ready", "result": "/v1/results/j-1"}
    assert call(mode).data
    assert paths(queue) == ["POST /v1/jobs", "GET /v1/results/j-1"]


@pytest.mark.parametrize(
    ("said", "kind"),
    [
        (
            {"error": {"message": "the prompt was flagged", "code": "content_policy_violation"}},
            "ContentPolicyViolation",
        ),
        ({"error": {"message": "slow down", "code": "rate_limit_exceeded"}}, "RateLimit"),
        ({"error": {"message": "out of memory"}}, "InternalServer"),
    ],
)
@pytest.mark.parametrize("mode", MODES)
def test_job_that_fails(mode: Mode, said: dict[str, Any], kind: str, queue: Any) -> None:
    queue.wire.job = {"state": "broken", **said}
    error = failed(mode)
    assert type(error) is getattr(litellm, f"{kind}Error")
    assert said["error"]["message"] in str(error)
    assert not queue.wire.cancelled.is_set()


@pytest.mark.parametrize("mode", MODES)
def test_retry_after(mode: Mode, queue: Any) -> None:
    queue.wire.look = Raw(headers={"retry-after": "0.3"})
    queue.wire.looks_needed = 1
    started = time.monotonic()
    call(mode)
    assert time.monotonic() - started > 0.3


@pytest.mark.parametrize("mode", MODES)
def test_looks_that_fail_in_passing(mode: Mode, queue: Any) -> None:
    """The job goes on: it was paid for."""
    busy = Refusal(429, "rate_limit_exceeded", headers={"retry-after": "0.01"})
    queue.will(Pictures(()), busy, Refusal(503))
    assert call(mode).data
    queue.will(Pictures(()), *[Refusal(503, message="still down")] * 3)
    error = failed(mode)
    assert isinstance(error, litellm.ServiceUnavailableError)
    assert "still down" in str(error)
    assert queue.wire.cancelled.wait(5)
    queue.will(Pictures(()), *[Refusal(404, message="no such job")] * 2)
    assert isinstance(failed(mode), litellm.NotFoundError)


@pytest.mark.parametrize("mode", MODES)
def test_time_limit(mode: Mode, queue: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    queue.wire.looks_needed = 10_000
    error = failed(mode, timeout=0.4)
    assert isinstance(error, litellm.Timeout)
    assert "the job was not done within 0.4 seconds" in str(error)
    assert queue.wire.cancelled.wait(5)
    queue.wire.cancelled.clear()
    monkeypatch.setattr(Queue, "time_limit", 0.2)
    assert "within 0.2 seconds" in str(failed(mode))
    assert queue.wire.cancelled.wait(5)
    assert queue.requests[-1].body == {"why": "nobody waits"}


@pytest.mark.parametrize("mode", MODES)
def test_retry_after_beyond_the_time_limit(mode: Mode, queue: Any) -> None:
    """Nobody waits for what cannot come in time."""
    queue.wire.look = Raw(headers={"retry-after": "3600"})
    started = time.monotonic()
    assert isinstance(failed(mode, timeout=60), litellm.Timeout)
    assert time.monotonic() - started < 30


def test_a_task_that_is_cancelled(queue: Any) -> None:
    """So is one whose client went away, where the proxy sees it."""
    queue.wire.looks_needed = 10_000

    async def cancel() -> None:
        arguments: dict[str, Any] = {"model": IMAGE_MODEL, "prompt": "a cat"}
        make: Any = litellm.aimage_generation if CAPABILITY == "images" else litellm.aimage_edit
        if CAPABILITY != "images":
            arguments["image"] = RED
        task = asyncio.ensure_future(make(**arguments))
        while queue.wire.looks < 2:
            await asyncio.sleep(0.01)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(cancel())
    assert queue.wire.cancelled.is_set()


@pytest.mark.parametrize("mode", MODES)
def test_an_api_without_a_way_to_cancel(mode: Mode, queue: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(Queue, "cancel_request")
    queue.wire.looks_needed = 10_000
    assert isinstance(failed(mode, timeout=0.2), litellm.Timeout)
    assert not queue.wire.cancelled.is_set()


@pytest.mark.parametrize(
    "elsewhere",
    [
        "http://127.0.0.1:9/jobs/j-1",
        "//elsewhere.example/j-1",
        "https://127.0.0.1/j-1",
        "ftp://x/y",
        "http://u:p@{host}/x",
    ],
)
@pytest.mark.parametrize("mode", MODES)
def test_no_credential_goes_to_another_host(mode: Mode, elsewhere: str, queue: Any) -> None:
    host = queue.url.removeprefix("http://")
    queue.wire.job = {"look": elsewhere.format(host=host)}
    error = failed(mode)
    assert isinstance(error, litellm.BadGatewayError)
    assert "the request would carry the credential there" in str(error)
    assert queue.wire.cancelled.wait(5)
    assert paths(queue) == ["POST /v1/jobs", "POST /v1/jobs/j-1/cancel"]


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("body", [b"", b"[]", b'{"id": "j-1"}', b'{"id": "j-1", "state": "novel"}', b"<html>"])
def test_what_is_no_job(mode: Mode, body: bytes, queue: Any) -> None:
    queue.will(Raw(200, body))
    assert type(failed(mode)) is litellm.BadGatewayError
    queue.will(Pictures(()), Raw(200, body))
    assert type(failed(mode)) is litellm.BadGatewayError
    assert queue.wire.cancelled.wait(5)


@pytest.mark.skipif(
    "api_key" in answers.AUTH or "none" in answers.AUTH, reason="declared: nothing renews the credential"
)
@pytest.mark.parametrize("mode", MODES)
def test_a_look_renews_the_credential(mode: Mode, queue: Any) -> None:
    queue.will(Pictures(()), Refusal(401, "invalid_token"))
    assert call(mode).data
    assert paths(queue).count("GET /v1/jobs/j-1") == 4

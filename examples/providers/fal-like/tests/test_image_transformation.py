"""Tests of image_transformation.py: the translation, and jobs on the stand-in."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import litellm
import pytest

from .conformance.auth.account import open_account
from .conformance.calls import MODES, Mode
from .conformance.image_calls import RED, fail, generate
from .conformance.server import Pictures, Upstream
from .package import answers, part, registration
from .upstream_images import UpstreamFormat

CONFIG = part("image_transformation").ImageConfig()


@pytest.fixture
def upstream(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Upstream]:
    """The API, and the provider's settings for it."""
    monkeypatch.chdir(tmp_path)
    with Upstream(UpstreamFormat()) as server, open_account(tmp_path) as account:
        monkeypatch.setenv(f"{answers.ENV_PREFIX}_API_BASE", f"{server.url}/v1")
        for name, value in account.environment.items():
            monkeypatch.setenv(name, value)
        registration.register()._ready = None  # the settings are read anew
        yield server
    registration.register()._ready = None


@pytest.fixture
def wire(upstream: Upstream) -> Any:
    """The stand-in's format."""
    (found,) = upstream._others
    return found


def test_request() -> None:
    asked = {"n": 2, "size": "1024x768", "response_format": "b64_json", "seed": 7}
    params = CONFIG.map_openai_params(asked, {}, "m", False)
    body = CONFIG.transform_image_generation_request("m", "a cat", optional_params=params)
    size = {"width": 1024, "height": 768}
    assert body == {"prompt": "a cat", "num_images": 2, "image_size": size, "sync_mode": True, "seed": 7}
    assert CONFIG.map_openai_params({"size": "square_hd"}, {}, "m", False) == {"image_size": "square_hd"}
    assert CONFIG.get_complete_url("https://host", None, "fal-ai/flux/dev") == "https://host/fal-ai/flux/dev"


@pytest.mark.parametrize("mode", MODES)
def test_job(mode: Mode, upstream: Upstream, wire: Any) -> None:
    upstream.will(Pictures((RED,)))
    answer = generate(mode, response_format="b64_json")
    assert answer.data[0].b64_json == Pictures.base64(RED)
    assert [request.method for request in upstream.requests] == ["POST", "GET", "GET", "GET"]
    assert all(request.headers["authorization"].startswith("Key ") for request in upstream.requests)
    assert wire.cancelled == []


@pytest.mark.parametrize("mode", MODES)
def test_job_that_fails(mode: Mode, upstream: Upstream, wire: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wire, "end", {"error": "Runner is overloaded", "error_type": "runner_scheduling_failure"})
    error = fail(mode, "images")
    assert "Runner is overloaded" in str(error)
    monkeypatch.setattr(wire, "end", {})
    monkeypatch.setattr(wire, "unsafe", True)
    assert isinstance(fail(mode, "images"), litellm.ContentPolicyViolationError)


@pytest.mark.parametrize("mode", MODES)
def test_job_that_takes_too_long(mode: Mode, upstream: Upstream, wire: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wire, "end", {"status": "IN_PROGRESS"})
    assert isinstance(fail(mode, "images", timeout=0.3), litellm.Timeout)
    assert len(wire.cancelled) == 1

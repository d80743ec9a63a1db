"""Tests of image_transformation.py, without network."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from .conformance.auth.account import open_account
from .conformance.image_calls import IMAGE_MODEL, generate
from .conformance.server import Upstream
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


def test_url() -> None:
    url = CONFIG.get_complete_url("https://host", None, "m", {}, {})
    data: dict[str, Any] = CONFIG.transform_image_generation_request("m", "a cat?/..", {"seed": 7}, {}, {})
    assert CONFIG.finish_url(url, data) == "https://host/prompt/a%20cat%3F%2F%2E%2E"
    assert data == {"model": "m", "seed": 7}


def test_size() -> None:
    assert CONFIG.map_openai_params({"size": "1024x768"}, {}, "m", False) == {"width": 1024, "height": 768}
    with pytest.raises(ValueError, match="write one like"):
        CONFIG.map_openai_params({"size": "large"}, {}, "m", False)


@pytest.mark.parametrize("prompt", ["..", "../../admin", "a/b?c#d", "ü 猫", "%2e%2e"])
def test_a_prompt_stays_in_its_place(prompt: str, upstream: Upstream) -> None:
    generate("sync", model=IMAGE_MODEL, prompt=prompt, negative_prompt="dogs", seed=3)
    assert upstream.last["prompt"] == prompt
    assert (upstream.last["negative_prompt"], upstream.last["seed"]) == ("dogs", "3")
    assert upstream.requests[0].path.startswith("/v1/prompt/")

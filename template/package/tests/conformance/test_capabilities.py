"""What the package serves, and what it refuses as a bad request, which no router tries again. Template's file: do not edit."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import litellm
import pytest

from ..package import answers, registration
from .calls import HELLO
from .server import Upstream

# LiteLLM's function for each capability, and what it is asked.
ASKED: Mapping[str, tuple[str, dict[str, Any]]] = {
    "chat": ("completion", {"messages": HELLO}),
    "embeddings": ("embedding", {"input": ["a"]}),
    "images": ("image_generation", {"prompt": "a"}),
    "image_edits": ("image_edit", {"prompt": "a", "image": b"a"}),
}


def test_what_was_not_chosen_is_refused(upstream: Upstream, model: str) -> None:
    assert list(registration.register().drivers) == list(answers.CAPABILITIES)
    for capability in set(ASKED) - set(answers.CAPABILITIES):
        name, arguments = ASKED[capability]
        with pytest.raises(litellm.BadRequestError, match=r" serves .*, no "):
            getattr(litellm, name)(model=model, **arguments)
        with pytest.raises(litellm.BadRequestError, match=r" serves .*, no "):
            asyncio.run(getattr(litellm, f"a{name}")(model=model, **arguments))
    assert upstream.requests == []

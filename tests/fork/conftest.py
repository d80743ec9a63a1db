"""A small upstream, and a fork of its first release."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.fork.support import Fork, Upstream


@pytest.fixture
def upstream(tmp_path: Path) -> Upstream:
    """Returns an upstream with one release, v1.0.0."""
    return Upstream.made(tmp_path / "upstream")


@pytest.fixture
def fork(upstream: Upstream, tmp_path: Path) -> Fork:
    """Returns a fork of v1.0.0 with a provider, its hooks and its branding."""
    return Fork.made(tmp_path / "fork", upstream)

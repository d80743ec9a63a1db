"""A fork with two providers reaches LiteLLM's next releases without a conflict, and its providers answer."""

from __future__ import annotations

from pathlib import Path

import pytest

from testing.fork_history import go, make_fork
from testing.litellm_upstream import SAMPLE, upstream


@pytest.mark.parametrize(
    ("strategy", "jump"),
    [
        ("merge", False),
        pytest.param("rebase", True, marks=pytest.mark.slow),
        pytest.param("merge", True, marks=pytest.mark.slow),
        pytest.param("rebase", False, marks=pytest.mark.slow),
    ],
)
def test_real_releases(strategy: str, jump: bool, copier_template: Path, tmp_path: Path) -> None:
    tags = [f"v{version}" for version in SAMPLE]
    make_fork(tmp_path / "fork", copier_template, upstream(SAMPLE), tags[0])
    wanted = tags[-1:] if jump else tags[1:]
    row = go(tmp_path / "fork", wanted, strategy)
    assert (row.syncs, row.conflicts, row.refused) == (len(wanted), 0, 0)
    assert row.probes >= 2 * len(wanted)

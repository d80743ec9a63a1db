"""A fork with two providers reaches LiteLLM's next releases without a conflict, and its providers answer."""

from __future__ import annotations

from pathlib import Path

import pytest

from testing.fork_history import go, make_fork
from testing.litellm_upstream import SAMPLE, upstream


@pytest.mark.parametrize(
    ("strategy", "jump", "probed"),
    [
        # The insertions have their places in real releases; that providers answer in a LiteLLM is tested in
        # tests/test_fork_layout.py on the installed one, and here, in `make test-fork`, on those releases.
        pytest.param("merge", False, False, id="merge"),
        *(
            pytest.param(
                strategy, jump, True, marks=pytest.mark.slow, id=f"{strategy}-{'one-jump' if jump else 'each'}-probed"
            )
            for strategy in ("merge", "rebase")
            for jump in (False, True)
        ),
    ],
)
def test_real_releases(strategy: str, jump: bool, probed: bool, copier_template: Path, tmp_path: Path) -> None:
    tags = [f"v{version}" for version in SAMPLE]
    make_fork(tmp_path / "fork", copier_template, upstream(SAMPLE), tags[0])
    wanted = tags[-1:] if jump else tags[1:]
    row = go(tmp_path / "fork", wanted, strategy, probed=probed)
    assert (row.syncs, row.conflicts, row.refused) == (len(wanted), 0, 0)
    assert row.probes >= 2 * len(wanted) if probed else row.probes == 0

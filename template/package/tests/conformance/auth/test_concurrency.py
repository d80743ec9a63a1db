"""One credential for all who want it at the same time, in calls, threads, loops and processes. Template's file."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from ...package import answers
from ..conftest import use
from ..server import Upstream
from .account import Account, open_account
from .concurrency import concurrent_calls

PROTECTED = answers.AUTH[0] != "none"


@pytest.fixture
def fresh_accounts() -> Iterator[ExitStack]:
    """Closes the accounts that the test opened."""
    with ExitStack() as stack:
        yield stack


@pytest.mark.skipif(not PROTECTED, reason="declared: the upstream asks for no credential")
def test_one_credential_for_all(
    upstream: Upstream, model: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fresh_accounts: ExitStack
) -> None:
    count = iter(range(9))

    def fresh() -> Account:
        account = fresh_accounts.enter_context(open_account(tmp_path / str(next(count))))
        use(account, upstream, monkeypatch)
        return account

    for made in concurrent_calls(fresh, upstream, model):
        assert (made.group, made.failures, made.token_requests, made.leaks) == (made.group, 0, 1, 0), made.said[-6000:]

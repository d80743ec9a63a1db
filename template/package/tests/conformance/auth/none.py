"""An account of an upstream that asks nobody who they are. Template's file: do not edit."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from ..server import Received


class NoAccount:
    """Nothing to be known by."""

    def __init__(self) -> None:
        self.environment: Mapping[str, str] = {}
        self.secrets: set[str] = set()
        self.kept_in: set[Path] = set()

    def accepts(self, request: Received) -> bool:
        """Takes every request that carries no credential."""
        return "authorization" not in request.headers

    def make_stale(self, call: Callable[[], object]) -> None:
        """Makes a call: nothing can go stale."""
        call()

    def revoke(self) -> None:
        """Does nothing: there is nothing to revoke."""

    def token_requests(self) -> int:
        """Returns none, as there are no tokens."""
        return 0


@contextmanager
def open_account(folder: Path) -> Iterator[NoAccount]:
    """Opens it."""
    yield NoAccount()

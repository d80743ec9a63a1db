"""An account with API keys. Template's file: do not edit."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from ...package import answers
from ..server import Received
from .account import KEY, sent_token

SECOND_KEY = "second-key-of-the-conformance-suite"


class ApiKeyAccount:
    """Two keys, of which the first can be revoked."""

    def __init__(self) -> None:
        self.environment = {f"{answers.ENV_PREFIX}_API_KEY": KEY, f"{answers.ENV_PREFIX}_API_KEYS": SECOND_KEY}
        self.secrets = {KEY, SECOND_KEY}
        self.kept_in: set[Path] = set()
        self._revoked: set[str] = set()
        self._seen: set[str] = set()

    def accepts(self, request: Received) -> bool:
        """Takes any key that is not revoked; tests bring keys of their own."""
        key = sent_key(request)
        good = bool(key) and key not in self._revoked
        if good:
            self._seen.add(key)
        return good

    def make_stale(self, call: Callable[[], object]) -> None:
        """Revokes the first key."""
        call()
        self.revoke()

    def revoke(self) -> None:
        """Revokes the first key."""
        self._revoked = {KEY}
        self._seen = set()

    def token_requests(self) -> int:
        """Counts the keys that came into use."""
        return len(self._seen)


@contextmanager
def open_account(folder: Path) -> Iterator[ApiKeyAccount]:
    """Opens an account with keys."""
    yield ApiKeyAccount()


def sent_key(request: Received) -> str:
    """Returns the key of a request, wherever it is carried."""
    place: str = answers.API_KEY_IN
    if place == "header":
        return sent_token(request)
    return parse_qs(urlsplit(request.path).query).get(answers.API_KEY_QUERY, [""])[0]

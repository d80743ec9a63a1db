"""What the provider authenticates with in the tests. Template's file: do not edit.

Each rendered kind has a module here, named after it, whose `open_account` plays the part of its owner: the
administrator of an authorization server, the platform that rotates a file, whoever hands out keys.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from ...package import answers
from ..server import Received

KEY = "key-of-the-conformance-suite"


class Account(Protocol):
    """One way to be known to the upstream."""

    @property
    def environment(self) -> Mapping[str, str]:
        """The environment variables that the provider needs."""
        ...

    @property
    def secrets(self) -> set[str]:
        """Every secret that has come up so far."""
        ...

    @property
    def kept_in(self) -> set[Path]:
        """The files in which secrets belong."""
        ...

    def accepts(self, request: Received) -> bool:
        """Returns whether the upstream takes a request's credential."""
        ...

    def make_stale(self, call: Callable[[], object]) -> None:
        """Leaves the provider with a credential that was good for a call and now is not; another can be had.

        Args:
            call: makes a call through the provider.
        """
        ...

    def revoke(self) -> None:
        """Makes the credential that is in use useless; another can be had."""
        ...

    def token_requests(self) -> int:
        """Returns how many credentials were asked for, or taken into use, since the last `make_stale` or `revoke`."""
        ...


_LEFT_OUT = "the tests of rendered kinds are left out where tests/upstream.py has an account of its own"


@dataclass
class OwnAccount:
    """An account for an authenticator of the author's own: what `open_account` in tests/upstream.py yields."""

    environment: Mapping[str, str]
    """The settings that the authenticator reads."""
    accepts: Callable[[Received], bool]
    """Whether the upstream takes a request's credential."""
    secrets: set[str] = field(default_factory=set)
    kept_in: set[Path] = field(default_factory=set)

    def make_stale(self, call: Callable[[], object]) -> None:
        """Only the tests of the rendered kinds have a use for it."""
        raise RuntimeError(_LEFT_OUT)

    def revoke(self) -> None:
        """Only the tests of the rendered kinds have a use for it."""
        raise RuntimeError(_LEFT_OUT)

    def token_requests(self) -> int:
        """Only the tests of the rendered kinds have a use for it."""
        raise RuntimeError(_LEFT_OUT)


def own_account() -> Callable[[Path], AbstractContextManager[Account]] | None:
    """Returns `open_account` of tests/upstream.py, where the author authenticates in another way than those rendered."""
    found: Callable[[Path], AbstractContextManager[Account]] | None = getattr(
        importlib.import_module("...upstream", __package__), "open_account", None
    )
    return found


def open_account(folder: Path) -> AbstractContextManager[Account]:
    """Opens the author's own account, or one of the first rendered kind, where there are two.

    Args:
        folder: for its files.
    """
    return (own_account() or _opened)(folder)


@contextmanager
def _opened(folder: Path) -> Iterator[Account]:
    with ExitStack() as stack:
        first, *others = [
            stack.enter_context(importlib.import_module(f".{kind}", __package__).open_account(folder / kind))
            for kind in answers.AUTH
        ]
        yield _Chain(first, others) if others else first


class _Chain:
    """The first account, at an upstream that takes the credentials of the others, too."""

    def __init__(self, first: Account, others: Sequence[Account]) -> None:
        self._accounts = (first, *others)
        self.make_stale = first.make_stale
        self.revoke = first.revoke
        self.token_requests = first.token_requests
        self.environment: dict[str, str] = {}
        for account in reversed(self._accounts):
            self.environment.update(account.environment)

    @property
    def secrets(self) -> set[str]:
        return set().union(*(account.secrets for account in self._accounts))

    @property
    def kept_in(self) -> set[Path]:
        return set().union(*(account.kept_in for account in self._accounts))

    def accepts(self, request: Received) -> bool:
        return any(account.accepts(request) for account in self._accounts)


def sent_token(request: Received) -> str:
    """Returns the key or token of a request's header, without its prefix."""
    value = request.headers.get(answers.API_KEY_HEADER.lower(), "")
    prefix = f"{answers.API_KEY_PREFIX} ".lstrip()
    return value.removeprefix(prefix) if value.startswith(prefix) else ""

"""Which models the host is not asked for, and until when. Template's file: do not edit."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Literal

ALL_MODELS: Final = "*"
_MOST_MODELS: Final = 1024
State = Literal["closed", "probe", "open"]


@dataclass(slots=True)
class _Entry:
    opened: float
    until: float
    probing: bool = False


class Breaker:
    """Leaves the host alone for a model, in this process, after it said that it is out of something.

    While it is open, requests go to LiteLLM at once. When its time is over, one request asks the host again; the
    others go to LiteLLM until that one has its answer.

    Args:
        clock: seconds that only grow.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._entries: OrderedDict[str, _Entry] = OrderedDict()
        self.times_opened = 0

    def now(self) -> float:
        """Returns the time on the breaker's clock: a request remembers when it began."""
        return self._clock()

    def state(self, model: str) -> State:
        """Returns what a request for a model does; for `probe`, the caller must report what came of it."""
        states = [self._state(key) for key in (ALL_MODELS, model)]
        if "open" in states:
            for key, state in zip((ALL_MODELS, model), states, strict=True):
                if state == "probe":
                    self._entries[key].probing = False
            return "open"
        return "probe" if "probe" in states else "closed"

    def _state(self, key: str) -> State:
        entry = self._entries.get(key)
        if entry is None:
            return "closed"
        if entry.probing or self._clock() < entry.until:
            return "open"
        entry.probing = True
        return "probe"

    def failed(self, model: str, seconds: float, began: float, *, all_models: bool = False) -> bool:
        """Notes that the host failed; returns whether the breaker has moved.

        Args:
            model: the request's.
            seconds: how long to leave the host alone; 0 notes nothing.
            began: when the request began. What began before the breaker opened is of the same burst.
            all_models: whether the failure is the account's.
        """
        if seconds <= 0:
            return False
        key = ALL_MODELS if all_models else model
        entry = self._entries.get(key)
        if entry is not None and began < entry.opened:
            return False
        now = self._clock()
        self._entries[key] = _Entry(now, now + seconds)
        self._entries.move_to_end(key)
        while len(self._entries) > _MOST_MODELS:
            self._entries.popitem(last=False)
        if all_models:
            self._release(model)
        else:
            self._release(ALL_MODELS)
        self.times_opened += 1
        return True

    def succeeded(self, model: str) -> None:
        """Notes that the host served the model: it is asked again."""
        for key in (ALL_MODELS, model):
            entry = self._entries.get(key)
            if entry is not None and (entry.probing or self._clock() >= entry.until):
                del self._entries[key]

    def undecided(self, model: str) -> None:
        """Notes that a probe, which the caller was, says nothing of the host, as when its client left: the next one does."""
        self._release(model)
        self._release(ALL_MODELS)

    def _release(self, key: str) -> None:
        if entry := self._entries.get(key):
            entry.probing = False

    def open_models(self) -> list[str]:
        """Returns the models that the host is not asked for now; `*` stands for all."""
        now = self._clock()
        return [key for key, entry in self._entries.items() if entry.probing or now < entry.until]

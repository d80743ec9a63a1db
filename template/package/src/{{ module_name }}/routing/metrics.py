"""What is counted, in the text format of Prometheus (version 0.0.4). Template's file: do not edit.

A model's label is a name of the configuration or `other`: clients cannot make new series.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from typing import Final

_BOUNDS: Final = (0.001, 0.005, 0.025, 0.1, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 120.0)


class _Histogram:
    def __init__(self) -> None:
        self._counts = [0] * (len(_BOUNDS) + 1)
        self._sum = 0.0

    def add(self, value: float) -> None:
        self._counts[bisect_left(_BOUNDS, value)] += 1
        self._sum += value

    def lines(self, name: str, labels: str) -> list[str]:
        found, total = [], 0
        comma = "," if labels else ""
        for bound, count in zip([*map(str, _BOUNDS), "+Inf"], self._counts, strict=True):
            total += count
            found.append(f'{name}_bucket{{{labels}{comma}le="{bound}"}} {total}')
        tail = f"{{{labels}}}" if labels else ""
        return [*found, f"{name}_sum{tail} {self._sum:.6f}", f"{name}_count{tail} {total}"]


class Metrics:
    """The counts of one gateway."""

    def __init__(self) -> None:
        self._requests: Counter[tuple[str, str, str]] = Counter()
        self._fallbacks: Counter[tuple[str, str]] = Counter()
        self._reloads: Counter[str] = Counter()
        self._held = _Histogram()
        self._first_byte = {route: _Histogram() for route in ("host", "litellm", "fallback")}
        self.in_flight = 0

    def request(self, route: str, model: str, status: int) -> None:
        """Counts a request that has ended; `status` is the client's, 0 where it got none."""
        self._requests[route, model, f"{status // 100}xx" if status else "none"] += 1

    def fallback(self, kind: str, outcome: str) -> None:
        """Counts a turn to LiteLLM; the outcome is `served` or `failed`."""
        self._fallbacks[kind, outcome] += 1

    def reload(self, result: str) -> None:
        """Counts a change of the configuration: `loaded` or `refused`."""
        self._reloads[result] += 1

    def held(self, seconds: float) -> None:
        """Counts how long an answer of the host was held."""
        self._held.add(seconds)

    def first_byte(self, route: str, seconds: float) -> None:
        """Counts the time until the headers of an answer."""
        self._first_byte[route].add(seconds)

    def text(self, open_models: dict[str, bool], held_bytes: int) -> str:
        """Returns all of it.

        Args:
            open_models: for each label of a model, whether the host is left alone for it now.
            held_bytes: of bodies.
        """
        name = "litellm_routing"
        lines = [f"# HELP {name}_requests_total Requests that have ended.", f"# TYPE {name}_requests_total counter"]
        for (route, model, status), count in sorted(self._requests.items()):
            labels = f'route="{route}",model="{_escaped(model)}",status="{status}"'
            lines.append(f"{name}_requests_total{{{labels}}} {count}")
        lines += [f"# HELP {name}_fallbacks_total Turns to LiteLLM.", f"# TYPE {name}_fallbacks_total counter"]
        for (kind, outcome), count in sorted(self._fallbacks.items()):
            lines.append(f'{name}_fallbacks_total{{kind="{kind}",outcome="{outcome}"}} {count}')
        lines += [f"# HELP {name}_breaker_open Whether the host is left alone.", f"# TYPE {name}_breaker_open gauge"]
        lines += [f'{name}_breaker_open{{model="{_escaped(key)}"}} {int(value)}' for key, value in open_models.items()]
        lines += [f"# HELP {name}_reloads_total Changed configurations.", f"# TYPE {name}_reloads_total counter"]
        lines += [f'{name}_reloads_total{{result="{key}"}} {self._reloads[key]}' for key in ("loaded", "refused")]
        lines += [f"# HELP {name}_held_seconds Answers held back.", f"# TYPE {name}_held_seconds histogram"]
        lines += self._held.lines(f"{name}_held_seconds", "")
        lines += [f"# HELP {name}_first_byte_seconds Until the headers.", f"# TYPE {name}_first_byte_seconds histogram"]
        for route, histogram in self._first_byte.items():
            lines += histogram.lines(f"{name}_first_byte_seconds", f'route="{route}"')
        lines += [f"# HELP {name}_requests_in_flight Requests now.", f"# TYPE {name}_requests_in_flight gauge"]
        lines.append(f"{name}_requests_in_flight {self.in_flight}")
        lines += [f"# HELP {name}_held_bytes Bytes of bodies held.", f"# TYPE {name}_held_bytes gauge"]
        lines.append(f"{name}_held_bytes {held_bytes}")
        return "\n".join(lines) + "\n"


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")

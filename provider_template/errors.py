"""The one exception of this package; the fork tool, which also runs without this package, has it."""

from __future__ import annotations

from provider_template.fork.errors import Refusal as Refusal

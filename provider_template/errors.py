"""The one exception of the command: a refusal, as the fork tool has it."""

from __future__ import annotations

from fork_tool.errors import Refusal as Refusal

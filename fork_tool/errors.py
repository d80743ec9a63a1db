"""The one exception of the tool."""

from __future__ import annotations


class Refusal(Exception):  # noqa: N818  # not a fault of the program
    """What was asked for cannot be done; the message is one sentence that says why and how to fix it."""

"""What every kind of authentication shares. Template's file: do not edit."""

from __future__ import annotations


class MissingCredentialError(Exception):
    """There is no credential to call with; the message says how to give one."""

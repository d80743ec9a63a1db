"""What every kind of authentication shares. Template's file: do not edit."""

from __future__ import annotations


class CredentialError(Exception):
    """There is no credential to call with, or none that can be sent; the message says what to do."""

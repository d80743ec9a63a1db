"""Private keys, and what is signed with them. Template's file: do not edit."""

from __future__ import annotations

import base64
import hashlib
import os
from pathlib import Path

from joserfc.errors import JoseError
from joserfc.jwk import ECKey, RSAKey

from .authenticator import CredentialError
from .tokens import keep_private

Key = RSAKey | ECKey

CLOCKS_DIFFER = 300
"""Seconds by which the clock of whoever checks a signature may be behind ours."""


def load_key(pem: str | None, file: str, algorithm: str, remedy: str) -> Key:
    """Loads a private key.

    Args:
        pem: the key as PEM, if it is at hand.
        file: else the path of a file that has it.
        algorithm: RS256 or ES256.
        remedy: what to do when there is none, as a sentence's end.

    Raises:
        CredentialError: there is no key, or not one for the algorithm; the message holds nothing of it.
    """
    if not pem:
        if not file:
            raise CredentialError(f"There is no private key: {remedy}.")
        try:
            path = Path(os.path.expanduser(file))
            keep_private(path, platform_managed=True)
            pem = path.read_text(encoding="ascii")
        except OSError as error:
            raise CredentialError(f"The key file {file} cannot be read: {error.strerror}; {remedy}.") from None
        except UnicodeDecodeError:
            raise CredentialError(f"The key file {file} is not PEM: {remedy}.") from None
    kind = RSAKey if algorithm == "RS256" else ECKey
    # Environment files hold it in one line, with \n in place of its line ends.
    text = pem.replace("\\n", "\n").strip()
    try:
        key = kind.import_key(text)
    except (ValueError, TypeError, JoseError):
        raise CredentialError(
            f"{file or 'The private key'} is no unencrypted PEM key for {algorithm}: {remedy}."
        ) from None
    if not key.is_private:
        raise CredentialError(f"{file or 'The private key'} is a public key, which cannot sign: {remedy}.")
    if isinstance(key, ECKey) and key.curve_name != "P-256":
        raise CredentialError(f"The key has the curve {key.curve_name}, but ES256 needs P-256: {remedy}.")
    return key


def fingerprint(key: Key) -> str:
    """Returns the SHA-256 of the public key (DER, SubjectPublicKeyInfo) in base64."""
    return base64.b64encode(hashlib.sha256(key.as_der(private=False)).digest()).decode("ascii")


def valid_from(now: float, lifetime: float) -> int:
    """Returns the time to write into `iat`, early enough for a clock that is behind ours.

    Args:
        now: seconds since the epoch.
        lifetime: seconds that the signature shall be good; it then ends as much earlier.
    """
    return int(now - min(CLOCKS_DIFFER, lifetime / 2))

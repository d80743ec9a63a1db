"""Private keys, and what is signed with them. Template's file: do not edit."""

from __future__ import annotations

import base64
import hashlib
import os
from dataclasses import dataclass
from pathlib import Path

from joserfc.errors import JoseError
from joserfc.jwk import ECKey, RSAKey
from pydantic import SecretStr

from .authenticator import CredentialError, UnreadableError, read_when_whole, status_of
from .tokens import keep_private

Key = RSAKey | ECKey

CLOCKS_DIFFER = 300
"""Seconds by which the clock of whoever checks a signature may be behind ours."""


@dataclass(frozen=True)
class Passphrase:
    """What opens an encrypted key."""

    setting: str
    """The environment variable that it comes from."""
    value: SecretStr | None = None


def load_key(pem: str | None, file: str, algorithm: str, remedy: str, passphrase: Passphrase) -> Key:
    """Loads a private key.

    Args:
        pem: the key as PEM, if it is at hand.
        file: else the path of a file that has it.
        algorithm: RS256 or ES256.
        remedy: what to do when there is none, as a sentence's end.
        passphrase: what opens it, if it is encrypted.

    Raises:
        CredentialError: there is no key, or not one for the algorithm; the message holds nothing of it.
    """
    if pem:
        return _key_of(pem, "The private key", algorithm, remedy, passphrase)
    if not file:
        raise CredentialError(f"There is no private key: {remedy}.")
    path = Path(os.path.expanduser(file))
    return read_when_whole(lambda: _key_of(_text_of(path, file, remedy), file, algorithm, remedy, passphrase), path)


def _key_of(pem: str, name: str, algorithm: str, remedy: str, passphrase: Passphrase) -> Key:
    kind = RSAKey if algorithm == "RS256" else ECKey
    # Environment files hold it in one line, with \n in place of its line ends.
    text = pem.replace("\\n", "\n").strip()
    encrypted = "ENCRYPTED" in text
    if encrypted and passphrase.value is None:
        raise CredentialError(f"{name} has a passphrase: set {passphrase.setting} to it, or {remedy}.")
    try:
        secret = passphrase.value.get_secret_value() if encrypted and passphrase.value else None
        key = kind.import_key(text, password=secret)
    except (ValueError, TypeError, JoseError):
        if encrypted:
            raise UnreadableError(
                f"{name} is no PEM key for {algorithm} that the passphrase of {passphrase.setting} opens: "
                f"mend it, or {remedy}."
            ) from None
        raise UnreadableError(f"{name} is no PEM key for {algorithm}: {remedy}.") from None
    if not key.is_private:
        raise CredentialError(f"{name} is a public key, which cannot sign: {remedy}.")
    if isinstance(key, ECKey) and key.curve_name != "P-256":
        raise CredentialError(f"The key has the curve {key.curve_name}, but ES256 needs P-256: {remedy}.")
    return key


def _text_of(path: Path, file: str, remedy: str) -> str:
    try:
        keep_private(path, platform_managed=True)
        return path.read_text(encoding="ascii")
    except OSError as error:
        text = f"The key file {file} cannot be read: {error.strerror}; {remedy}."
        raise CredentialError(text, status=status_of(error)) from None
    except UnicodeDecodeError:
        raise UnreadableError(f"The key file {file} is not PEM: {remedy}.") from None


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

"""Tokens that we sign: claims, times, keys. Template's file: do not edit."""

from __future__ import annotations

import base64
import hashlib
import threading
import time
from pathlib import Path
from typing import Any

import pytest
from joserfc import jwt
from joserfc.jwk import ECKey, RSAKey
from pydantic import SecretStr, ValidationError

from ...package import part

module: Any = part("auth.signed_jwt")
authenticators: Any = part("auth.authenticator")

RSA = RSAKey.generate_key(2048)
EC = ECKey.generate_key("P-256")


def pem(key: RSAKey | ECKey) -> SecretStr:
    return SecretStr(key.as_pem(private=True).decode())


def credential(**settings: Any) -> Any:
    given = {"jwt_key": pem(RSA), "jwt_algorithm": "RS256", "token_store": "memory", **settings}
    return module.authenticator(module.Settings(**given))


def test_claims() -> None:
    claims = {"iss": "me.{fingerprint}", "sub": "me", "aud": ["a", "b"], "n": 3, "jti": "{uuid}"}
    token = credential(jwt_claims=claims, jwt_key_id="k-1", jwt_headers={"X-Type": "KEYPAIR"}).get_token()
    decoded = jwt.decode(token.value, RSA, algorithms=["RS256"])
    digest = base64.b64encode(hashlib.sha256(RSA.as_der(private=False)).digest()).decode()
    assert decoded.header == {"alg": "RS256", "typ": "JWT", "kid": "k-1"}
    assert decoded.claims["iss"] == f"me.{digest}"
    assert decoded.claims["aud"] == ["a", "b"]
    assert decoded.claims["n"] == 3
    assert len(decoded.claims["jti"]) == 36
    assert token.headers == {"X-Type": "KEYPAIR"}
    assert token.who == "me"


def test_es256() -> None:
    token = credential(jwt_key=pem(EC), jwt_algorithm="ES256").get_token()
    assert jwt.decode(token.value, EC, algorithms=["ES256"]).claims["exp"] > time.time()


@pytest.mark.parametrize("skew", [-300, 0, 300])
@pytest.mark.parametrize("lifetime", [3600, 900])
def test_times(skew: int, lifetime: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """They are right by the upstream's clock, which may differ by five minutes from ours."""
    real = time.time
    monkeypatch.setattr(time, "time", lambda: real() - skew)
    claims = jwt.decode(credential(jwt_lifetime=lifetime).get_token().value, RSA, algorithms=["RS256"]).claims
    assert claims["exp"] - claims["iat"] == lifetime
    assert claims["iat"] <= real() < claims["exp"]


def test_it_is_kept_until_shortly_before_it_expires(monkeypatch: pytest.MonkeyPatch) -> None:
    kept = credential(jwt_lifetime=900, jwt_claims={"jti": "{uuid}"})
    first = kept.get_token()
    assert kept.get_token() is first
    real = time.time
    monkeypatch.setattr(time, "time", lambda: real() + 595)
    assert kept.get_token().value != first.value


@pytest.mark.parametrize("lines", ["\\n", "\n", "\r\n"])
def test_key_of_the_environment(lines: str) -> None:
    text = SecretStr(pem(RSA).get_secret_value().replace("\n", lines))
    assert credential(jwt_key=text).get_token().value


def test_key_of_a_file(tmp_path: Path) -> None:
    file = tmp_path / "key.pem"
    file.write_text(pem(RSA).get_secret_value())
    assert credential(jwt_key=None, jwt_key_file=str(file)).get_token().value


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"jwt_key": None}, "There is no private key"),
        ({"jwt_key": None, "jwt_key_file": "/nowhere/key.pem"}, "cannot be read"),
        ({"jwt_key": SecretStr("secret-5")}, "no PEM key for RS256"),
        ({"jwt_key": pem(EC)}, "no PEM key for RS256"),
        ({"jwt_key": SecretStr(RSA.as_pem(private=False).decode())}, "public key"),
        ({"jwt_key": pem(ECKey.generate_key("P-384")), "jwt_algorithm": "ES256"}, "needs P-256"),
    ],
)
def test_key_that_is_none(settings: dict[str, Any], says: str) -> None:
    made = credential(**settings)
    for attempt in (made.check, made.get_token):
        with pytest.raises(authenticators.CredentialError, match=says) as caught:
            attempt()
        assert "JWT_KEY_FILE" in str(caught.value)
        assert "secret-5" not in str(caught.value)
    assert not made.status().ready


def encrypted(key: RSAKey | ECKey, passphrase: str) -> SecretStr:
    return SecretStr(key.as_pem(private=True, password=passphrase).decode())


@pytest.mark.parametrize(("key", "algorithm"), [(RSA, "RS256"), (EC, "ES256")])
def test_key_with_a_passphrase(key: RSAKey | ECKey, algorithm: str, tmp_path: Path) -> None:
    locked, given = encrypted(key, "open-3"), {"jwt_algorithm": algorithm, "jwt_key_passphrase": SecretStr("open-3")}
    token = credential(jwt_key=locked, **given).get_token()
    assert jwt.decode(token.value, key, algorithms=[algorithm]).claims["exp"] > time.time()
    file = tmp_path / "key.pem"
    file.write_text(locked.get_secret_value())
    assert credential(jwt_key=None, jwt_key_file=str(file), **given).get_token().value
    assert credential(jwt_key=pem(key), **given).get_token().value, "a key without one needs none"


@pytest.mark.parametrize(("given", "says"), [(None, "has a passphrase: set"), ("wrong-3", "that the passphrase of")])
def test_passphrase_that_does_not_open(given: str | None, says: str) -> None:
    made = credential(jwt_key=encrypted(RSA, "open-3"), jwt_key_passphrase=SecretStr(given) if given else None)
    with pytest.raises(authenticators.CredentialError, match=says) as caught:
        made.get_token()
    assert "_JWT_KEY_PASSPHRASE" in str(caught.value)
    assert not {"open-3", "wrong-3"} & set(str(caught.value).split())
    assert "wrong-3" not in repr(made._source._settings)


def test_claims_that_settings_fill_in() -> None:
    claims = {"iss": "{account}.{user}.{fingerprint}", "sub": "{account}.{user}", "aud": ["{region}", "{other}"]}
    given = {"jwt_claims": claims, "jwt_account": "ACME", "jwt_user": "ADA", "jwt_values": {"region": "eu"}}
    token = credential(**given).get_token()
    found = jwt.decode(token.value, RSA, algorithms=["RS256"]).claims
    assert found["iss"].startswith("ACME.ADA.")
    assert "{" not in found["iss"]
    assert (found["sub"], found["aud"]) == ("ACME.ADA", ["eu", "{other}"])
    with pytest.raises(authenticators.CredentialError, match=r"claim iss needs \{account\}: set .*_JWT_ACCOUNT"):
        credential(jwt_claims=claims).get_token()


def test_key_file_that_is_being_written(tmp_path: Path) -> None:
    """It is read again until it is whole."""
    file = tmp_path / "key.pem"
    text = pem(RSA).get_secret_value()
    file.write_text(text[:300])
    timer = threading.Timer(0.3, file.write_text, [text])
    timer.start()
    assert credential(jwt_key=None, jwt_key_file=str(file)).get_token().value
    timer.join()


def test_claims_that_are_added() -> None:
    with pytest.raises(ValidationError, match="must not have iat and exp"):
        module.Settings(jwt_claims={"exp": 7})

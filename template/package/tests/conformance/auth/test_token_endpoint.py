"""The token endpoint: proofs of the client, answers of every sort, failures. Template's file: do not edit."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr, ValidationError

from ...package import answers, part
from .authorization_server import CLIENT_ID, Answer, AuthorizationServer
from .token_account import keys_of, put

oauth: Any = part("auth.oauth")
authenticators: Any = part("auth.authenticator")
PREFIX = answers.ENV_PREFIX


@pytest.fixture
def server() -> Iterator[AuthorizationServer]:
    with AuthorizationServer(keys_of(answers.TOKEN_FIELD)) as running:
        yield running


def endpoint(server: AuthorizationServer, **settings: Any) -> Any:
    """Returns the token endpoint as the provider uses it."""
    given = {
        "token_url": server.token_url,
        "client_id": CLIENT_ID,
        "client_secret": SecretStr(server.secret),
        "token_endpoint_auth_method": "client_secret_basic",
        "revocation_url": f"{server.url}/revoke",
        **settings,
    }
    return oauth.TokenEndpoint(oauth.OAuthSettings(**given))


def answer(**fields: Any) -> Answer:
    """Returns an answer with a token and these fields."""
    content: dict[str, Any] = {}
    put(content, answers.TOKEN_FIELD, "the-token")
    return Answer(body=json.dumps({**content, **fields}).encode())


@pytest.mark.parametrize("method", ["client_secret_basic", "client_secret_post", "private_key_jwt"])
@pytest.mark.parametrize("skew", [-300, 0, 300])
def test_proof_of_the_client(method: str, skew: int, server: AuthorizationServer) -> None:
    server.skew = skew
    pem = SecretStr(server.client_key.as_pem(private=True).decode().replace("\n", "\\n"))
    token = endpoint(server, token_endpoint_auth_method=method, client_key=pem).token("client_credentials", scope="a b")
    assert server.valid(token.value)
    assert token.scope == "a b"
    assert token.who == "ada@example.com"
    assert abs(token.expires_at - time.time() - 3600) < 5, "its life is counted by our clock"


def test_form(server: AuthorizationServer) -> None:
    fields = {"audience": "https://api.example.com", "resource": "urn:a", "token_request_fields": {"tenant": "t 1"}}
    endpoint(server, **fields).token("client_credentials", scope="")
    (form,) = server.requests
    assert form["audience"] == "https://api.example.com"
    assert form["resource"] == "urn:a"
    assert form["tenant"] == "t 1"
    assert "scope" not in form


@pytest.mark.parametrize(
    ("expires_in", "life"),
    [
        (60, 60),
        ("60", 60),
        (0, 0),
        (-5, 0),
        (1e300, 3155760000),
        (None, None),
        ("soon", None),
        (True, None),
        ([], None),
    ],
)
def test_life(expires_in: object, life: float | None, server: AuthorizationServer) -> None:
    server.will(answer(expires_in=expires_in))
    token = endpoint(server).token("client_credentials")
    if life is None:
        assert token.expires_at is None
    else:
        assert token.expires_at == pytest.approx(time.time() + life, abs=5 if life < 1e6 else 86400 * 40)


def test_refresh_token_lives_on(server: AuthorizationServer) -> None:
    old = server.new_refresh_token()
    before = part("auth.tokens").Token("before", refresh_token=old, who="ada")
    server.returns_refresh_token = False
    assert endpoint(server).token("refresh_token", before, refresh_token=old).refresh_token == old
    server.rotates = True
    new = endpoint(server).token("refresh_token", before, refresh_token=old).refresh_token
    assert new not in (None, old)


@pytest.mark.parametrize(
    ("given", "says", "pause"),
    [
        (Answer(500), "HTTP 500", 0.0),
        (Answer(429, headers={"retry-after": "7"}), "HTTP 429", 7.0),
        (Answer(200, b"<html>"), "no token", 1.0),
        (Answer(200, b""), "no token", 1.0),
        (Answer(200, b"[1]"), "no token", 1.0),
        (Answer(200, b"[" * 9999), "no token", 1.0),
        (Answer(200, b"\xff\xfe"), "no token", 1.0),
        (Answer(200, b'{"access_token": "a\\nb"}'), "no token", 1.0),
        (Answer(302, headers={"location": "https://elsewhere.example.com/"}), "HTTP 302", 1.0),
        (Answer(404, b"not here"), "HTTP 404", 1.0),
        (Answer(200, b'{"error": "access_denied"}'), "access_denied", 1.0),
        (Answer(400, b'{"error": {"message": "so not"}}'), "so not", 1.0),
        (Answer(200, b" " * 1_100_000), "no end", 1.0),
    ],
)
def test_answer_without_token(given: Answer, says: str, pause: float, server: AuthorizationServer) -> None:
    server.will(given)
    with pytest.raises(authenticators.CredentialError, match=says) as caught:
        endpoint(server).token("client_credentials")
    assert caught.value.retry_after == pause
    assert server.url.removeprefix("http://") in str(caught.value)


def test_nobody_there() -> None:
    settings = oauth.OAuthSettings(
        token_url="http://127.0.0.1:9/token",
        client_id=CLIENT_ID,
        client_secret="s",
        token_endpoint_auth_method="client_secret_post",
    )
    with pytest.raises(authenticators.CredentialError, match=f"{PREFIX}_TOKEN_URL") as caught:
        oauth.TokenEndpoint(settings).token("client_credentials")
    assert caught.value.retry_after == 0.0


def test_answer_that_takes_too_long(server: AuthorizationServer) -> None:
    server.will(Answer(seconds=1.0))
    with pytest.raises(authenticators.CredentialError, match="cannot be reached"):
        endpoint(server, token_timeout=0.2).token("client_credentials")


def test_answer_that_drips(server: AuthorizationServer) -> None:
    """The time is for the whole of it, headers included."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def drip() -> None:
            connection, _ = listener.accept()
            with connection, suppress(OSError):
                connection.sendall(b"HTTP/1.1 200 OK\r\n")
                for _ in range(100):
                    connection.sendall(b"x: y\r\n")
                    time.sleep(0.1)

        threading.Thread(target=drip, daemon=True).start()
        url = f"http://127.0.0.1:{listener.getsockname()[1]}/token"
        before = time.monotonic()
        with pytest.raises(authenticators.CredentialError, match="cannot be reached"):
            endpoint(server, token_url=url, token_timeout=0.5).token("client_credentials")
        assert time.monotonic() - before < 3


@pytest.mark.parametrize("method", ["client_secret_basic", "client_secret_post", "private_key_jwt"])
def test_server_that_quotes_everything(
    method: str, server: AuthorizationServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent: list[str] = []

    def echo(path: str, form: dict[str, str], authorization: str) -> Answer:
        sent.extend([*form.values(), *authorization.split()[1:], server.secret])
        told = {"error": "invalid_client", "error_description": f"{authorization} {form}"}
        return Answer(400, json.dumps(told).encode())

    monkeypatch.setattr(server, "answer", echo)
    pem = SecretStr(server.client_key.as_pem(private=True).decode())
    with pytest.raises(authenticators.CredentialError, match="invalid_client") as caught:
        endpoint(server, token_endpoint_auth_method=method, client_key=pem).token("x", refresh_token="used-up-token")
    shown = {
        "x",
        CLIENT_ID,
        "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
        answers.AUDIENCE,
        answers.RESOURCE,
    }
    assert not [value for value in sent if value not in shown and value in str(caught.value)]


@pytest.mark.parametrize("name", ["grant_type", "refresh_token", "body"])
def test_field_that_is_ours(name: str) -> None:
    with pytest.raises(ValidationError, match=f"must not have {name}"):
        oauth.OAuthSettings(token_request_fields={name: "x"})


def test_server_that_quotes_secrets(server: AuthorizationServer) -> None:
    with pytest.raises(authenticators.CredentialError, match="invalid_grant") as caught:
        endpoint(server).token("refresh_token", refresh_token="used-up-token")
    assert "used-up-token" not in str(caught.value)
    told = {"error": "invalid_client", "error_description": f"the secret {server.secret} is wrong"}
    server.will(Answer(401, json.dumps(told).encode()))
    with pytest.raises(authenticators.CredentialError, match=r"check .*CLIENT_ID") as caught:
        endpoint(server).token("client_credentials")
    assert server.secret not in str(caught.value)


def test_revocation(server: AuthorizationServer) -> None:
    token = part("auth.tokens").Token("access", refresh_token=server.new_refresh_token())
    assert endpoint(server).revoke(token)
    assert server.revoked == [token.refresh_token]
    assert not endpoint(server, revocation_url="").revoke(token)
    assert not endpoint(server, revocation_url="http://127.0.0.1:9/revoke").revoke(token)


@pytest.mark.parametrize(
    "url",
    ["http://auth.example.com/token", "ftp://localhost/t", "auth.example.com", "https://u:pw@h/t", "https://h/#f", ""],
)
def test_url_that_no_secret_is_sent_to(url: str) -> None:
    with pytest.raises(ValidationError, match="it must") as caught:
        oauth.OAuthSettings(token_url=url)
    assert caught.value.error_count() == 1


@pytest.mark.parametrize("url", ["https://auth.example.com/t?x=1", "http://localhost:1/t", "http://[::1]/t"])
def test_url_that_secrets_may_be_sent_to(url: str) -> None:
    assert oauth.OAuthSettings(token_url=url).token_url == url


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"client_id": ""}, "CLIENT_ID"),
        ({"client_secret": None}, "CLIENT_SECRET"),
        ({"token_endpoint_auth_method": "private_key_jwt"}, "CLIENT_KEY_FILE"),
        (
            {"token_endpoint_auth_method": "private_key_jwt", "client_key": SecretStr("no PEM, secret-3")},
            "no PEM key",
        ),
        ({"token_endpoint_auth_method": "private_key_jwt", "client_key_file": "/nowhere/key.pem"}, "cannot be read"),
    ],
)
def test_setting_that_is_missing(settings: dict[str, Any], says: str, server: AuthorizationServer) -> None:
    with pytest.raises(authenticators.CredentialError, match=says) as caught:
        endpoint(server, **settings).token("client_credentials")
    assert "secret-3" not in str(caught.value)
    assert server.requests == []


def test_key_of_a_file(server: AuthorizationServer, tmp_path: Path) -> None:
    file = tmp_path / "key.pem"
    file.write_bytes(server.client_key.as_pem(private=True))
    given = {"token_endpoint_auth_method": "private_key_jwt", "client_key_file": str(file), "client_key_id": "k1"}
    assert server.valid(endpoint(server, **given).token("client_credentials").value)


@pytest.mark.parametrize("in_file", [True, False])
def test_key_with_a_passphrase(in_file: bool, server: AuthorizationServer, tmp_path: Path) -> None:
    pem = server.client_key.as_pem(private=True, password="open-3")
    file = tmp_path / "key.pem"
    file.write_bytes(pem)
    key = {"client_key_file": str(file)} if in_file else {"client_key": SecretStr(pem.decode())}
    given = {"token_endpoint_auth_method": "private_key_jwt", "client_key_passphrase": SecretStr("open-3"), **key}
    assert server.valid(endpoint(server, **given).token("client_credentials").value)
    for passphrase, says in ((None, "has a passphrase: set"), (SecretStr("wrong-3"), "that the passphrase of")):
        made = endpoint(server, **{**given, "client_key_passphrase": passphrase})
        with pytest.raises(authenticators.CredentialError, match=says) as caught:
            made.token("client_credentials")
        assert f"{PREFIX}_CLIENT_KEY_PASSPHRASE" in str(caught.value)
        assert not {"open-3", "wrong-3"} & set(str(caught.value).split())
    assert len(server.requests) == 1

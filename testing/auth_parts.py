"""What each way to authenticate is made of: its modules, its dependencies, the tests of what it shares with others."""

from __future__ import annotations

from testing.answers import Answers

# What each kind needs besides __init__.py and authenticator.py, in words that PARTS has.
KINDS: dict[str, set[str]] = {
    "api_key": set(),
    "none": set(),
    "oauth_client_credentials": {"token", "cache", "store", "oauth", "signing"},
    "oauth_authorization_code": {"token", "cache", "store", "oauth", "signing", "login"},
    "oauth_device_code": {"token", "cache", "store", "oauth", "signing", "login", "qr"},
    "oauth_refresh_token": {"token", "cache", "oauth", "signing"},
    "signed_jwt": {"token", "cache", "store", "signing"},
    "token_file": {"token"},
    "token_command": {"token", "cache", "store"},
}
PARTS: dict[str, set[str]] = {
    "token": {"flow.py", "tokens.py"},
    "cache": {"cache.py", "store.py"},
    "store": {"store_settings.py"},
    "keyring": {"keyring_store.py"},
    "oauth": {"oauth.py"},
    "signing": {"signing.py"},
    "login": {"interactive.py"},
    "qr": set(),
    "chain": {"chained.py"},
}
DEPENDENCIES: dict[str, set[str]] = {
    "cache": {"filelock"},
    "store": {"platformdirs"},
    "keyring": {"keyring"},
    "oauth": {"authlib"},
    "signing": {"joserfc"},
    "qr": {"segno"},
}
# Tests in conformance/auth/ of what kinds have in common, which are the same for each kind that has it.
TESTS: dict[str, set[str]] = {
    "token": {"fuzz"},
    "cache": {"cache", "store"},
    "keyring": {"keyring"},
    "oauth": {"token_endpoint"},
    "chain": {"chained"},
}
FOR_TESTS: dict[str, set[str]] = {"token": {"hypothesis", "joserfc"}, "oauth": {"types-authlib"}}
SOME_KINDS_ONLY = set().union(*DEPENDENCIES.values(), *FOR_TESTS.values())


def kinds_of(answers: Answers) -> list[str]:
    """Returns the kinds that answers ask for."""
    given = (answers["auth"], answers.get("auth_fallback", "none"))
    kinds = [str(kind) for kind in given if kind != "none"]
    return kinds or ["none"]


def parts_of(answers: Answers) -> set[str]:
    """Returns the parts that answers need."""
    kinds = kinds_of(answers)
    parts: set[str] = set().union(*(KINDS[kind] for kind in kinds))
    if len(kinds) > 1:
        parts.add("chain")
    if "store" in parts and answers.get("token_store") == "keyring":
        parts.add("keyring")
    return parts

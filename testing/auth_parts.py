"""What a way to authenticate is made of: its kinds, and the parts that it shares with others, with their tests."""

from __future__ import annotations

from testing.answers import Answers, computed

# Tests in conformance/auth/ of what kinds have in common, which are the same for each kind that has it.
TESTS: dict[str, set[str]] = {
    "token": {"fuzz"},
    "cache": {"cache", "store"},
    "keyring": {"keyring"},
    "oauth": {"token_endpoint"},
    "chain": {"chained"},
}
# What these tests depend on, where the package itself does not.
FOR_TESTS: dict[str, set[str]] = {"token": {"hypothesis", "joserfc"}, "oauth": {"types-authlib"}}


def kinds_of(answers: Answers) -> list[str]:
    """Returns the kinds that answers ask for."""
    return [str(kind) for kind in computed("auth_kinds", answers)]


def parts_of(answers: Answers) -> set[str]:
    """Returns the parts that answers need, the keyring among them."""
    parts = {str(part) for part in computed("auth_parts", answers)}
    return parts | ({"keyring"} if "store" in parts and answers.get("token_store") == "keyring" else set())

"""`python -m <package>.auth login`, `logout` and `status`, without a command line's dependencies. Template's file."""

from __future__ import annotations

import argparse
import json
import os
import sys
from dataclasses import asdict
from typing import Any

from ..settings import SettingsError, load_settings
from . import make_authenticator
from .authenticator import Console, CredentialError


def main() -> int:
    """Runs one of the three; returns the exit status."""
    parser = argparse.ArgumentParser(description="Credentials: log in, log out, or see what there is.")
    parser.add_argument("command", choices=["login", "logout", "status"])
    parser.add_argument("--no-browser", action="store_true", help="login: open no browser")
    parser.add_argument("--json", action="store_true", help="status: for programs")
    arguments = parser.parse_args()
    try:
        authenticator = make_authenticator(load_settings(), _tls)
        if arguments.command == "status":
            state = authenticator.status()
            sys.stdout.write((json.dumps(asdict(state)) if arguments.json else state.in_words()) + "\n")
            return 0 if state.ready else 1
        if arguments.command == "login":
            said = authenticator.login(Console(_say, not arguments.no_browser))
        else:
            said = authenticator.logout()
    except (CredentialError, SettingsError) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    _say(said)
    return 0


def _tls() -> Any:
    """LiteLLM's settings for TLS, which hold for a login as for a call."""
    # LiteLLM would fetch its price map from the network when it is imported.
    os.environ.setdefault("LITELLM_LOCAL_MODEL_COST_MAP", "True")
    from .._litellm import get_ssl_configuration

    return get_ssl_configuration()


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())

"""An account whose tokens a command prints. Template's file: do not edit."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ...package import answers
from .authorization_server import CLIENT_ID, AuthorizationServer
from .token_account import TokenAccount, keys_of

_COMMAND = """
import sys, urllib.parse, urllib.request
client, secret = open(sys.argv[2]).read().split()
form = {"grant_type": "client_credentials", "client_id": client, "client_secret": secret}
body = urllib.parse.urlencode(form).encode()
sys.stderr.write("this goes nowhere: " + secret)
print(urllib.request.urlopen(sys.argv[1], body).read().decode())
"""


class CommandAccount(TokenAccount):
    """A vendor's command line: it prints the answer of the authorization server."""

    def __init__(self, server: AuthorizationServer, folder: Path) -> None:
        super().__init__(server, folder)
        self.keep_tokens()
        login = folder / "login"
        login.write_text(f"{CLIENT_ID} {server.secret}", encoding="utf-8")
        self.kept_in.add(login)
        script = folder / "print token.py"
        script.write_text(_COMMAND, encoding="utf-8")
        self.print([sys.executable, "-S", str(script), server.token_url, str(login)])

    def print(self, command: list[str]) -> None:
        """Sets the command."""
        self.environment[f"{answers.ENV_PREFIX}_TOKEN_COMMAND"] = shlex.join(command)


@contextmanager
def open_account(folder: Path) -> Iterator[CommandAccount]:
    """Opens an account with a command that works."""
    with AuthorizationServer(keys_of(answers.TOKEN_COMMAND_FIELD)) as server:
        yield CommandAccount(server, folder)

"""A login to try: at an authorization server, a file or a command of the tests. Template's file: do not edit.

`make demo-login` runs it. It needs no account at the API and leaves nothing behind.
"""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path

from ...package import answers, auth, settings
from .account import open_account


def say(text: str) -> None:
    """Prints at once: a browser may be waited for next."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def main() -> None:
    """Logs in, and says what there is then; an exception is its only way to fail."""
    with tempfile.TemporaryDirectory() as folder, open_account(Path(folder)) as account:
        for name in [name for name in os.environ if name.startswith(f"{answers.ENV_PREFIX}_")]:
            del os.environ[name]
        os.environ.update({name: value for name, value in account.environment.items() if value})
        # Somebody who has not logged in yet, and whose login is forgotten in the end.
        os.environ.pop(f"{answers.ENV_PREFIX}_REFRESH_TOKEN", None)
        os.environ[f"{answers.ENV_PREFIX}_TOKEN_STORE"] = "memory"
        os.chdir(folder)
        authenticator = auth.make_authenticator(settings.load_settings())
        say(authenticator.login(auth.authenticator.Console(say)))
        say(authenticator.status().in_words())
        say(authenticator.logout())


if __name__ == "__main__":
    main()

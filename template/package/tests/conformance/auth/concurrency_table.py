"""`make test-auth`: many calls at once with a stale credential, as a table. Template's file: do not edit.

The columns: what the credential is, how many called at once, how many calls there were, how many credentials were
requested (one is enough), how many calls failed, how many secrets turned up in logs and output.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

from ...package import answers, models, registration
from ...upstream import UpstreamFormat
from ..server import Upstream
from .account import Account, open_account
from .concurrency import concurrent_calls

COLUMNS = ("kind", "group", "calls", "token_requests", "failures", "leaks")


def rows() -> Iterator[dict[str, str | int]]:
    """Yields a row for each group of callers."""
    model = f"{answers.PROVIDER}/{next(iter(models.load_models()))}"
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        upstream = stack.enter_context(Upstream(UpstreamFormat()))
        os.environ[f"{answers.ENV_PREFIX}_API_BASE"] = f"{upstream.url}/v1"
        count = iter(range(9))

        def fresh() -> Account:
            account = stack.enter_context(open_account(folder / str(next(count))))
            os.environ.update(account.environment)
            upstream.guard = account.accepts
            registration.register()._ready = None  # the settings are read anew
            return account

        for made in concurrent_calls(fresh, upstream, model):
            values = (", else ".join(answers.AUTH), made.group, made.calls, made.token_requests)
            yield dict(zip(COLUMNS, (*values, made.failures, made.leaks), strict=True))


def main() -> int:
    """Prints the table, as JSON with `--json`; returns 1 when a figure is not what it must be."""
    if answers.AUTH[0] == "none":
        sys.stdout.write("[]\n" if "--json" in sys.argv else "The upstream asks for no credential: nothing to test.\n")
        return 0
    found = list(rows())
    if "--json" in sys.argv:
        sys.stdout.write(json.dumps(found) + "\n")
    else:
        lines = [
            [column.replace("_", " ") for column in COLUMNS],
            *([str(row[column]) for column in COLUMNS] for row in found),
        ]
        widths = [max(map(len, cells)) for cells in zip(*lines, strict=True)]
        for line in lines:
            cells = (cell.ljust(width) for cell, width in zip(line, widths, strict=True))
            sys.stdout.write("  ".join(cells).rstrip() + "\n")
    good = all((row["token_requests"], row["failures"], row["leaks"]) == (1, 0, 0) for row in found)
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())

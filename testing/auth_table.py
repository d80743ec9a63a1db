"""`make test-auth`: many calls at once with a stale credential, for every way to authenticate, as one table.

Each way is rendered, and the package's own `tests.conformance.auth.concurrency_table` makes the calls. The columns: what the credential is,
how many called at once, how many calls there were, how many credentials were requested (one is enough), how many
calls failed, how many secrets turned up in logs and output.
"""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from testing.answers import Answers, asked, choices, questions
from testing.memory import keep_temporary_files_in_memory
from testing.support import EVERYTHING, Tools, copy_template, install_tools, render, run

COLUMNS = ("kind", "group", "calls", "token_requests", "failures", "leaks")
GOOD = {"token_requests": 1, "failures": 0, "leaks": 0}
# Questions whose answer makes another way of one kind.
_FOLLOW_UPS = ("auth_fallback", "api_key_in")

TableRow = dict[str, str | int]


def ways() -> Iterator[Answers]:
    """Yields answers for every way to authenticate: each kind, each chain, each place of a key."""
    for auth in choices(questions()["auth"]):
        follow_ups = [name for name in _FOLLOW_UPS if asked(name, {"auth": auth})]
        if follow_ups:
            (name,) = follow_ups
            for answer in choices(questions()[name]):
                yield {"auth": auth, name: answer}
        else:
            yield {"auth": auth}


def in_words(answers: Answers) -> str:
    """Returns what a way is called in the table."""
    fallback = answers.get("auth_fallback", "none")
    place = f" in the {answers['api_key_in']}" if "api_key_in" in answers else ""
    return f"{answers['auth']}{place}{f', else {fallback}' if fallback != 'none' else ''}"


def rows_of(answers: Answers, template: Path, folder: Path, tools: Tools) -> list[TableRow]:
    """Renders a way to authenticate and returns the rows that its own table has; none where nothing is to test."""
    package = render(template, folder, answers)
    done = run(
        tools.python,
        "-m",
        "tests.conformance.auth.concurrency_table",
        "--json",
        cwd=package,
        PYTHONPATH=str(package / "src"),
        LITELLM_LOCAL_MODEL_COST_MAP="True",
    )
    table = done.stdout.splitlines()[-1] if done.stdout.strip() else ""
    if done.returncode not in (0, 1) or not table.startswith("["):
        sys.exit(f"{in_words(answers)}: its table ended with {done.returncode}:\n{done.stdout[-6000:]}")
    rows: list[TableRow] = json.loads(table)
    return [{**row, "kind": in_words(answers)} for row in rows]


def is_good(row: TableRow) -> bool:
    """Tells whether one credential was enough, no call failed and no secret leaked."""
    return all(row[column] == figure for column, figure in GOOD.items())


def in_columns(rows: Sequence[TableRow]) -> str:
    """Returns rows as a table, those that are not good with a word at their end."""
    lines = [[column.replace("_", " ") for column in COLUMNS] + [""]]
    lines += [[*(str(row[column]) for column in COLUMNS), "" if is_good(row) else "WRONG"] for row in rows]
    widths = [max(map(len, cells)) for cells in zip(*lines, strict=True)]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in lines
    )


def main() -> int:
    """Prints the table; returns 1 unless every row is good."""
    keep_temporary_files_in_memory()
    found: list[TableRow] = []
    with tempfile.TemporaryDirectory() as folder:
        template = copy_template(Path(folder) / "template")
        tools = install_tools(render(template, Path(folder) / "everything", EVERYTHING), "main")
        for number, answers in enumerate(ways()):
            rows = rows_of(answers, template, Path(folder) / str(number), tools)
            sys.stderr.write(f"{in_words(answers)}: {'done' if rows else 'no credential, nothing to test'}\n")
            if not rows and answers["auth"] != "none":
                sys.exit(f"{in_words(answers)}: its table is empty")
            found += rows
    sys.stdout.write(in_columns(found) + "\n")
    return 0 if all(is_good(row) for row in found) else 1


if __name__ == "__main__":
    sys.exit(main())

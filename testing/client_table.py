"""`make client-table`: what clients get from each format, feature by feature, as docs/clients.md.

A package of each format is rendered; one LiteLLM proxy serves all of them, and testing/client_checks.py calls it with the
clients' SDKs. A cell is the outcome of its check. Why something does not work is written here, and stands in the page only
where the check has found it so: tests/test_client_table.py compares.
"""

from __future__ import annotations

import json
import re
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from testing.answers import ROOT
from testing.memory import keep_temporary_files_in_memory
from testing.one_proxy import formats, serving
from testing.support import EVERYTHING, Tools, copy_template, install_tools, must, render

PAGE = ROOT / "docs" / "clients.md"
CHECKS = ROOT / "testing" / "client_checks.py"
CLIENTS = {
    "chat": "OpenAI's SDK on `/v1/chat/completions`",
    "responses": "OpenAI's SDK on `/v1/responses`",
    "messages": "Anthropic's SDK on `/v1/messages`",
}

Cell = tuple[str, str, str]
"""Format, client and feature."""


@dataclass(frozen=True)
class Found:
    """What the checks found."""

    cells: Mapping[Cell, str]
    """What was wrong; nothing where all was well."""
    features: Mapping[str, str]
    """The features, and what the check of each looks at."""
    versions: Mapping[str, str]
    """Of LiteLLM and of the clients' distributions."""


@dataclass(frozen=True)
class Reason:
    """Why something does not work.

    Args:
        whose: `LiteLLM's`, or `the template's`.
        text: a sentence for the page.
        found: a pattern of what the check finds wrong.
        feature: of which.
        clients: and of which of these; of all where there are none.
        formats: and of which of these; of all where there are none.
    """

    whose: str
    text: str
    found: str
    feature: str
    clients: Sequence[str] = ()
    formats: Sequence[str] = ()

    def explains(self, cell: Cell, wrong: str) -> bool:
        """Tells whether it is the reason for what is wrong with a cell."""
        name, client, feature = cell
        return (
            feature == self.feature
            and (not self.clients or client in self.clients)
            and (not self.formats or name in self.formats)
            and re.search(self.found, wrong) is not None
        )


NO_FILES = "the API of the worked translation has no files: its `_part` refuses them, or sends what LiteLLM calls an image as one"
NO_THOUGHTS = "the API of the worked translation takes no thoughts: its `_turn` leaves them out"
LATE = (
    "LiteLLM asks a custom provider for a stream only once it is read, unlike its own ones, and the answer has begun "
    "with status 200 by then ([issue 11236](https://github.com/BerriAI/litellm/issues/11236)). "
)

HEAD = """<!-- Made by `make client-table`; do not edit. -->
# What clients get

A provider of any [format](questions.md#api_format) answers on all three endpoints of a LiteLLM proxy, and this is what comes of it. Each cell is the
outcome of a check: one proxy serves a package of each format as it is rendered, the client's own SDK calls it, the package's stand-in
plays the upstream, and the check looks at what that got and at what the client got. The real upstream has to be able to do it, too."""
LAST = "Last written with "

REASONS: Sequence[Reason] = (
    Reason(
        "LiteLLM's",
        f"{LATE}The stream has one event, `response.failed`, with the code of the error; the SDK raises nothing for it",
        "no exception, but an answer that ended with 'failed'",
        "rate limit, streamed",
        clients=["responses"],
    ),
    Reason(
        "LiteLLM's",
        f"{LATE}The stream has one event, `response.failed`, with the message of the error; the SDK raises nothing for it",
        "no exception, but an answer that ended with 'failed'",
        "prompt too long, streamed",
        clients=["responses"],
    ),
    Reason(
        "LiteLLM's",
        f"{LATE}The error, of which LiteLLM has tried to get rid by calling again, is an event of the type "
        "`rate_limit_error`; the SDK makes an `APIStatusError` of any event",
        "got a APIStatusError",
        "rate limit, streamed",
        clients=["messages"],
    ),
    Reason(
        "the template's", NO_FILES, "type 'file' is not supported|nothing that has a type", "PDF", formats=["custom"]
    ),
    Reason("the template's", NO_THOUGHTS, "did not get .* back", "thinking carried over", formats=["custom"]),
)


def look(template: Path, folder: Path, tools: Tools) -> Found:
    """Returns what the checks find, of every format.

    Args:
        template: the template.
        folder: an empty one, for the packages and the proxy.
        tools: where LiteLLM and its clients are.
    """
    with serving(template, folder, tools) as told:
        program = (tools.python, CHECKS, json.dumps(told))
        printed = must(*program, cwd=folder, PYTHONPATH=str(folder), NO_PROXY="127.0.0.1")
    answer = json.loads(printed.splitlines()[-1])
    return Found(
        cells={(name, client, feature): wrong for name, client, feature, wrong in answer["found"]},
        features=answer["features"],
        versions=answer["versions"],
    )


def page(found: Found) -> str:
    """Returns the text of docs/clients.md.

    Raises:
        ValueError: something is wrong and has no reason, or a reason is for nothing that is wrong.
    """
    used: list[Reason] = []
    without: list[str] = []

    def cell(name: str, client: str, feature: str) -> str:
        wrong = found.cells.get((name, client, feature))
        if wrong is None:
            return "–"
        if not wrong:
            return "yes"
        reason = next((one for one in REASONS if one.explains((name, client, feature), wrong)), None)
        if reason is None:
            without.append(f"{name}, {client}, {feature}: {wrong}")
            return "no"
        if reason not in used:
            used.append(reason)
        return f"no ({used.index(reason) + 1})"

    names = formats()
    lines = [HEAD]
    for client, title in CLIENTS.items():
        lines += [
            "",
            f"## {title}",
            "",
            f"| | {' | '.join(f'`{name}`' for name in names)} |",
            f"| ---{' | ---' * len(names)} |",
        ]
        lines += [
            f"| {feature} | {' | '.join(cells)} |"
            for feature in found.features
            if set(cells := [cell(name, client, feature) for name in names]) != {"–"}
        ]
    if without:
        raise ValueError("without a Reason in testing/client_table.py:\n" + "\n".join(without))
    if idle := [one for one in REASONS if one not in used]:
        raise ValueError(f"a Reason in testing/client_table.py for nothing: {idle}")
    lines += ["", "## What does not work", ""]
    lines += [
        f"{number}. {reason.whose[0].upper()}{reason.whose[1:]}: {reason.text}."
        for number, reason in enumerate(used, 1)
    ]
    lines += ["", "## What is looked at", "", "| | |", "| --- | --- |"]
    lines += [f"| {feature} | {what} |" for feature, what in found.features.items()]
    versions = ", ".join(f"{name} {version}" for name, version in found.versions.items())
    lines += ["", f"{LAST}{versions}."]
    return "\n".join(lines) + "\n"


def without_versions(text: str) -> str:
    """Returns the text of the page, but for the line that says what it was made with."""
    return "".join(line for line in text.splitlines(keepends=True) if not line.startswith(LAST))


def main() -> int:
    """Writes the page."""
    keep_temporary_files_in_memory()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        template = copy_template(folder / "template")
        tools = install_tools(render(template, folder / "everything", EVERYTHING), "main")
        (folder / "table").mkdir()
        found = look(template, folder / "table", tools)
    try:
        PAGE.write_text(page(found), encoding="utf-8")
    except ValueError as error:
        sys.exit(str(error))
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""Keeps forks of LiteLLM current over the same history: with the fork layout's tool, and in the usual ways.

`python -m benchmarks.fork` prints the tables and writes them to results/. Each row brings a fork of the oldest release
that testing/litellm_upstream.py has to the newest. Ours has two providers from two renders and branding in three files,
its providers are called through LiteLLM after each sync, and all is verified; the others have one provider and less
branding (benchmarks/fork_peers.py).
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from benchmarks import fork_peers
from testing.fork_history import Row, go, make_fork
from testing.litellm_upstream import VERSIONS, upstream
from testing.support import commit_all, copy_template

_RESULTS = Path(__file__).parent / "results"


def run_fork(template: Path, repository: Path, versions: Sequence[str]) -> list[Row]:
    """Keeps a fork current with the tool: by merge and by rebase, release by release and in one jump.

    Args:
        template: the template, as a git repository.
        repository: a bare repository with a tag for each version.
        versions: from the oldest to the newest.
    """
    tags = [f"v{version}" for version in versions]
    rows: list[Row] = []
    for strategy in ("merge", "rebase"):
        for wanted in (tags[1:], tags[-1:]):
            with tempfile.TemporaryDirectory() as folder:
                make_fork(Path(folder) / "fork", template, repository, tags[0])
                rows.append(go(Path(folder) / "fork", wanted, strategy))
    return rows


def fork_section(rows: Sequence[Row]) -> str:
    """Returns the tool's table, in Markdown."""
    lines = [
        "| strategy | path | syncs | refused | conflicts | probes passed | seconds a sync |",
        "| --- | --- | ---: | ---: | ---: | ---: | ---: |",
    ]
    lines += [
        f"| {row.strategy} | {row.steps} | {row.syncs} | {row.refused} | {row.conflicts} | {row.probes} "
        f"| {row.seconds / row.syncs:.1f} |"
        for row in rows
    ]
    return "\n".join(lines)


def main() -> None:
    """Reads the options, measures, prints the report and writes it."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.fork", description=__doc__.split("\n")[0])
    parser.add_argument("--date", default=datetime.now(UTC).date().isoformat(), help="date of the report (ISO)")
    parser.add_argument("--versions", help="versions of LiteLLM, with commas; no file is written")
    options = parser.parse_args()
    versions = tuple(options.versions.split(",")) if options.versions else VERSIONS
    repository = upstream(versions)
    with tempfile.TemporaryDirectory() as folder:
        template = copy_template(Path(folder) / "template")
        commit_all(template)
        ours = fork_section(run_fork(template, repository, versions))
    peers = fork_peers.run_peers(repository, versions, resolution=fork_peers.EDIT_AGAIN)
    report = "\n\n".join(
        (
            f"# Forks of LiteLLM, {options.date}",
            f"From {versions[0]} to {versions[-1]}: {', '.join(versions)}.",
            "## The tool of the fork layout",
            "Two providers from two renders, and branding: README.md, two lines of pyproject.toml, one of proxy_server.py. "
            "After each sync the fork is verified, and the probes of both providers run in its tree.",
            ours,
            "## The usual ways, on the same history",
            "One provider, and branding: README.md, two lines of pyproject.toml. A conflict is resolved by making the edit "
            "again in upstream's file, as a careful person would; `files` and `hunks` are what that person has to read.",
            fork_peers.peers_section(peers),
        )
    )
    print(report)
    if not options.versions:
        (_RESULTS / f"{options.date}-fork.md").write_text(f"{report}\n", encoding="utf-8")


if __name__ == "__main__":
    main()

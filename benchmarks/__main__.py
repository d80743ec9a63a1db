"""Runs the measurements one after the other, prints the report and writes it to results/."""

from __future__ import annotations

import argparse
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path

from benchmarks import table
from benchmarks.calls import run_rows
from benchmarks.copying import measured_version, run_copies
from benchmarks.credentials import run_credentials
from benchmarks.embeddings import ANSWERS, run_embeddings
from benchmarks.formats import PEERS, answers, run_formats
from benchmarks.prepare import (
    copier_environment,
    credentials_environment,
    provider_environment,
    rendered_package,
)
from benchmarks.startup import run_startup
from benchmarks.updates import run_updates

_RESULTS = Path(__file__).parent / "results"
_PARTS = ("calls", "formats", "embeddings", "credentials", "copying", "updates", "startup")


def main() -> None:
    """Reads the options and runs."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks",
        description="Measures the rendered provider, `copier copy` and the command line, side by side. "
        "BENCH_COPIER_UV and BENCH_PYTHON_COPIER_TEMPLATE may name local git clones of these public templates.",
    )
    parser.add_argument("--date", default=datetime.now(UTC).date().isoformat(), help="date of the report (ISO)")
    parser.add_argument("--only", choices=_PARTS, action="append", help="one part, or several; no file is written")
    parser.add_argument("--scale", type=float, default=1.0, help="factor of the number of rounds")
    options = parser.parse_args()
    parts = options.only or _PARTS
    sections = []
    version = measured_version()  # before the run, as work may go on meanwhile
    with tempfile.TemporaryDirectory() as folder:
        others = [rendered_package(Path(folder), name, **answers(name)) for name in PEERS] if "formats" in parts else []
        if "embeddings" in parts:
            others.append(rendered_package(Path(folder), "embeddings", **ANSWERS))
        programs = provider_environment(rendered_package(Path(folder)), *others)
    if "calls" in parts:
        _say("calls and streams")
        sections.append(table.calls_section(run_rows(programs, options.scale)))
    if "formats" in parts:
        _say("formats")
        sections.append(table.formats_section(run_formats(programs, options.scale)))
    if "embeddings" in parts:
        _say("embeddings")
        sections.append(table.embeddings_section(run_embeddings(programs, options.scale)))
    if "credentials" in parts:
        _say("credentials")
        with tempfile.TemporaryDirectory() as folder:
            auth = {"auth": "token_file", "auth_fallback": "oauth_client_credentials"}
            keys = rendered_package(Path(folder), "keys", module_name="bench_keys")
            tokens = rendered_package(Path(folder), "tokens", module_name="bench_tokens", **auth)
            python = credentials_environment() / "python"
            sections.append(
                table.credentials_section(run_credentials(python, keys, tokens, max(3, round(30 * options.scale))))
            )
    if "copying" in parts:
        _say("copier copy")
        sections.append(
            table.copies_section(run_copies(copier_environment() / "copier", max(2, round(15 * options.scale))))
        )
    if "updates" in parts:
        _say("updates")
        sections.append(table.updates_section(run_updates(copier_environment())))
    if "startup" in parts:
        _say("start")
        sections.append(table.startup_section(run_startup(programs, max(2, round(15 * options.scale)))))
    report = table.report(options.date, table.machine(programs / "python", version), sections)
    print(report)
    if not options.only:
        _RESULTS.mkdir(exist_ok=True)
        (_RESULTS / f"{options.date}.md").write_text(report, encoding="utf-8")


def _say(what: str) -> None:
    print(f"Measuring {what} ...", file=sys.stderr, flush=True)


main()

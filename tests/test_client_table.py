"""docs/clients.md is what the checks of testing/client_checks.py find, of every format and through every client."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from testing import client_table
from testing.client_table import CLIENTS, PAGE, Found, Reason, page, without_versions
from testing.one_proxy import formats
from testing.support import Tools

FEATURES = {"text": "It arrives.", "count": "A number comes back."}
ALL_WELL = Found(
    cells={
        (name, client, feature): ""
        for name in formats()
        for client in CLIENTS
        for feature in FEATURES
        if (client, feature) != ("chat", "count")
    },
    features=FEATURES,
    versions={"litellm": "1.0"},
)


def with_wrong(*cell: str) -> Found:
    """Returns the same with one thing that is wrong."""
    name, client, feature = cell
    return dataclasses.replace(ALL_WELL, cells={**ALL_WELL.cells, (name, client, feature): "nothing came"})


def test_the_page_is_what_is_found(copier_template: Path, tools: Tools, tmp_path: Path) -> None:
    found = client_table.look(copier_template, tmp_path, tools)
    assert len(found.cells) == len(formats()) * (len(CLIENTS) * (len(found.features) - 1) + 1)
    assert without_versions(PAGE.read_text(encoding="utf-8")) == without_versions(page(found)), "run make client-table"


def test_what_is_wrong_stands_in_the_page_with_its_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client_table, "REASONS", ())
    well = page(ALL_WELL)
    assert "no" not in {cell.strip() for line in well.splitlines() for cell in line.split("|")}
    assert well.count("| text |") == len(CLIENTS) + 1
    assert well.count("| count |") == len(CLIENTS)  # not where a client has no such thing
    reason = Reason("LiteLLM's", "it loses it", "nothing came", "text", clients=["chat"], formats=["custom"])
    monkeypatch.setattr(client_table, "REASONS", (reason,))
    wrong = page(with_wrong("custom", "chat", "text"))
    assert wrong.count("no (1)") == 1
    assert "1. LiteLLM's: it loses it.\n" in wrong
    assert without_versions(wrong) != without_versions(well)


@pytest.mark.parametrize(
    "cell", [("openai", "chat", "text"), ("custom", "messages", "text"), ("custom", "chat", "count")]
)
def test_another_reason_is_none(cell: tuple[str, ...], monkeypatch: pytest.MonkeyPatch) -> None:
    reason = Reason("LiteLLM's", "it loses it", "nothing came", "text", clients=["chat"], formats=["custom"])
    monkeypatch.setattr(client_table, "REASONS", (reason,))
    with pytest.raises(ValueError, match=f"without a Reason .*\n{', '.join(cell)}: nothing came"):
        page(with_wrong(*cell))


def test_a_reason_for_nothing_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client_table, "REASONS", (Reason("LiteLLM's", "it loses it", "nothing came", "text"),))
    with pytest.raises(ValueError, match=r"for nothing: .*it loses it"):
        page(ALL_WELL)


def test_only_the_line_of_versions_may_differ() -> None:
    text = PAGE.read_text(encoding="utf-8")
    (left_out,) = set(text.splitlines()) - set(without_versions(text).splitlines())
    assert left_out.startswith("Last written with litellm ")

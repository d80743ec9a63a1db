"""The answers, tried on the template's own questions, shown, and corrected by the author."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from provider_template.adopt.sources import Found
from provider_template.errors import Refusal
from provider_template.project import ANSWERS, read_yaml
from provider_template.render import Render, render
from provider_template.template import Repository

if TYPE_CHECKING:
    from rich.console import Console

_REFUSED = re.compile(r"for (?:question )?'(?P<name>\w+)': (?P<words>.*)", re.DOTALL)
_SETTINGS = "COPIER_SETTINGS_PATH"
GIVEN = "--data"
CORRECTED = "corrected"
DEFAULT = "the template's default"
_ABOUT_THE_API = {
    *(
        "api_base",
        "api_format",
        "sdk_kind",
        "program",
        "sdk_package",
        "models",
        "auth",
        "authorize_url",
        "device_authorization_url",
        "token_url",
    ),
    *("token_file", "token_field", "file_access_token", "file_refresh_token", "token_command", "jwt_claims"),
    *("client_id", "scopes", "audience", "token_endpoint_auth_method", "jwt_algorithm"),
}


@dataclass(frozen=True)
class Settled:
    """Answers that the template takes, and what it renders with them."""

    answers: dict[str, Any]
    sources: dict[str, str]
    """Where each answer comes from."""
    notes: tuple[str, ...]
    """What was found and could not be taken."""
    folder: Path
    """The render."""

    @property
    def unsaid(self) -> list[str]:
        """Questions about the API that are not answered from the package."""
        # Where OAuth's own answers have the token is no question of the API.
        usual = {"token_field"} if str(self.answers["auth"]).startswith("oauth") else set()
        wanted = _ABOUT_THE_API - usual
        return [name for name, source in self.sources.items() if source == DEFAULT and name in wanted]


class Settling:
    """Renders with what was found and given until the template takes it."""

    def __init__(self, template: Repository, ref: str, scratch: Path, found: Mapping[str, Found]) -> None:
        self._template = template
        self._ref = ref
        self._scratch = scratch
        self._found = dict(found)
        self._folders = count(1)
        self._notes: list[str] = []

    def settle(self, given: Mapping[str, Any], corrected: Collection[str] = ()) -> Settled:
        """Returns the answers and their render; what was found and is refused gives way to the default.

        Args:
            given: Answers that go before those that were found.
            corrected: Those of them that the author has corrected.

        Raises:
            Refusal: The template refuses a given answer, or cannot be rendered.
        """
        while True:
            folder = self._scratch / f"render-{next(self._folders)}"
            found = self._for(str(given.get("api_format") or self._of("api_format")))
            data = {**{name: one.value for name, one in found.items()}, **given}
            try:
                render(Render.of(self._template, self._ref, folder, data=data))
                break
            except Refusal as refusal:
                refused = _REFUSED.search(str(refusal))
                if refused and refused["name"] in given:
                    raise Refusal(f"--data {refused['name']}: {refused['words']}") from None
                if not refused or refused["name"] not in self._found:
                    raise
                self._give_way(refused["name"], refused["words"])
        answers = _recorded(folder)
        sources = {name: found[name].source if name in found else DEFAULT for name in answers}
        sources |= {name: CORRECTED if name in corrected else GIVEN for name in given if name in answers}
        unasked = [
            f"{name} was given, and the other answers do not ask for it." for name in given if name not in answers
        ]
        return Settled(answers, sources, (*self._notes, *unasked), folder)

    def _of(self, name: str) -> str:
        """Returns an answer that was found, or nothing."""
        return str(self._found[name].value) if name in self._found else ""

    def _for(self, api_format: str) -> dict[str, Found]:
        """Returns what was found for an API of that format."""
        kinds = ("", "sdk" if api_format == "sdk" else "http")
        return {name: one for name, one in self._found.items() if one.of in kinds}

    def _give_way(self, name: str, words: str) -> None:
        """Leaves out an answer, or of several lines the one that is refused."""
        found = self._found.pop(name)
        self._notes.append(f"{name}, from {found.source}: {words}")
        quoted = re.search(r'"([^"]*)"', words)
        lines = found.value.splitlines() if isinstance(found.value, str) else []
        rest = [line for line in lines if quoted and line.strip() != quoted[1]]
        if rest and len(rest) < len(lines):
            self._found[name] = replace(found, value="\n".join(rest))

    def ask(self, settled: Settled, wrong: list[str]) -> dict[str, Any]:
        """Lets Copier ask for some answers anew, and for what depends on them; returns those.

        Raises:
            Refusal: The author stopped.
        """
        folder = self._scratch / f"asked-{next(self._folders)}"
        kept = {name: value for name, value in settled.answers.items() if name not in wrong}
        offered = {name: settled.answers[name] for name in wrong}
        with _offering(offered, self._scratch):
            render(Render.of(self._template, self._ref, folder, data=kept, ask=True))
        return {name: value for name, value in _recorded(folder).items() if name not in kept}


def _recorded(folder: Path) -> dict[str, Any]:
    if not (folder / ANSWERS).is_file():
        raise Refusal(
            '"fork" is no layout to adopt a provider into: adopt it as a package, then run provider-template to-fork.'
        )
    answers = read_yaml((folder / ANSWERS).read_text(encoding="utf-8"))
    return {name: value for name, value in answers.items() if not name.startswith("_")}


@contextmanager
def _offering(offered: Mapping[str, Any], scratch: Path) -> Iterator[None]:
    """Lets Copier's questions start from these answers: as the defaults of its settings file, beside what that has."""
    from platformdirs import user_config_path

    before = os.environ.get(_SETTINGS)
    path = Path(before) if before else user_config_path("copier", appauthor=False) / "settings.yml"
    settings = read_yaml(path.read_text(encoding="utf-8")) if path.is_file() else {}
    # Copier renders these as templates.
    defaults = {name: value for name, value in offered.items() if not re.search(r"\{[{%#]", str(value))}
    ours = scratch / "settings.yml"
    ours.write_text(yaml.safe_dump({**(settings or {}), "defaults": defaults}, allow_unicode=True), encoding="utf-8")
    os.environ[_SETTINGS] = str(ours)
    try:
        yield
    finally:
        if before is None:
            del os.environ[_SETTINGS]
        else:
            os.environ[_SETTINGS] = before


def show(settled: Settled, console: Console) -> None:
    """Prints the answers with where they come from."""
    from rich.table import Table
    from rich.text import Text

    table = Table("Question", "Answer", "From", title="What the package says about itself", title_justify="left")
    for name, value in settled.answers.items():
        table.add_row(name, Text(in_words(value)), Text(settled.sources[name]))
    console.print(table)
    if settled.unsaid:
        console.print(unsaid_in_words(settled), highlight=False, markup=False, soft_wrap=True)
    for note in settled.notes:
        console.print(f"Not taken: {note}", markup=False, highlight=False)


def unsaid_in_words(settled: Settled) -> str:
    """Returns the sentences about questions that nothing answers."""
    names = ", ".join(f"`{name}`" for name in settled.unsaid)
    return f"Not known from the package: {names}. The template's examples stand there: give yours with `--data`."


def in_words(value: object) -> str:
    """Returns an answer on one line or several, as people read it."""
    return (", ".join(map(str, value)) or "nothing") if isinstance(value, list) else str(value)


def confirm(
    settling: Settling,
    given: Mapping[str, Any],
    console: Console,
    *,
    ask: bool,
    warnings: Callable[[Mapping[str, Any]], Iterable[str]] = lambda answers: (),
) -> Settled:
    """Shows the answers and, with a terminal, has them corrected until none is wrong.

    Args:
        settling: What was found.
        given: Answers that go before it.
        console: Where to print.
        ask: Whether there is a terminal.
        warnings: Returns what to know of the answers before any of them is corrected.

    Raises:
        Refusal: The template refuses what was given, or the author stopped.
    """
    corrected: set[str] = set()
    settled = settling.settle(given)
    show(settled, console)
    for warning in warnings(settled.answers):
        console.print(warning, highlight=False, markup=False, soft_wrap=True)
    while ask:
        import questionary

        wrong = questionary.checkbox(
            "Which of these answers are wrong? (the space bar marks one, Enter goes on)",
            choices=[
                questionary.Choice(f"{name}: {_short(value)}", value=name) for name, value in settled.answers.items()
            ],
        ).ask()
        if wrong is None:
            raise Refusal("Stopped: nothing was changed.")
        if not wrong:
            break
        answers = settling.ask(settled, wrong)
        given, corrected = {**given, **answers}, corrected | answers.keys()
        settled = settling.settle(given, corrected)
        show(settled, console)
    return settled


def _short(value: object) -> str:
    words = " ".join(in_words(value).split())
    return words if len(words) <= 60 else f"{words[:59]}…"

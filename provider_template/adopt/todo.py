"""The list of what is left to do by hand: ADOPTING.md."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator

from provider_template.adopt.adoption import Adoption, box, listed
from provider_template.adopt.advice import files_in_adopted, files_that_stay
from provider_template.adopt.code import ENTRY_POINTS, Function
from provider_template.adopt.confirm import in_words
from provider_template.adopt.layout import PROJECT_FILE

# What a function of a provider is about, by its name, and the method that does that here; the first that fits.
_STREAM = "get_model_response_iterator"
_HOOKS = (
    (_STREAM, r"stream|chunk|sse|event|delta"),
    ("validate_environment", r"header"),
    ("get_error_class", r"error|raise|exception|fault"),
    ("get_complete_url", r"url|endpoint"),
    ("map_openai_params", r"param|option|kwarg"),
    ("transform_response", r"respon|answer|result|parse|usage|choice|reply|output|from_"),
    ("transform_request", r"request|payload|body|prompt|message|convert|build|format|tool|to_"),
)
_CREDENTIAL = re.compile(
    r"(?<!count_)token(?!iz)|auth|login|credential|\bsign|jwt|api_?key|refresh", re.IGNORECASE
)
_CHAT = {"completion", "acompletion", "streaming", "astreaming"}
# Settings by what the names of variables have in them; those that the package does not have are not named.
_SETTINGS = (
    ("TOKEN_URL", r"TOKEN_?(URL|URI|ENDPOINT)"),
    ("TOKEN_FILE", r"TOKEN_?(FILE|PATH)"),
    ("CLIENT_ID", r"CLIENT_?ID"),
    ("CLIENT_SECRET", r"CLIENT_?SECRET"),
    ("SCOPES", r"SCOPE"),
    ("AUDIENCE", r"AUDIENCE"),
    ("JWT_KEY_FILE", r"KEY_?(FILE|PATH)"),
    ("JWT_KEY", r"PRIVATE_?KEY|JWT_?KEY"),
    ("API_KEY", r"KEY|TOKEN|SECRET"),
    ("API_BASE", r"BASE|URL|ENDPOINT|HOST"),
)


def write_todo(adoption: Adoption) -> str:
    """Returns the text of the list."""
    parts = [
        f"# To do: {adoption.answers['package_name']} under the template\n\n"
        f"The package is rendered from version {adoption.version} of the template, around what you had. Nothing of yours is gone: it is where "
        "it was, at its new place in `src/`, or in `adopted/`. Tick off what is done; AGENTS.md says whose each file is.\n"
    ]
    for title, lines in (
        ("What the template has been told", _answers(adoption)),
        ("The translation", _translation(adoption)),
        ("Credentials", _credentials(adoption)),
        ("Models", _models(adoption)),
        ("Settings", _settings(adoption)),
        ("Files in adopted/", files_in_adopted(adoption)),
        ("Files that stay", files_that_stay(adoption)),
        (PROJECT_FILE, _project(adoption)),
        ("At the end", _end(adoption)),
    ):
        written = list(lines)
        if written:
            parts.append(f"\n## {title}\n\n" + "\n".join(written) + "\n")
    return "".join(parts)


def _answers(adoption: Adoption) -> Iterator[str]:
    yield box(
        "These are right. If one is not, delete this branch and adopt again with `--data NAME=VALUE`: what is yours is rendered once."
    )
    yield "\n| Question | Answer | From |\n| --- | --- | --- |"
    for name, value in adoption.answers.items():
        words = "<br>".join(in_words(value).replace("|", "\\|").splitlines())
        yield f"| `{name}` | {words} | {adoption.settled.sources[name]} |"
    if adoption.settled.notes:
        yield "\nNot taken:\n"
        yield from (f"- {note}" for note in adoption.settled.notes)


def _translation(adoption: Adoption) -> Iterator[str]:
    code, path = adoption.code, adoption.translation
    for handler in code.handlers:
        own = [one for one in code.functions if one.owner == handler.value]
        chat = [one for one in own if one.name in _CHAT]
        yield box(
            f"`{handler.value}` ({adoption.now(handler.where)}): the template's `provider.py` does what LiteLLM calls it for "
            f"({listed(one.name for one in chat) or 'nothing that was found'}). What is your API's goes into `ChatConfig` in `{path}`: "
            "what they put into the body into `transform_request`, what they take from the answer into `transform_response`."
        )
        others = [one for one in own if one.name in ENTRY_POINTS and one.name not in _CHAT]
        if others:
            yield box(
                f"{_places(adoption, others)}: the template's provider serves chat and refuses these. To keep them, write a subclass of "
                "`Provider` in a module of your own, and name an instance of it as `custom_handler` in the proxy's YAML."
            )
    by_hook: dict[str, list[Function]] = {}
    for one in code.functions:
        if hook := _hook(one, adoption):
            by_hook.setdefault(hook, []).append(one)
    if adoption.answers["api_format"] == "openai":
        yield box(
            f"`ChatConfig` in `{path}` speaks OpenAI's chat completions as it is: override what your API does in another way."
        )
    for hook, _ in _HOOKS:
        if hook in by_hook:
            inner = (
                "`ChatChunks.chunk_parser`, by way of "
                if hook == _STREAM and "class ChatChunks" in adoption.rendered
                else ""
            )
            yield box(f"{_places(adoption, by_hook[hook])} → {inner}`ChatConfig.{hook}` in `{path}`")
    yield box(
        "`tests/upstream.py` answers as your API does, `tests/test_transformation.py` tests the translation, "
        "and `tests/unsupported.toml` says what the API cannot do."
    )


def _hook(function: Function, adoption: Adoption) -> str:
    """Returns the method that does here what a function did, or nothing."""
    if function.name in ENTRY_POINTS or function.name.startswith("__") or _CREDENTIAL.search(function.name):
        return ""
    if any(isinstance(inner, ast.Yield) for inner in ast.walk(function.node)):
        return _STREAM
    return next(
        (
            hook
            for hook, pattern in _HOOKS
            if re.search(pattern, function.name, re.IGNORECASE) and hook in adoption.rendered
        ),
        "",
    )


def _places(adoption: Adoption, functions: Iterable[Function]) -> str:
    return ", ".join(f"`{one.shown}` ({adoption.now(one.where)})" for one in functions)


def _credentials(adoption: Adoption) -> Iterator[str]:
    kind = adoption.answers["auth"]
    own = [
        one
        for one in adoption.code.functions
        if (_CREDENTIAL.search(one.name) or _CREDENTIAL.search(one.owner))
        and one.name not in ENTRY_POINTS
        and (one.name == "__init__" or not one.name.startswith("__"))
    ]
    if own:
        yield box(
            f"{_places(adoption, own)}: `auth/` does this now, as `{kind}`: it gets, keeps and renews the credential, and adds it to each request. "
            "What it cannot do goes into an authenticator of your own: `Provider(authenticator=...)`; AGENTS.md has an example."
        )
    elif adoption.code.headers:
        places = ", ".join(f"`{one.name}` ({adoption.now(one.where)})" for one in adoption.code.headers)
        yield box(f"The header {places} is added by `auth/` now: leave it out of `validate_environment`.")


def _models(adoption: Adoption) -> Iterator[str]:
    yield box(
        f"`src/{adoption.answers['module_name']}/models.yaml` has each model's context window, prices and abilities: the figures in it are examples."
    )
    known = [
        text
        for text in adoption.code.texts
        if re.search(r"_cost_per_token|max_(input|output)_tokens|context_window", text.value)
    ]
    if known:
        yield box(
            f"Figures of yours are in {listed(dict.fromkeys(adoption.now(text.where) for text in known[:10]))}."
        )


def _settings(adoption: Adoption) -> Iterator[str]:
    prefix = re.sub("-", "_", str(adoption.answers["provider"])).upper()
    there = set(re.findall(rf"`({re.escape(prefix)}_[A-Z_]+)`", adoption.rendered))
    places: dict[str, list[str]] = {}
    for variable in adoption.code.variables:
        places.setdefault(variable.value, []).append(adoption.now(variable.where))
    for name, found in places.items():
        where = ", ".join(dict.fromkeys(found))
        yield box(f"`{name}` ({where}): {_in_its_place(name, prefix, there)}")


def _in_its_place(name: str, prefix: str, there: set[str]) -> str:
    """Returns what there is now for a variable that the author's code read."""
    if "TIMEOUT" in name and name not in there:
        return "a call's `timeout` holds, which the proxy's YAML can set"
    settings = [f"{prefix}_{setting}" for setting, pattern in _SETTINGS if re.search(pattern, name)]
    new = next((setting for setting in settings if setting in there), "")
    if name == new or name in there:
        return "the template reads it, too"
    if new:
        return f"`{new}` takes its place, in the environment, in `.env` and where you deploy"
    return "nothing takes its place: read it in `transformation.py`, or pass it with the call"


def _project(adoption: Adoption) -> Iterator[str]:
    yield box(
        "The name, version and dependencies are right; `adopted/pyproject.toml.txt` is the file as it was."
    )
    yield from (box(one) for one in adoption.left)


def _end(adoption: Adoption) -> Iterator[str]:
    yield box("`make lock`, and commit `uv.lock`: CI wants it")
    yield box("`make check test` passes")
    yield box("`provider-template check` finds nothing")
    yield box("`git rm -r adopted ADOPTING.md`, and commit")

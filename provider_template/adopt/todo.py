"""The list of what is left to do by hand: ADOPTING.md."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from provider_template.adopt.adoption import Adoption, box, listed, places
from provider_template.adopt.advice import files_in_adopted, files_that_stay, tests
from provider_template.adopt.code import ENTRY_POINTS, Function
from provider_template.adopt.confirm import in_words, unsaid_in_words
from provider_template.adopt.credentials import CREDENTIAL, credentials
from provider_template.adopt.layout import PROJECT_FILE
from provider_template.adopt.upstream import (
    BY_ITS_URL,
    no_http_in_words,
    of_another_format,
    of_the_format,
    several_in_words,
)

# What a function of a provider is about, by its name, and the method that does that here; the first that fits.
_STREAM = "get_model_response_iterator"
_HOOKS = (
    (_STREAM, r"stream|chunk|sse|event|delta"),
    ("validate_environment", r"header"),
    ("get_error_class", r"error|raise|exception|(?<!de)fault"),
    ("get_complete_url", r"url|endpoint"),
    ("map_openai_params", r"param|option|kwarg"),
    ("transform_response", r"respon|answer|result|parse|usage|choice|reply|output|(\A|_)from_"),
    ("transform_request", r"request|payload|body|prompt|message|convert|build|format|tool|(\A|_)to_"),
)
# Functions whose work LiteLLM does, or nobody has to.
_NO_HOOK = re.compile(
    r"retry|retries|backoff|\blog|_log(_|\Z)|\A_*(is|has|should)_|\A(request|send|post)\Z", re.IGNORECASE
)
# The answer to `capabilities` that each of LiteLLM's methods beside chat is for.
_CAPABILITIES = {
    "embedding": "embeddings",
    "aembedding": "embeddings",
    "image_generation": "images",
    "aimage_generation": "images",
    "image_edit": "image_edits",
    "aimage_edit": "image_edits",
}
_CHAT = {"completion", "acompletion", "streaming", "astreaming"}
# Settings by what the names of variables have in them; those that the package does not have are not named.
_SETTINGS = (
    ("TOKEN_URL", r"TOKEN_?(URL|URI|ENDPOINT)"),
    ("TOKEN_FILE", r"(TOKEN|AUTH|CREDENTIALS?)_?(FILE|PATH)"),
    ("CLIENT_ID", r"CLIENT_?ID"),
    ("CLIENT_SECRET", r"CLIENT_?SECRET"),
    ("SCOPES", r"SCOPE"),
    ("AUDIENCE", r"AUDIENCE"),
    ("JWT_KEY_FILE", r"KEY_?(FILE|PATH)"),
    ("JWT_KEY", r"PRIVATE_?KEY|JWT_?KEY"),
    ("API_KEY", r"KEY|TOKEN|SECRET"),
    ("PROGRAM", r"(\A|_)(BIN|BINARY|CLI|CMD|COMMAND|EXE|EXECUTABLE|PROGRAM)(_PATH)?\Z"),
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
        *_of_the_api(adoption),
        ("Models", _models(adoption)),
        ("Settings", _settings(adoption)),
        ("Tests", tests(adoption)),
        ("Files in adopted/", files_in_adopted(adoption)),
        ("Files that stay", files_that_stay(adoption)),
        (PROJECT_FILE, _project(adoption)),
        ("At the end", _end(adoption)),
    ):
        written = list(lines)
        if written:
            parts.append(f"\n## {title}\n\n" + "\n".join(written) + "\n")
    return "".join(parts)


def _of_the_api(adoption: Adoption) -> tuple[tuple[str, Iterator[str]], ...]:
    own = ("The function events", _events(adoption)) if adoption.is_sdk else ("The translation", _translation(adoption))
    return (own, ("Credentials", credentials(adoption)))


def _answers(adoption: Adoption) -> Iterator[str]:
    yield box(
        "These are right. If one is not, delete this branch and adopt again with `--data NAME=VALUE`: what is yours is rendered once."
    )
    yield "\n| Question | Answer | From |\n| --- | --- | --- |"
    for name, value in adoption.answers.items():
        words = "<br>".join(in_words(value).replace("|", "\\|").splitlines())
        yield f"| `{name}` | {words} | {adoption.settled.sources[name]} |"
    if adoption.settled.unsaid:
        yield ""
        yield box(unsaid_in_words(adoption.settled))
    if adoption.settled.notes:
        yield "\nNot taken:\n"
        yield from (f"- {note}" for note in adoption.settled.notes)


def _events(adoption: Adoption) -> Iterator[str]:
    """Yields what of a provider without an HTTP API goes where."""
    answers, code, path = adoption.answers, adoption.code, adoption.translation
    is_program = answers["sdk_kind"] == "program"
    if said := no_http_in_words(code, adoption.now):
        yield f"{said}\n"
    yield from _handlers(
        adoption,
        f"What yours asks and reads goes into one function, `events` of `ChatConfig` in `{path}`, whatever the call is: sync or async, streamed or not.",
    )
    yield "\n| Yours | Its place here |\n| --- | --- |"
    if is_program:
        yield "| starts the program, and reads what it prints | `events`: `json_lines` runs it, and gives each JSON object that it prints on a line |"
    else:
        modules = {one.value for one in code.others if one.name == "imports"}
        module = modules.pop() if len(modules) == 1 else "…"
        yield f'| calls the SDK or the library | `events`, with `installed("{module}")` for its import: an async generator, or a plain one if it blocks |'
        yield "| loads a model, opens a client | once, in a module of yours that `events` imports; `Sessions` keeps open what a caller names |"
    yield "| makes a prompt, options or arguments | `events`, of `call.model`, `call.messages` and `call.parameters`; `parameters` of the class names those that it heeds |"
    yield "| takes text, thoughts, calls of tools, figures and the reason of the end out of what comes | `events` yields `Text`, `Reasoning`, `ToolCall`, `Usage` and at last `Finish`, piece by piece as they come |"
    yield "| has more to tell, such as the id of a session | `events` yields `Fields` |"
    yield "| raises errors | `events` raises `SdkError` with the status that HTTP would have for it: 401, 429, 503; the words decide where it has none |"
    yield "| streams, threads and loops for sync and async calls, time limits, cancellation, how many at once, LiteLLM's classes of errors, `ModelResponse`, retries | nothing: the template does it; `most_at_once` of the class has a number |\n"
    yield from _functions_of_events(adoption, is_program=is_program)
    if is_program:
        yield box(
            f"`{answers['program']}` is what each call starts; what follows it is of one call, and put behind `program()` in `events`. It has to print JSON, one "
            "object a line, for which many programs have an option; the prompt goes to its stdin."
        )
    elif package := str(answers["sdk_package"]):
        yield box(
            f"`{package}` comes with the extra `sdk`. If it is among `dependencies`, too, the package does not install without it: take it out there if you want "
            "that, and tell those who install it by its name alone."
        )
    else:
        yield box(
            "If pip installs the SDK, adopt again with `--data sdk_package=…`: it is then an extra of the package, and named where it is missing."
        )
    yield box(BY_ITS_URL)
    yield box(
        f"`tests/stand_in/` has the {'program' if is_program else 'SDK'} of the worked example and `tests/upstream.py` the service behind it: put yours into their "
        "place, and the suite runs on it. `tests/test_transformation.py` tests `events`, and `tests/unsupported.toml` says what it cannot do."
    )


# What the template does for each `events`, by the names of functions.
_DONE = re.compile(
    r"timeout|time_limit|cancel|terminate|(\A|_)kill|semaphore|throttl|thread|executor|(\A|_)loop(\Z|_)|to_sync|sync_to"
    r"|model_?response",
    re.IGNORECASE,
)
_CALLS = re.compile(
    r"(count|estimate)_tokens?|(\A|_)(run|call|invoke|query|generate|chat|complete|ask|spawn|exec(ute)?|command|argv|args)(\Z|_)"
)


def _functions_of_events(adoption: Adoption, *, is_program: bool) -> Iterator[str]:
    """Yields the author's functions with their places."""
    events: list[Function] = []
    errors: list[Function] = []
    done: list[Function] = []
    every_hook = " ".join(hook for hook, _ in _HOOKS)
    for one in adoption.code.functions:
        if one.name in ENTRY_POINTS or one.name.startswith("__") or CREDENTIAL.search(one.name):
            continue
        hook = hook_of(one, every_hook)
        if _DONE.search(one.name) or _NO_HOOK.search(one.name):
            done += [one] if _DONE.search(one.name) else []
        elif hook == "get_error_class":
            errors.append(one)
        elif hook or _CALLS.search(one.name):
            events.append(one)
    if events:
        yield box(f"{places(adoption, events)} → `ChatConfig.events` in `{adoption.translation}`")
    if errors:
        more = "; `ProgramError` has the exit status and stderr" if is_program else ""
        yield box(f"{places(adoption, errors)} → `SdkError`, raised in `ChatConfig.events`{more}")
    if done:
        yield box(f"{places(adoption, done)} → nothing, by their names: the template does that")


def _handlers(adoption: Adoption, what: str) -> Iterator[str]:
    """Yields what the template's provider does of the classes that LiteLLM calls, and where the rest goes."""
    code = adoption.code
    if not code.handlers:
        yield box(
            "No class that LiteLLM calls was found, such as a subclass of `CustomLLM`: what the package does for calls is what its users run by "
            "themselves. Now they call `register()`, and then LiteLLM as always."
        )
    if several := several_in_words(code):
        yield box(several)
    for handler in code.handlers:
        own = [one for one in code.functions if one.owner == handler.value]
        chat = [one for one in own if one.name in _CHAT]
        yield box(
            f"`{handler.value}` ({adoption.now(handler.where)}): the template's `provider.py` does what LiteLLM calls it for "
            f"({listed(one.name for one in chat) or 'nothing that was found'}). {what}"
        )
        others = [one for one in own if one.name in ENTRY_POINTS and one.name not in _CHAT]
        if others:
            yield box(
                f"{places(adoption, others)}: the template's provider refuses these unless the answer to `capabilities` has them, such as "
                f"`--data 'capabilities=[{', '.join(['chat', *dict.fromkeys(_CAPABILITIES[one.name] for one in others)])}]'`. What is your "
                "API's then goes into the transformations that are rendered for them."
            )


def _translation(adoption: Adoption) -> Iterator[str]:
    code, path = adoption.code, adoption.translation
    if said := no_http_in_words(code, adoption.now):
        yield box(f"{said} {of_another_format(adoption.answers['api_format'])}")
    yield from _handlers(
        adoption,
        f"What is your API's goes into `ChatConfig` in `{path}`: "
        "what they put into the body into `transform_request`, what they take from the answer into `transform_response`.",
    )
    by_hook: dict[str, list[Function]] = {}
    for one in code.functions:
        if hook := hook_of(one, adoption.rendered):
            by_hook.setdefault(hook, []).append(one)
    if adoption.answers["api_format"] == "openai":
        yield box(
            f"`ChatConfig` in `{path}` speaks OpenAI's chat completions as it is: override what your API does in another way."
        )
    else:
        yield from map(box, of_the_format(code, path, adoption.now))
    for hook, _ in _HOOKS:
        if hook in by_hook:
            inner = (
                "`ChatChunks.chunk_parser`, by way of "
                if hook == _STREAM and "class ChatChunks" in adoption.rendered
                else ""
            )
            yield box(f"{places(adoption, by_hook[hook])} → {inner}`ChatConfig.{hook}` in `{path}`")
    yield box(
        "`tests/upstream.py` answers as your API does, `tests/test_transformation.py` tests the translation, "
        "and `tests/unsupported.toml` says what the API cannot do."
    )


def hook_of(function: Function, rendered: str) -> str:
    """Returns the method that does here what a function did, or nothing.

    Args:
        function: One of the author's.
        rendered: The text of the rendered translation, which has the method or not.
    """
    if (
        function.name in ENTRY_POINTS
        or function.name.startswith("__")
        or CREDENTIAL.search(function.name)
        or _NO_HOOK.search(function.name)
    ):
        return ""
    is_context = any("contextmanager" in ast.unparse(one) for one in function.node.decorator_list)
    if not is_context and any(isinstance(inner, ast.Yield) for inner in ast.walk(function.node)):
        return _STREAM
    return next(
        (hook for hook, pattern in _HOOKS if re.search(pattern, function.name, re.IGNORECASE) and hook in rendered),
        "",
    )


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
        yield box(f"Figures of yours are in {listed(dict.fromkeys(adoption.now(text.where) for text in known[:10]))}.")


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
    yield box("The name, version and dependencies are right; `adopted/pyproject.toml.txt` is the file as it was.")
    yield from (box(one) for one in adoption.left)


def _end(adoption: Adoption) -> Iterator[str]:
    yield box("`make lock`, and commit `uv.lock`: CI wants it")
    yield box("`make check test` passes")
    yield box("`provider-template check` finds nothing")
    yield box("`git rm -r adopted ADOPTING.md`, and commit")

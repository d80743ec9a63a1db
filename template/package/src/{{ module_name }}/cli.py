"""The command line: login and its state, what is installed and does it work, models, calls to try. Template's file.

LiteLLM is imported by the commands that call the upstream only, so that the others answer at once.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final, TypeVar

import typer

from ._answers import API_FORMAT, CAPABILITIES, PACKAGE_NAME, PROVIDER, PROVIDER_NAME

if TYPE_CHECKING:
    from .auth.authenticator import Authenticator
    from .settings import Settings

Result = TypeVar("Result")

_MODES: Final = {
    "chat": ("chat",),
    "embeddings": ("embedding",),
    "images": ("image_generation",),
    "image_edits": ("image_edit", "image_generation"),
}
"""The modes of the models of each capability, the likeliest first."""

_HAS_HTTP: Final = API_FORMAT not in ("sdk",)

app = typer.Typer(
    help=f"The LiteLLM provider for {PROVIDER_NAME}.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


@app.callback()
def _before() -> None:
    """LiteLLM would fetch its price map from the network when it is imported: a person waits here, and no price is asked."""
    os.environ.setdefault("LITELLM_LOCAL_MODEL_COST_MAP", "True")


Model = Annotated[str, typer.Option("--model", "-m", help="Model id, with or without the provider's prefix.")]


@app.command()
def models() -> None:
    """List the models of models.yaml."""
    from rich.console import Console
    from rich.table import Table

    from .models import load_models

    heading = ("model", "input tokens", "output tokens", "$/1M in", "$/1M out", "can do")
    rows = [
        (
            f"{PROVIDER}/{model}",
            str(facts.get("max_input_tokens", "")),
            str(facts.get("max_output_tokens", "")),
            _per_million(facts.get("input_cost_per_token")),
            _per_million(facts.get("output_cost_per_token")),
            ", ".join(key.removeprefix("supports_") for key, value in facts.items() if _is_ability(key, value)),
        )
        for model, facts in load_models().items()
    ]
    console = Console()
    if not console.is_terminal:  # for grep and cut
        for row in [heading, *rows]:
            typer.echo("\t".join(row))
        return
    table = Table(*heading)
    for column in table.columns:
        column.overflow = "fold"
    for row in rows:
        table.add_row(*row)
    console.print(table)


def _command_of(*capabilities: str) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Makes a function a command where the package has one of these capabilities."""
    return app.command() if set(capabilities) & set(CAPABILITIES) else lambda function: function


@_command_of("chat")
def chat(
    message: Annotated[str | None, typer.Argument(help="What to say; without it, a conversation starts.")] = None,
    model: Model = "",
) -> None:
    """Talk to a model; its answer appears as it comes in."""
    name = _full_name(model, "chat")
    messages: list[dict[str, str]] = []
    for text in [message] if message else _typed_lines():
        messages.append({"role": "user", "content": text})
        answer = ""
        try:
            for piece in _pieces(name, messages):
                answer += piece
                typer.echo(piece, nl=False)
        except Exception as error:
            typer.echo(f"\n{_sentence(error)}", err=True)
            raise typer.Exit(1) from None
        typer.echo()
        messages.append({"role": "assistant", "content": answer})


@_command_of("embeddings")
def embed(
    text: Annotated[str, typer.Argument(help="What to make a vector of.")],
    model: Model = "",
    dimensions: Annotated[int | None, typer.Option(help="How many numbers it shall have.")] = None,
) -> None:
    """Print the vector of a text, as JSON."""
    import json

    try:
        answer = _litellm().embedding(
            model=_full_name(model, "embedding"), input=[text], dimensions=dimensions, drop_params=True
        )
    except Exception as error:
        typer.echo(_sentence(error), err=True)
        raise typer.Exit(1) from None
    typer.echo(json.dumps(answer.data[0]["embedding"]))


@_command_of("images", "image_edits")
def image(
    prompt: Annotated[str, typer.Argument(help="What to make an image of, or what to change in one.")],
    model: Model = "",
    given: Annotated[
        list[Path] | None, typer.Option("--from", "-f", help="An image to change; several make one.")
    ] = None,
    mask: Annotated[Path | None, typer.Option(help="Where to change it: where this image is transparent.")] = None,
    size: Annotated[str | None, typer.Option(help="Such as 1024x1024.")] = None,
    quality: Annotated[str | None, typer.Option(help="As the API has it, such as high.")] = None,
    output: Annotated[Path, typer.Option("--output", "-o", help="The file to write.")] = Path("image.png"),
    force: Annotated[bool, typer.Option("--force", help="Write over a file that is there.")] = False,
) -> None:
    """Make an image, or change some, and write it to a file."""
    from base64 import b64decode

    if output.exists() and not force:  # before an image is paid for
        typer.echo(
            f"{output} is there already: name another file with --output, or write over it with --force", err=True
        )
        raise typer.Exit(1)
    asked = {"prompt": prompt, "size": size, "quality": quality, "response_format": "b64_json", "drop_params": True}
    try:
        if given:
            name = _full_name(model, *_MODES["image_edits"])
            answer = _litellm().image_edit(model=name, image=list(given), mask=mask, **asked)
        else:
            answer = _litellm().image_generation(model=_full_name(model, *_MODES["images"]), **asked)
    except Exception as error:
        typer.echo(_sentence(error), err=True)
        raise typer.Exit(1) from None
    made = answer.data[0]
    if made.b64_json is None:
        typer.echo(f"the upstream keeps the image at {made.url}")
        return
    try:
        with output.open("wb" if force else "xb") as file:
            file.write(b64decode(made.b64_json))
    except OSError as error:
        typer.echo(f"{output} cannot be written: {error.strerror}", err=True)
        raise typer.Exit(1) from None
    typer.echo(str(output))


@app.command()
def doctor(
    model: Model = "",
    call: Annotated[bool, typer.Option(help="Make a call of one token; no image.")] = True,
    make_image: Annotated[bool, typer.Option("--image", help="Make an image, which costs what one costs.")] = False,
) -> None:
    """Say what is installed, where the settings come from, and whether the upstream answers.

    The exit status is 0 when everything works, else 1.
    """
    from .bad_litellm import warning_about

    if __package__.startswith("litellm."):  # in LiteLLM's own tree
        from litellm._version import version as litellms
    else:
        litellms = _version_of("litellm")
        typer.echo(f"{PACKAGE_NAME} {_version_of(PACKAGE_NAME)}")
    typer.echo(f"litellm {litellms}")
    if warning := warning_about(litellms):
        typer.echo(warning, err=True)
        raise typer.Exit(1)
    typer.echo(f"httpx {_version_of('httpx')}")
    typer.echo(f"python {sys.version.split()[0]}")
    settings = _report_settings()
    if settings is None:
        raise typer.Exit(1)
    works = not _HAS_HTTP or _report_reachable(settings)
    if works and call:
        works = not [name for name in _to_try(model) if not _report_call(name, make_image)]
    if not works:
        raise typer.Exit(1)


@app.command()
def login(
    browser: Annotated[bool, typer.Option(help="Open the browser, if the login needs one.")] = True,
) -> None:
    """Log in, or try the credential where there is nothing to log in to."""
    from .auth.authenticator import Console

    _say_or_fail(lambda authenticator: authenticator.login(Console(typer.echo, browser)))


@app.command()
def logout() -> None:
    """Forget the login; revoke it, where the authorization server can."""
    _say_or_fail(lambda authenticator: authenticator.logout())


@app.command()
def status(
    as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
) -> None:
    """Say whether there is a credential, whose it is and how long it lasts; it shows no secret.

    The exit status is 0 when calls have a credential, else 1.
    """
    import json
    from dataclasses import asdict

    state = _with_authenticator(lambda authenticator: authenticator.status())
    typer.echo(json.dumps(asdict(state)) if as_json else state.in_words())
    if not state.ready:
        raise typer.Exit(1)


def _say_or_fail(work: Callable[[Authenticator], str]) -> None:
    typer.echo(_with_authenticator(work))


def _with_authenticator(work: Callable[[Authenticator], Result]) -> Result:
    from .auth import make_authenticator
    from .auth.authenticator import CredentialError
    from .settings import SettingsError, load_settings
    from .upstream import UpstreamFileError, load_upstream

    try:
        if load_upstream().provider is None:
            return work(make_authenticator(load_settings(), _tls))
        from .provider import chosen_provider  # LiteLLM comes with it

        return work(chosen_provider().authenticator)
    except (CredentialError, SettingsError, UpstreamFileError) as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(1) from None


def _tls() -> Any:
    """LiteLLM's settings for TLS, which hold for a login as for a call."""
    from ._litellm import get_ssl_configuration

    return get_ssl_configuration()


def _report_settings() -> Settings | None:
    from pydantic import SecretStr

    from .settings import SettingsError, load_settings, sources

    try:
        settings = load_settings()
    except SettingsError as error:
        typer.echo(f"settings: {error}", err=True)
        return None
    for name, source in sources().items():
        value = getattr(settings, name)
        secret = isinstance(value, SecretStr) or (isinstance(value, tuple) and value)
        shown = "set" if secret else "not set" if value in (None, "", (), {}) else value
        typer.echo(f"setting {name}: {shown} ({source})")
    return settings


def _report_reachable(settings: Settings) -> bool:
    """Any HTTP answer will do: the base URL itself need not be a page."""
    import httpx

    from .transport import sync_client

    try:
        response = sync_client().get(settings.api_base, timeout=settings.connect_timeout)
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        typer.echo(f"upstream: {settings.api_base} cannot be reached: {type(error).__name__}: {error}", err=True)
        return False
    typer.echo(f"upstream: {settings.api_base} answers (HTTP {response.status_code})")
    return True


def _to_try(model: str) -> list[str]:
    """The models to call: the one that was named, else the first for each capability."""
    if model:
        return [_full_name(model)]
    return list(dict.fromkeys(_full_name("", *modes) for name, modes in _MODES.items() if name in CAPABILITIES))


def _report_call(model: str, make_image: bool) -> bool:
    mode = _mode(model)
    try:
        if mode == "embedding":
            _litellm().embedding(model=model, input=["hello"])
        elif mode == "image_generation" and make_image:
            _litellm().image_generation("a dot", model=model)
        elif mode in ("image_generation", "image_edit"):
            return _report_credential(model)
        else:
            # An upstream that takes no limit answers as well.
            hello = [{"role": "user", "content": "hello"}]
            _litellm().completion(model=model, messages=hello, max_tokens=1, drop_params=True)
    except Exception as error:
        typer.echo(f"call: {model} fails: {_sentence(error)}", err=True)
        return False
    typer.echo(f"call: {model} works")
    return True


def _report_credential(model: str) -> bool:
    """Looks whether the upstream refuses the credential, at an address that costs nothing, whether or not it is there."""
    import openai

    _litellm()
    from .provider import chosen_provider

    try:
        status = chosen_provider().request("GET", "/models").status_code
    except openai.APIStatusError as error:
        if error.status_code in (401, 403) or error.status_code >= 500:
            raise
        status = error.status_code
    typer.echo(
        f"call: {model} works as far as can be told without an image, which costs money (HTTP {status} at /models)"
    )
    return True


def _pieces(model: str, messages: list[dict[str, str]]) -> Iterator[str]:
    for chunk in _litellm().completion(model=model, messages=messages, stream=True):
        yield chunk.choices[0].delta.content or "" if chunk.choices else ""


def _typed_lines() -> Iterator[str]:
    """What is typed (or piped in), line by line, up to its end."""
    prompt = "> " if sys.stdin.isatty() else ""
    while True:
        try:
            line = input(prompt)
        except EOFError:
            return
        if line.strip():
            yield line


def _litellm() -> Any:
    """LiteLLM, with the provider registered and its own hints switched off."""
    import litellm

    from .registration import register

    litellm.suppress_debug_info = True
    register()
    return litellm


def _full_name(model: str, *modes: str) -> str:
    """The name of a model as LiteLLM has it; of the first one of the first mode that has any, if none was named."""
    from .models import load_models

    known = load_models()
    first = (name for mode in modes for name, facts in known.items() if facts.get("mode", "chat") == mode)
    return f"{PROVIDER}/{(model or next(first, '')).removeprefix(f'{PROVIDER}/')}"


def _mode(model: str) -> object:
    """What a model is for, as models.yaml has it."""
    from .models import load_models

    return load_models().get(model.removeprefix(f"{PROVIDER}/"), {}).get("mode", "chat")


def _sentence(error: Exception) -> str:
    return str(getattr(error, "message", None) or error).removeprefix("litellm.")


def _version_of(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "is not installed"


def _is_ability(key: str, value: object) -> bool:
    return key.startswith("supports_") and value is True


def _per_million(cost: object) -> str:
    return f"{float(str(cost)) * 1e6:g}" if cost is not None else ""


if __name__ == "__main__":
    app()

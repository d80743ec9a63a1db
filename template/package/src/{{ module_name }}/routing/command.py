"""`route serve`, `check`, `explain` and `hooks`. Template's file: do not edit."""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from .config import ConfigError, RoutingConfig, load_config
from .decide import BadPathError, Step, decide, refuse_ambiguous

_PLACES: Final = ("routing.yaml", "proxy/routing.yaml")
_WHO: Final = {
    "loopback": "clients on this machine",
    "keys": "clients with one of client-keys",
    "host": "clients that the host knows",
    "forward": "everybody, with their own key of LiteLLM",
}


def main(arguments: Sequence[str] | None = None, name: str = "route") -> int:
    """Runs the command; returns the exit status: 0, 1 for what does not work, 2 for what is written wrongly."""
    parser = argparse.ArgumentParser(prog=name, description="One door, two sides: chosen models go to LiteLLM.")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    server = commands.add_parser("serve", help="run the gateway in front of a host")
    side = server.add_mutually_exclusive_group(required=True)
    side.add_argument("--host-url", metavar="URL", help="the host, a server in any language")
    side.add_argument("--host-app", metavar="MODULE:ATTRIBUTE", help="the host, an ASGI app that runs in this process")
    server.add_argument("--host", default="127.0.0.1", help="the address to listen at (127.0.0.1)")
    server.add_argument("--port", type=int, default=4100, help="the port to listen at (4100; 0 for any that is free)")
    check = commands.add_parser("check", help="check the configuration, and whether LiteLLM has its models")
    explain = commands.add_parser("explain", help="say where a request would go; nothing is sent")
    explain.add_argument("method", metavar="METHOD")
    explain.add_argument("path", metavar="PATH")
    explain.add_argument("--model", default="", metavar="M", help="the model in its body")
    explain.add_argument("--content-type", default="application/json", metavar="TYPE")
    hooks = commands.add_parser("hooks", help="check the marks around hooks in the files of a host")
    hooks.add_argument("files", nargs="+", type=Path, metavar="FILE")
    for one in (server, check, explain):
        one.add_argument("--config", type=Path, metavar="FILE", help=f"the configuration ({' or '.join(_PLACES)})")
    try:
        given = parser.parse_args(arguments)
    except SystemExit as error:
        return error.code if isinstance(error.code, int) else 2
    try:
        if given.command == "hooks":
            return _hooks(given.files)
        path = given.config or next((Path(one) for one in _PLACES if Path(one).is_file()), Path(_PLACES[0]))
        if given.command == "serve":
            from .serve import serve

            return serve(given.host_url, given.host_app, given.host, given.port, path)
        config = load_config(path)
        return _check(config) if given.command == "check" else _explain(config, given)
    except ConfigError as error:
        return _fails(str(error), 2)


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def _fails(text: str, status: int = 1) -> int:
    sys.stderr.write(f"{text}\n")
    return status


def _hooks(files: Sequence[Path]) -> int:
    from .hooks import problems

    found = [one for path in files for one in problems(path)]
    for one in found:
        _fails(one)
    if not found:
        _say("The hooks are whole.")
    return 1 if found else 0


def _explain(config: RoutingConfig, given: argparse.Namespace) -> int:
    path, _, _ = given.path.partition("?")
    decision = decide(config, given.method.upper(), path, given.content_type)
    target = decision.target
    model = target.model or given.model
    route, reason = "host", decision.reason
    if decision.step is Step.LITELLM or (decision.step is Step.READ and config.passthrough):
        route = "litellm"
    elif decision.step is Step.READ and config.lists(model):
        route, reason = "litellm", "listed"
    elif decision.step is Step.READ:
        reason = "not_listed" if model.strip() else "no_model"
    elif decision.step is Step.MODELS:
        reason = "models: the host's list, and the routed names after it"
    if route == "litellm":
        try:
            refuse_ambiguous(path)
        except BadPathError as error:
            _say(f"route: refused with 400, {error}")
            return 0
    _say(f"route: {route}; reason={reason}")
    if route == "litellm":
        at = target.with_model(config.mapped(model)) if target.model and config.mapped(model) != model else target.path
        _say(f"path at LiteLLM: {urlsplit(config.base_url).path}{at}")
        _say(f"model at LiteLLM: {config.mapped(model) or '(in the body)'}")
        _say(f"who may: {_WHO[config.client_auth]}")
        return 0
    name = config.fallback_target(model) if decision.step is Step.READ and target.served else None
    _say(f"fallback: {f'{name} at LiteLLM, on ' + ', '.join(sorted(config.fallback.on)) if name else 'none'}")
    return 0


def _check(config: RoutingConfig) -> int:
    return asyncio.run(_checked(config))


async def _checked(config: RoutingConfig) -> int:
    from .forward import Forwarder
    from .gateway import reaches
    from .litellm_models import is_admins, missing_models
    from .models_list import LiteLLMModels

    for warning in config.warnings:
        _fails(f"warning: {warning}")
    if not config.active:
        _say("The configuration is right; nothing goes to LiteLLM: neither routing, passthrough nor fallback is on.")
        return 0
    forwarder = Forwarder()
    try:
        names = await LiteLLMModels(forwarder).names(config)
        if names is None:
            if await reaches(forwarder, config):
                return _fails(f"LiteLLM at {config.base_url} does not list its models: is the api-key one of its keys?")
            return _fails(f"LiteLLM at {config.base_url} cannot be reached: start it, or mend base-url.")
        missing = missing_models(config, names)
        for one in missing:
            _fails(f"{one} is not a model of LiteLLM: add it there, or take it out here.")
        if config.api_key and await is_admins(forwarder, config):
            _fails("warning: the api-key is one of an admin: a virtual key that opens models only is enough.")
    finally:
        await forwarder.close()
    if missing:
        return 1
    on = [
        *(["models by name"] if config.enabled else []),
        *(["passthrough"] if config.passthrough else []),
        *(["fallback"] if config.fallback.enabled else []),
    ]
    _say(f"The configuration is right, and LiteLLM at {config.base_url} has its models ({', '.join(on)}).")
    _say(f"LiteLLM serves {_WHO[config.client_auth]}.")
    return 0

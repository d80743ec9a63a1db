"""`route serve`: the gateway as a process. Template's file: do not edit."""

from __future__ import annotations

import logging
import socket
import sys
from importlib import import_module
from pathlib import Path
from typing import Any, cast
from urllib.parse import urlsplit

import uvicorn

from .asgi import App
from .config import ConfigError, load_config
from .gateway import Gateway
from .host import HostApp
from .middleware import RoutingMiddleware


class _Server(uvicorn.Server):
    """Says where it listens: with port 0 nobody knows it before."""

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        for one in self.servers if self.started else ():
            for listening in one.sockets:
                address, port = listening.getsockname()[:2]
                shown = f"[{address}]" if ":" in address else address
                sys.stdout.write(f"The gateway listens at http://{shown}:{port}\n")
                sys.stdout.flush()


def serve(host_url: str | None, host_app: str | None, address: str, port: int, path: Path) -> int:
    """Runs the gateway until it is told to end; requests under way are served to their end.

    Args:
        host_url: the host, or None where it is an app.
        host_app: `module:attribute` of the app.
        address: to listen at.
        port: to listen at; 0 for any that is free.
        path: of the configuration.

    Returns:
        The exit status: 1 where it could not listen.

    Raises:
        ConfigError: the configuration or the host cannot be used.
    """
    config = load_config(path)
    host = (
        cast("App", HostApp(_checked(host_url, address, port), config.timeouts)) if host_url else _app(host_app or "")
    )
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stderr)
    warnings = [*config.warnings]
    if config.active and config.client_auth == "loopback" and address not in ("127.0.0.1", "::1", "localhost"):
        warnings.append("without client-auth, LiteLLM serves clients on this machine only.")
    for warning in warnings:
        sys.stderr.write(f"warning: {warning}\n")
    server = _Server(
        uvicorn.Config(
            Gateway(RoutingMiddleware(host, path)),
            host=address,
            port=port,
            log_level="warning",
            access_log=False,
            # An answer has the headers that its side has given it.
            server_header=False,
            date_header=False,
            h11_max_incomplete_event_size=64 << 10,
            ws_max_size=64 << 20,
            lifespan="on",
        )
    )
    server.run()
    return 0 if server.started else 1


def _checked(url: str, address: str, port: int) -> str:
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname or "?" in url or "#" in url:
        raise ConfigError("--host-url is no URL of a server: write one such as http://127.0.0.1:8317.")
    if "@" in parts.netloc:
        raise ConfigError("--host-url has a user or password in it: leave it out, clients send their own.")
    if port and (parts.hostname, parts.port) == (address, port):
        raise ConfigError(f"--host-url {url} is this gateway's own address: name the host's, or another --port.")
    return url


def _app(place: str) -> App:
    module, _, attribute = place.partition(":")
    if not module or not attribute:
        raise ConfigError(f"--host-app is {place!r}: write a module, a colon and the name of the app in it.")
    sys.path.insert(0, str(Path.cwd()))
    try:
        found: Any = import_module(module)
        for name in attribute.split("."):
            found = getattr(found, name)
    except (ImportError, AttributeError) as error:
        raise ConfigError(f"--host-app {place}: {error}.") from None
    if not callable(found):
        raise ConfigError(f"--host-app {place} is no ASGI app: it cannot be called.")
    return cast("App", found)

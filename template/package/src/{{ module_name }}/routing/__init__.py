"""Hybrid routing: one door, two sides. Template's file: do not edit.

    from <module>.routing import RoutingMiddleware, load_config

    app = RoutingMiddleware(app, "proxy/routing.yaml")  # any ASGI app is the host; the file is read again when it changes

Models that the configuration lists go to LiteLLM, with its key in the place of the client's; everything else goes to
the host, as it came. Where the host is out of quota, logged out, overloaded or away, LiteLLM takes over before the
client has got a byte, if the configuration says so. Each answer says what became of it:

    x-litellm-route: host|litellm|fallback; reason=...
    x-request-id: the client's own id, or a new one; LiteLLM gets it, too

A host in another language runs behind a gateway made of the same: `<command> route serve --host-url URL`, or
`python -m <module>.routing serve --host-url URL`, which also has /livez, /readyz and /metrics.

Names that others may rely on: RoutingMiddleware(app, config, *, authorize=None), RoutingConfig, load_config(path),
ConfigError. Nothing of LiteLLM or of the provider is imported.
"""

from __future__ import annotations

from .config import ConfigError, RoutingConfig, load_config
from .middleware import RoutingMiddleware

__all__ = ["ConfigError", "RoutingConfig", "RoutingMiddleware", "load_config"]

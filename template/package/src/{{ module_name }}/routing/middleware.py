"""The ASGI middleware: one door, two sides. Template's file: do not edit."""

from __future__ import annotations

from pathlib import Path

from .asgi import App, ClientGoneError, Message, Receive, Scope, Send, header, raw_path
from .body import Budget
from .breaker import Breaker
from .clients import Authorize, Clients
from .config import RoutingConfig
from .decide import query_value, target_of
from .errors import send_error
from .exchange import Exchange, Outgoing
from .forward import AnswerCutError, Forwarder
from .headers import HOP, for_litellm, request_id, with_id
from .host import HostUnavailableError
from .litellm_side import LiteLLMSide, url_of
from .metrics import Metrics
from .models_list import LiteLLMModels
from .reload import ConfigSource
from .request import Request
from .websocket import bridge


class RoutingMiddleware:
    """Sends chosen models to LiteLLM and everything else to the host, and to LiteLLM what the host cannot serve.

    Args:
        app: the host.
        config: a configuration, or the path of routing.yaml, which is read again whenever it changes.
        authorize: says of a request (its ASGI scope) whether its client may use LiteLLM, instead of `client-auth`.

    Raises:
        ConfigError: the file cannot be used.
    """

    def __init__(self, app: App, config: RoutingConfig | str | Path, *, authorize: Authorize | None = None) -> None:
        self.app = app
        self.metrics = Metrics()
        self.breaker = Breaker()
        self.budget = Budget()
        self.source = ConfigSource(config, self.metrics.reload)
        self.forwarder = Forwarder()
        self.litellm = LiteLLMSide(self.forwarder)
        self.models = LiteLLMModels(self.forwarder)
        self.clients = Clients(app, authorize)

    @property
    def config(self) -> RoutingConfig:
        """The configuration that holds now."""
        return self.source.current

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serves one connection of ASGI."""
        if scope["type"] == "http":
            self.source.start()
            await self._http(scope, receive, send)
        elif scope["type"] == "websocket":
            self.source.start()
            await self._websocket(scope, receive, send)
        elif scope["type"] == "lifespan":
            await self._lifespan(scope, receive, send)
        else:
            await self.app(scope, receive, send)

    async def close(self) -> None:
        """Ends what runs beside requests: the watch of the file, and connections that are kept."""
        await self.source.close()
        await self.clients.close()
        await self.forwarder.close()

    async def _lifespan(self, scope: Scope, receive: Receive, send: Send) -> None:
        """The host's own, and ours around it; a host without one gets none."""
        self.source.start()
        said = ""

        async def sending(message: Message) -> None:
            nonlocal said
            said = message["type"]
            if said.startswith("lifespan.shutdown"):
                await self.close()
            await send(message)

        async def receiving() -> Message:
            nonlocal said
            message = await receive()
            said = said or "asked"
            return message

        try:
            await self.app(scope, receiving, sending)
        except Exception:
            if said not in ("", "asked"):
                raise
        if said.startswith("lifespan.shutdown") or said == "lifespan.startup.failed":
            await self.close()
            return
        if said in ("", "asked"):
            if said == "":
                await receive()
            await send({"type": "lifespan.startup.complete"})
        while (await receive())["type"] != "lifespan.shutdown":
            continue
        await self.close()
        await send({"type": "lifespan.shutdown.complete"})

    async def _http(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = raw_path(scope).decode("latin-1")
        exchange = Exchange(request_id(scope["headers"]), scope["method"], path)
        config = self.source.current
        out = Outgoing(send, exchange)
        one = Request(self, config, with_id(scope, exchange.rid), receive, out, exchange, path)
        self.metrics.in_flight += 1
        try:
            await one.serve()
        except ClientGoneError:
            exchange.outcome = "client_gone"
        except HostUnavailableError as error:
            exchange.outcome = f"host_{error.kind}"
            if out.started:
                raise AnswerCutError("the host's answer broke off") from None
            status = 504 if error.kind == "timeout" else 502
            message = f"The host gave no answer ({error.kind})."
            await send_error(out, status, message, path, exchange.rid, exchange.mark)
        except AnswerCutError:
            exchange.outcome = "cut"
            raise
        except BaseException:
            exchange.outcome = "failed"
            raise
        finally:
            self.metrics.in_flight -= 1
            self.metrics.request(exchange.route, config.label(exchange.model), exchange.status)
            if exchange.first_byte is not None:
                self.metrics.first_byte(exchange.route, exchange.first_byte - exchange.began)
            exchange.write_log()

    async def _websocket(self, scope: Scope, receive: Receive, send: Send) -> None:
        """The host's, unless the query names a model that is listed."""
        config = self.source.current
        target = target_of(raw_path(scope).decode("latin-1"), config)
        name = target.path.removeprefix("/v1")
        model = query_value(scope.get("query_string", b""), "model") if name in ("/realtime", "/responses") else ""
        looped = bool(header(scope["headers"], HOP))
        if looped or not model or not (config.lists(model) or config.passthrough):
            await self.app(scope, receive, send)
            return
        exchange = Exchange(request_id(scope["headers"]), "GET", target.path, model)
        exchange.goes("litellm", "listed" if config.lists(model) else "passthrough")
        try:
            if not await self.clients.may(config, scope):
                await receive()
                exchange.outcome, exchange.status = "refused", 401
                await send({"type": "websocket.close", "code": 1008, "reason": "the client is not known"})
                return
            forward = config.client_auth == "forward"
            headers = for_litellm(scope, exchange.rid, "" if forward else config.api_key, clients_key=forward)
            query = scope.get("query_string", b"")
            url = url_of(config, target.path, query, model=config.mapped(model), forward=forward)
            exchange.status = 101
            if not await bridge(self.forwarder, url, headers, scope, receive, send, config.timeouts):
                exchange.outcome, exchange.status = "refused", 502
        finally:
            self.metrics.request(exchange.route, config.label(model), exchange.status)
            exchange.write_log()

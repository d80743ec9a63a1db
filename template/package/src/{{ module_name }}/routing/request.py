"""One request on its way: whose it is, and what becomes of it. Template's file: do not edit."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from .asgi import Header, Receive, Scope, header
from .body import Body
from .classify import Failure
from .config import RoutingConfig
from .decide import BadPathError, Decision, Step, Target, decide, is_form, refuse_ambiguous
from .errors import send_error
from .exchange import Exchange, Outgoing
from .forward import UpstreamError, watched
from .headers import HOP, HOP_VALUE, for_litellm
from .hold import HeldAnswer
from .litellm_side import ToLiteLLM, url_of
from .model_name import BombError, UnreadableError, decoded, form_is_read, model_of_form, model_of_json, with_model
from .models_list import Collected, merged, routed_names

if TYPE_CHECKING:
    from .middleware import RoutingMiddleware

_DECODED_AT_ONCE: Final = 16 << 10
"""Larger bodies are decoded in a thread: decoding leaves the interpreter to others."""


class Request:
    """One request on its way."""

    def __init__(
        self,
        door: RoutingMiddleware,
        config: RoutingConfig,
        scope: Scope,
        receive: Receive,
        out: Outgoing,
        exchange: Exchange,
        path: str,
    ) -> None:
        self.door = door
        self.config = config
        self.scope = scope
        self.receive = receive
        self.out = out
        self.exchange = exchange
        self.path = path
        self.headers: list[Header] = scope["headers"]

    async def serve(self) -> None:
        """Takes the request to whose it is."""
        config, exchange = self.config, self.exchange
        content_type = header(self.headers, b"content-type").decode("latin-1")
        decision = decide(config, self.scope["method"], self.path, content_type)
        exchange.model = decision.target.model
        if hop := header(self.headers, HOP):
            if hop == HOP_VALUE:
                await self._refuse(502, "The address of LiteLLM leads back to this gateway.", "loop")
                return
            decision = Decision(Step.HOST, "hop", decision.target)
        if decision.step is Step.HOST:
            await self._host(decision.reason, self.receive)
            return
        if decision.step is Step.MODELS:
            await self._models(decision.target)
            return
        body = Body(self.receive, self.door.budget)
        try:
            if decision.step is Step.LITELLM:
                await self._whatever_the_body(decision, body)
            elif is_form(content_type):
                await self._form(decision.target, body, content_type)
            else:
                await self._json(decision, body)
        finally:
            exchange.received_bytes = body.size
            body.release()

    async def _host(self, reason: str, receive: Receive) -> None:
        """The host serves it, and its answer passes at once."""
        self.exchange.goes("host", reason)
        try:
            await self.door.app(self.scope, receive, self.out)
        finally:
            self.exchange.host_status = self.exchange.status

    async def _refuse(self, status: int, message: str, reason: str) -> None:
        self.exchange.reason = reason
        self.exchange.outcome = "refused"
        await send_error(self.out, status, message, self.path, self.exchange.rid, self.exchange.mark)

    # What goes to LiteLLM by its head.

    async def _whatever_the_body(self, decision: Decision, body: Body) -> None:
        target = decision.target
        if self._length() is None:
            body.complete = True
            body.is_read.set()
        encoding = self._encoding()
        known = encoding in ("gzip", "x-gzip", "deflate", "zstd", "br")
        if known and not body.complete and await self._is_whole(body):
            plain = await self._plain(body, encoding)
            if plain is None and self.out.started:
                return
            if plain is not None:
                await self._litellm(decision.reason, target, target.model, plain, decoded_body=True)
                return
        await self._litellm(decision.reason, target, target.model, body)

    async def _is_whole(self, body: Body) -> bool:
        """Reads the body if it may be held; returns whether it is whole."""
        length = self._length()
        limits = self.config.limits
        if length is not None and (
            length > limits.inspect_bytes or self.door.budget.used + length > limits.total_buffer
        ):
            return False
        return await body.read(limits.inspect_bytes, limits.total_buffer)

    def _length(self) -> int | None:
        """Returns the length that the client says, 0 where it does not say it, None where there is no body."""
        if header(self.headers, b"transfer-encoding"):
            return 0
        length = header(self.headers, b"content-length")
        return int(length) if length.isdigit() else 0 if self.scope.get("http_version") in ("2", "3") else None

    def _encoding(self) -> str:
        encoding = header(self.headers, b"content-encoding").decode("latin-1").strip().lower()
        return "" if encoding == "identity" else encoding

    async def _plain(self, body: Body, encoding: str) -> bytes | None:
        """Returns the body decoded; None where it cannot be, or would be too large: then it is refused."""
        content = body.joined()
        limit = self.config.limits.inspect_bytes
        try:
            if len(content) < _DECODED_AT_ONCE:
                plain = decoded(content, encoding, limit)
            else:
                plain = await asyncio.to_thread(decoded, content, encoding, limit)
        except UnreadableError:
            return None
        except BombError:
            await self._refuse(413, f"The body is larger than {limit} bytes when it is decoded.", "too_large")
            return None
        body.count(len(plain))
        return plain

    # What the body decides.

    async def _form(self, target: Target, body: Body, content_type: str) -> None:
        while not form_is_read(body.joined()) and not body.complete:
            if (found := model_of_form(body.joined(), content_type)) is not None:
                break
            await body.read_some()
        found = model_of_form(body.joined(), content_type)
        self.exchange.model = found.model if found else ""
        if found is None or not self.config.lists(found.model):
            await self._host("not_listed" if found else "no_model", body.for_host(keep=False))
            return
        added = 0
        if (mapped := self.config.mapped(found.model)) != found.model:
            head = body.joined()
            body.replace(head[: found.start] + mapped.encode() + head[found.end :])
            added = len(mapped.encode()) - (found.end - found.start)
        await self._litellm("listed", target, found.model, body, added=added)

    async def _json(self, decision: Decision, body: Body) -> None:
        config, target, passes = self.config, decision.target, self.config.passthrough
        if not await self._is_whole(body):
            if passes:
                await self._litellm(decision.reason, target, target.model, body)
            else:
                await self._host("too_large", body.for_host(keep=False))
            return
        plain: bytes | None = body.joined()
        if encoding := self._encoding():
            plain = await self._plain(body, encoding)
            if plain is None:
                if self.out.started:
                    return
                if passes:
                    await self._litellm(decision.reason, target, target.model, body)
                else:
                    await self._host("encoding", body.for_host(keep=False))
                return
        content = plain or b""
        model = target.model or model_of_json(content)
        self.exchange.model = model
        if passes or config.lists(model):
            reason = decision.reason if passes else "listed"
            await self._litellm(
                reason, target, model, self._renamed(target, model, content), decoded_body=bool(encoding)
            )
            return
        name = config.fallback_target(model) if target.served and model.strip() else None
        if name is None:
            await self._host("not_listed" if model.strip() else "no_model", body.for_host(keep=False))
            return
        await self._host_first(target, model, body, content, decoded_body=bool(encoding))

    def _renamed(self, target: Target, model: str, content: bytes) -> bytes:
        """Returns the body with LiteLLM's name of the model, where that is another one and the body has it."""
        name = self.config.mapped(model)
        return content if target.model or name == model or not model else with_model(content, name)

    # LiteLLM.

    async def _litellm(
        self,
        reason: str,
        target: Target,
        model: str,
        body: Body | bytes,
        *,
        decoded_body: bool = False,
        added: int = 0,
    ) -> None:
        """LiteLLM serves it, or nobody does."""
        self.exchange.goes("litellm", reason)
        if not await self._may_use_litellm(target):
            return
        if isinstance(body, Body):
            length = header(self.headers, b"content-length") if not header(self.headers, b"transfer-encoding") else b""
            size = int(length) + added if length.isdigit() else None
            content: bytes | AsyncIterator[bytes] = body.joined() if body.complete else body.stream()
            after = body.is_read
        else:
            content, size, after = body, None, None
        call = self._call(target, model, content, decoded_body=decoded_body, size=size)
        try:
            async with watched(self.receive, after) as watch:
                await self.door.litellm.serve(call, self.out, self.exchange, watch)
        except UpstreamError as error:
            self.exchange.outcome = f"litellm_{error.kind}"
            status = 504 if error.kind == "timeout" else 502
            message = f"LiteLLM gave no answer ({error.kind})."
            await send_error(self.out, status, message, self.path, self.exchange.rid, self.exchange.mark)

    async def _may_use_litellm(self, target: Target) -> bool:
        """Returns whether the request may go to LiteLLM; what may not is answered."""
        try:
            refuse_ambiguous(self.path)
            refuse_ambiguous(target.path)
        except BadPathError as error:
            await self._refuse(400, f"The request was refused: {error}.", "path")
            return False
        if await self.door.clients.may(self.config, self.scope):
            return True
        await self._refuse(401, "This client is not known to the gateway.", "client_unknown")
        return False

    def _call(
        self,
        target: Target,
        model: str,
        content: bytes | AsyncIterator[bytes],
        *,
        decoded_body: bool = False,
        size: int | None = None,
    ) -> ToLiteLLM:
        forward = self.config.client_auth == "forward"
        headers = for_litellm(
            self.scope,
            self.exchange.rid,
            "" if forward else self.config.api_key,
            decoded=decoded_body,
            clients_key=forward,
        )
        if size is not None and not isinstance(content, bytes):
            headers.append((b"content-length", str(size).encode()))
        path = target.path
        name = self.config.mapped(model)
        if target.model and name != target.model:
            path = target.with_model(name)
        url = url_of(self.config, path, self.scope.get("query_string", b""), forward=forward)
        return ToLiteLLM(self.scope["method"], url, headers, content, self.config.timeouts)

    # The host first, then LiteLLM.

    async def _host_first(self, target: Target, model: str, body: Body, content: bytes, *, decoded_body: bool) -> None:
        door, exchange = self.door, self.exchange
        key = model.strip().lower()
        breaker = door.breaker
        began = breaker.now()
        state = breaker.state(key)
        try:
            if state == "open":
                if await self._fall_back("breaker", target, model, content, decoded_body=decoded_body):
                    return
                await self._host(exchange.reason, body.for_host(keep=False))
                return
            held = HeldAnswer(self.out, self.config.fallback.on, self.config.fallback.hold_seconds)
            exchange.goes("host", "not_listed")
            try:
                failure = await held.run(door.app, self.scope, body.for_host(keep=True))
            finally:
                exchange.host_status = held.status
                if held.seconds is not None:
                    door.metrics.held(held.seconds)
            self._note(key, held.failure, began)
            if failure is None:
                if held.failure is None and held.status:
                    breaker.succeeded(key)
                    state = "closed"
                return
            if await self._fall_back(failure.kind, target, model, content, decoded_body=decoded_body):
                return
            exchange.route = "host"
            if held.error is not None:
                raise held.error
            await held.release()
        finally:
            if state == "probe":
                breaker.undecided(key)

    def _note(self, key: str, failure: Failure | None, began: float) -> None:
        """Tells the breaker of a failure that the configuration counts."""
        fallback = self.config.fallback
        if failure is None or failure.kind not in fallback.on:
            return
        seconds = fallback.cooldown_seconds if failure.seconds is None else failure.seconds
        self.door.breaker.failed(key, seconds, began, all_models=failure.of_all_models)

    async def _fall_back(self, kind: str, target: Target, model: str, content: bytes, *, decoded_body: bool) -> bool:
        """Turns to LiteLLM; returns whether the client has its answer. Where not, the reason says why."""
        door, exchange = self.door, self.exchange
        try:
            refuse_ambiguous(self.path)
        except BadPathError:
            exchange.goes("host", "path")
            return False
        if not await door.clients.may(self.config, self.scope):
            exchange.goes("host", "client_unknown")
            return False
        exchange.goes("fallback", kind)
        call = self._call(target, model, self._renamed(target, model, content), decoded_body=decoded_body)
        served = False
        try:
            async with watched(self.receive) as watch:
                served = await door.litellm.serve_or_not(
                    call, self.out, exchange, watch, resend="signature" in self.config.fallback.on
                )
        except UpstreamError as error:
            exchange.litellm_status = 0
            exchange.outcome = f"litellm_{error.kind}"
        finally:
            door.metrics.fallback(kind, "served" if served else "failed")
        if not served:
            exchange.goes("host", f"{kind},litellm_failed")
        return served

    # The list of models.

    async def _models(self, target: Target) -> None:
        """Both are asked; the host's answer is the one that the client gets."""
        config, door = self.config, self.door
        if header(self.headers, b"content-length") not in (b"", b"0") or header(self.headers, b"transfer-encoding"):
            await self._host("models", self.receive)
            return
        if not await door.clients.may(config, self.scope):
            await self._host("models", self.receive)
            return
        self.exchange.goes("host", "models")
        asked = asyncio.ensure_future(door.models.names(config))
        collected = Collected(self.out)
        try:
            await door.app(self.scope, self.receive, collected)
            names = await asked if collected.start is not None else None
        finally:
            self.exchange.host_status = collected.status
            if not asked.done():
                asked.cancel()
                with suppress(asyncio.CancelledError):
                    await asked
        if collected.start is None:
            return
        headers: list[Header] = [(name.lower(), value) for name, value in collected.start["headers"]]
        body = b"".join(collected.body)
        longer = merged(body, headers, routed_names(config, names)) if names is not None else None
        if longer is None:
            await collected.let_go()
            return
        kept = [
            (name, value)
            for name, value in headers
            if name not in (b"content-length", b"content-encoding", b"etag", b"transfer-encoding")
        ]
        kept.append((b"content-length", str(len(longer)).encode()))
        await self.out({**collected.start, "headers": kept})
        await self.out({"type": "http.response.body", "body": longer})

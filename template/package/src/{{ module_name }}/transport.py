"""HTTP clients, shared as far as they can be. Template's file: do not edit.

They are LiteLLM's own handlers, so that its settings and the environment's for TLS, CA, proxies and pools
hold. Async clients belong to an event loop: each loop has one, closed when `asyncio.run` (or the proxy)
shuts the loop's generators down. Sync calls share one client for the whole process. A call or deployment with
an `ssl_verify` of its own has a client for that value beside them. A forked child starts with none, as sockets
must not be shared.
"""

from __future__ import annotations

import asyncio
import atexit
import os
import socket
import threading
from collections.abc import AsyncGenerator, AsyncIterator, Iterator, MutableMapping
from contextlib import asynccontextmanager, contextmanager, suppress
from ssl import SSLContext
from typing import Any, TypeVar

import httpx

from ._litellm import AsyncHTTPHandler, HTTPHandler

Verify = bool | str | SSLContext | None
"""LiteLLM's `ssl_verify`: whether certificates are checked, or the file of the CA; None for what its settings say."""

_Client = TypeVar("_Client", httpx.Client, httpx.AsyncClient)
_Entry = tuple[AsyncHTTPHandler, AsyncGenerator[None, None]]

MOST_CLIENTS = 16
"""How many clients there are at most for values of `ssl_verify`, in the process and in each loop."""

_lock = threading.Lock()
_sync_handler: HTTPHandler | None = None
_sync_handlers: dict[Verify, HTTPHandler] = {}
_async_handlers: dict[asyncio.AbstractEventLoop, dict[Verify, _Entry]] = {}
_left_to_parent: list[object] = []


def sync_client(client: object = None, verify: Verify = None) -> httpx.Client:
    """Returns the client for sync calls of this process.

    Args:
        client: what the caller passed as `client=`; a handler of LiteLLM or an httpx client wins.
        verify: the `ssl_verify` of the call.
    """
    if isinstance(client, HTTPHandler):
        return client.client
    if isinstance(client, httpx.Client):
        return client
    global _sync_handler
    if verify is not None:
        with _lock:
            handler = _sync_handlers.get(verify) or HTTPHandler(ssl_verify=verify)  # type: ignore[arg-type]  # contexts, too
            _keep(_sync_handlers, verify, handler)
        return _with(handler.client, handler)
    if _sync_handler is None:
        with _lock:
            if _sync_handler is None:
                _sync_handler = HTTPHandler()
    return _sync_handler.client


async def async_client(client: object = None, verify: Verify = None) -> httpx.AsyncClient:
    """Returns the client for the running event loop.

    Args:
        client: what the caller passed as `client=`; a handler of LiteLLM or an httpx client wins.
        verify: the `ssl_verify` of the call.
    """
    if isinstance(client, AsyncHTTPHandler):
        return client.client
    if isinstance(client, httpx.AsyncClient):
        return client
    loop = asyncio.get_running_loop()
    entries = _async_handlers.get(loop)
    if entries is None:
        with _lock:
            for other in [known for known in _async_handlers if known.is_closed()]:
                del _async_handlers[other]
            entries = _async_handlers[loop] = {}
    entry = entries.get(verify)
    if entry is None:
        handler = AsyncHTTPHandler(ssl_verify=verify)
        closer = _close_with_loop(loop, handler)
        entry = entries[verify] = (handler, closer)
        await anext(closer)
    if verify is None:
        return entry[0].client
    _keep(entries, verify, entry)
    return _with(entry[0].client, entry)


def _keep(handlers: MutableMapping[Any, Any], verify: Verify, handler: object) -> None:
    """Makes a handler the one that was used last, and forgets the one that was used least lately when there are too many.

    It is not closed, as a call may be at work with it: it goes when its last call does.
    """
    handlers.pop(verify, None)
    handlers[verify] = handler
    others = [known for known in handlers if known is not None]
    if len(others) > MOST_CLIENTS:
        del handlers[others[0]]


def _with(client: _Client, handler: object) -> _Client:
    """The client, which now keeps its handler: that one closes it when nobody holds it any more."""
    vars(client)["_handler"] = handler
    return client


@contextmanager
def cut_off(response: httpx.Response, seconds: float) -> Iterator[None]:
    """Ends the reading of a sync response after some seconds, whatever its own timeout; not an error.

    What is read under it is of little worth (the rest of a finished stream, the body of an error), and a read
    that blocks can only be ended by shutting down the socket under it.
    """
    stream = response.extensions.get("network_stream")
    sock = stream.get_extra_info("socket") if stream is not None else None
    over = threading.Event()
    lock = threading.Lock()

    def shut_down() -> None:
        with lock:  # once it is over, the socket may be at work for another call
            if sock is not None and not over.is_set():
                with suppress(OSError):
                    sock.shutdown(socket.SHUT_RDWR)

    timer = threading.Timer(seconds, shut_down)
    timer.daemon = True
    timer.start()
    try:
        with suppress(httpx.HTTPError):
            yield
    finally:
        with lock:
            over.set()
        timer.cancel()


@asynccontextmanager
async def async_cut_off(seconds: float) -> AsyncIterator[None]:
    """Ends the reading of an async response after some seconds, whatever its own timeout; not an error."""
    with suppress(httpx.HTTPError, TimeoutError):
        async with asyncio.timeout(seconds):
            yield


async def _close_with_loop(loop: asyncio.AbstractEventLoop, handler: AsyncHTTPHandler) -> AsyncGenerator[None, None]:
    """Waits for the loop's end: `loop.shutdown_asyncgens()` closes it, and it closes the handler."""
    try:
        yield
    finally:
        with _lock:
            entries = _async_handlers.get(loop, {})
            for verify in [known for known, (kept, _) in entries.items() if kept is handler]:
                del entries[verify]
            if not entries:
                _async_handlers.pop(loop, None)
        await handler.close()


def _close_at_exit() -> None:
    for sync_handler in (_sync_handler, *_sync_handlers.values()):
        if sync_handler is not None:
            sync_handler.close()
    # Loops that nobody shut down: what is left open there would be reported as leaked.
    for loop, entries in list(_async_handlers.items()):
        for handler, _ in list(entries.values()):
            if not loop.is_closed() and not loop.is_running():
                loop.run_until_complete(handler.close())


def _forget_after_fork() -> None:
    global _sync_handler, _lock
    _lock = threading.Lock()
    # Kept from the garbage collector, which would say goodbye on the parent's connections.
    _left_to_parent.extend([_sync_handler, dict(_sync_handlers), dict(_async_handlers)])
    _sync_handler = None
    _sync_handlers.clear()
    _async_handlers.clear()


atexit.register(_close_at_exit)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_after_fork)

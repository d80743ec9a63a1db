"""The configuration that holds now, read again when its file changes. Template's file: do not edit."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from .config import ConfigError, RoutingConfig, parse_config

log = logging.getLogger(__package__)


class ConfigSource:
    """A configuration, or the file that it is in.

    The folder is watched, not the file: editors and Kubernetes put another file in its place. Set
    WATCHFILES_FORCE_POLLING=true where changes are not told, as on some mounts of containers.

    Args:
        config: a configuration, which stays as it is, or the path of a file.
        changed: is told `loaded` or `refused` after each change.

    Raises:
        ConfigError: the file cannot be used.
    """

    def __init__(self, config: RoutingConfig | str | Path, changed: Callable[[str], None] | None = None) -> None:
        self._path = None if isinstance(config, RoutingConfig) else Path(config).absolute()
        self._changed = changed
        self._text = ""
        self._refused = ""
        self._task: asyncio.Task[None] | None = None
        self._stop: asyncio.Event | None = None
        if isinstance(config, RoutingConfig):
            self.current = config
        else:
            self._text = self._read()
            self.current = parse_config(self._text, self._name)

    @property
    def _name(self) -> str:
        return str(self._path)

    def _read(self) -> str:
        if self._path is None:
            return ""
        try:
            return self._path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
            raise ConfigError(f"{self._path}: {reason}: name a file that can be read.") from None

    def reload(self) -> None:
        """Reads the file again; a configuration that cannot be used leaves the one that holds."""
        text: str | None = None
        try:
            text = self._read()
            if text in (self._text, self._refused):
                return
            config = parse_config(text, self._name)
        except ConfigError as error:
            reason = " ".join(str(error).split())
            if self._refused != (text or reason):
                log.error("The configuration stays as it was: %s", reason)
                self._tell("refused")
            self._refused = text or reason
            return
        self._text, self._refused = text, ""
        self.current = config
        log.info("The configuration was loaded again from %s", self._path)
        self._tell("loaded")

    def _tell(self, result: str) -> None:
        if self._changed:
            self._changed(result)

    def start(self) -> None:
        """Begins to watch, if there is a file and nobody watches it yet; the running loop does it."""
        if self._path is None or (self._task is not None and not self._task.done()):
            return
        self._stop = asyncio.Event()
        self._task = asyncio.get_running_loop().create_task(self._watch(self._path.parent, self._stop))

    async def _watch(self, folder: Path, stop: asyncio.Event) -> None:
        from watchfiles import awatch

        while not stop.is_set():
            self.reload()  # what changed since it was read
            try:
                # It looks by itself, too, for what the system does not tell.
                async for _ in awatch(
                    folder,
                    watch_filter=None,
                    debounce=100,
                    step=20,
                    stop_event=stop,
                    rust_timeout=1000,
                    yield_on_timeout=True,
                    recursive=False,
                ):
                    self.reload()
            except (OSError, RuntimeError) as error:  # such as a folder that is gone for a moment
                log.error("The configuration cannot be watched: %s", type(error).__name__)
                with suppress(TimeoutError):
                    await asyncio.wait_for(stop.wait(), 1)

    async def close(self) -> None:
        """Ends the watch."""
        if self._task is None or self._stop is None:
            return
        self._stop.set()
        with suppress(asyncio.CancelledError):
            await self._task
        self._task = None

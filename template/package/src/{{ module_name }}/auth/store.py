"""Where tokens are kept between calls, processes and days. Template's file: do not edit."""

from __future__ import annotations

import glob
import json
import logging
import os
import secrets
import stat
import tempfile
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from pathlib import Path
from typing import Protocol

from filelock import FileLock, Timeout

from .authenticator import CredentialError, UnreadableError, read_when_whole, status_of
from .tokens import Token, keep_private

logger = logging.getLogger(__package__)

LOCK_SECONDS = 90.0
"""How long another process may be busy with the same token."""


class TokenStore(Protocol):
    """A place for one token. `load`, `save` and `clear` are called under `lock`."""

    @property
    def place(self) -> str:
        """Where that is, for people."""
        ...

    def lock(self) -> AbstractContextManager[None]:
        """Keeps other processes away; a process that dies lets go."""
        ...

    def load(self) -> Token | None:
        """Returns the token that is kept, if any."""
        ...

    def save(self, token: Token) -> None:
        """Keeps a token instead of the one before."""
        ...

    def clear(self) -> str:
        """Forgets the token; returns what is left of it all the same, as a sentence, or nothing."""
        ...


class MemoryStore:
    """Keeps the token in this process only.

    Args:
        place: where the token comes from, when that is not just here.
    """

    def __init__(self, place: str = "the memory of this process") -> None:
        self.place = place
        self._token: Token | None = None

    def lock(self) -> AbstractContextManager[None]:
        """Returns nothing to wait for: no other process has this token."""
        return nullcontext()

    def load(self) -> Token | None:
        """Returns the token that is kept, if any."""
        return self._token

    def save(self, token: Token) -> None:
        """Keeps a token."""
        self._token = token

    def clear(self) -> str:
        """Forgets the token."""
        self._token = None
        return ""


class FileStore:
    """Keeps the token in a file that only its owner can read, in a folder that only its owner can enter.

    A file that cannot be written (a mounted secret, say) is used as it is; what is fetched then lives in memory.

    Args:
        path: the file; it need not exist.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._unwritten: tuple[Token, object] | None = None
        """A token that could not be written, with the state of the file at that time."""

    @property
    def place(self) -> str:
        """The file's path."""
        return str(self._path)

    def lock(self) -> AbstractContextManager[None]:
        """Locks a file beside it."""
        return process_lock(self._path)

    def load(self) -> Token | None:
        """Returns the token that is kept, if any; a file that holds none is set aside, with a message."""
        if self._unwritten is not None:
            token, state = self._unwritten
            if state == self._state():
                return token
            self._unwritten = None  # somebody has put another one there
        try:
            return read_when_whole(self._read, self._path)
        except UnreadableError:
            self._set_aside()
            return None

    def _read(self) -> Token | None:
        try:
            keep_private(self._path)
            text = self._path.read_text(encoding="utf-8")
        except FileNotFoundError:
            return None
        except UnicodeDecodeError:
            text = ""
        except OSError as error:
            raise CredentialError(
                f"The token file {self._path} cannot be read: {error.strerror}; mend its permissions or its path.",
                status=status_of(error),
            ) from None
        try:
            content = json.loads(text)
            if isinstance(content, dict) and "value" not in content:
                raise CredentialError(f"The file {self._path} is another program's: choose another file for the token.")
            return Token.from_json(content)
        except (ValueError, RecursionError):
            raise UnreadableError(f"The token file {self._path} holds no token.") from None

    def save(self, token: Token) -> None:
        """Writes the token to the disk; when that cannot be done, a warning says so."""
        try:
            make_private_folder(self._path.parent)
            write_private(self._path, json.dumps(token.to_json()))
            self._unwritten = None
        except OSError as error:
            self._unwritten = (token, self._state())
            logger.warning(
                "the token cannot be kept in %s (%s): this process has it, others do not", self._path, error.strerror
            )

    def clear(self) -> str:
        """Removes the file, and what was set aside of it; of a link, only the link."""
        self._unwritten = None
        target = self._path.resolve() if self._path.is_symlink() else None
        for path in (self._path, self._aside):
            path.unlink(missing_ok=True)
        if target is None or not target.exists():
            return ""
        return f"{self._path} was a link: {target} is still there with the token, so delete that as well."

    def _state(self) -> object:
        try:
            status = self._path.stat()
        except OSError:
            return None
        return status.st_mtime_ns, status.st_size, status.st_ino

    @property
    def _aside(self) -> Path:
        return self._path.with_name(f"{self._path.name}.corrupt")

    def _set_aside(self) -> None:
        with suppress(OSError):
            self._path.replace(self._aside)
            logger.warning("the token file %s held no token: it is now %s", self._path, self._aside)


@contextmanager
def process_lock(path: Path) -> Iterator[None]:
    """Locks a file for this process, by a lock file beside it; the system lets go of it if the process dies.

    Where no lock file can be written, one in the folder for temporary files takes its place, or none.

    Args:
        path: the file; it need not exist.

    Raises:
        CredentialError: another process has held the lock for too long.
    """
    lock = _lock_beside(path) or _lock_among_temporary_files(path)
    try:
        if lock is not None:
            lock.acquire()
    except Timeout:
        raise CredentialError(
            f"Another process has been busy with {path} for {LOCK_SECONDS:g} seconds: end it, then try again.",
            retry_after=1.0,
            status=503,
        ) from None
    except (OSError, RuntimeError):  # the second is filelock's word for a file system without locks
        lock = None
    if lock is None:
        logger.warning("no lock file can be written for %s: other processes may renew the token, too", path)
    try:
        yield
    finally:
        if lock is not None:
            lock.release()


def _lock_beside(path: Path) -> FileLock | None:
    lock_path = path.with_name(f"{path.name}.lock")
    try:
        make_private_folder(path.parent)
        lock_path.touch(mode=0o600)
    except OSError:
        return None
    return FileLock(str(lock_path), timeout=LOCK_SECONDS, mode=0o600)


def _lock_among_temporary_files(path: Path) -> FileLock | None:
    owner = str(os.getuid()) if hasattr(os, "getuid") else "user"
    name = str(path.absolute()).replace(os.sep, "_").replace(":", "_")[-180:]
    try:
        return FileLock(str(Path(tempfile.gettempdir()) / f"{owner}{name}.lock"), timeout=LOCK_SECONDS, mode=0o600)
    except OSError:
        return None


def make_private_folder(folder: Path) -> None:
    """Makes a folder that only its owner can enter, unless it exists."""
    if not folder.is_dir():
        folder.parent.mkdir(parents=True, exist_ok=True)
        folder.mkdir(mode=0o700, exist_ok=True)


def write_private(path: Path, text: str) -> None:
    """Writes a file in one step, for its owner only if it is new: whoever reads it finds the old text or the new, even after a crash.

    Args:
        path: the file; what it links to is written, not the link.
        text: its new content.

    Raises:
        OSError: it cannot be written, or not with the owner and permissions that it has; the old text is still there.
    """
    target = Path(os.path.realpath(path))
    before = target.stat() if target.exists() else None
    for left in target.parent.glob(f".{glob.escape(target.name)}.*.new-token"):  # of a process that was killed
        left.unlink(missing_ok=True)
    temporary = target.with_name(f".{target.name}.{secrets.token_hex(4)}.new-token")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        if before is not None:
            temporary.chmod(stat.S_IMODE(before.st_mode))
            if hasattr(os, "chown"):
                os.chown(temporary, before.st_uid, before.st_gid)
        temporary.replace(target)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    if hasattr(os, "O_DIRECTORY"):
        folder = os.open(target.parent, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


def write_in_place(path: Path, text: str) -> None:
    """Writes over the content of a file that exists, for when it cannot be replaced.

    Args:
        path: the file.
        text: its new content.

    Raises:
        OSError: it cannot be written.
    """
    with path.open("r+", encoding="utf-8") as file:
        file.write(text)
        file.truncate()
        file.flush()
        os.fsync(file.fileno())

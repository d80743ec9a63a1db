"""Addresses of repositories: which of their many spellings mean the same one."""

from __future__ import annotations

import os
import re
from pathlib import Path
from urllib.parse import unquote, urlsplit

from provider_template.template import location

_PORTS = {"http": 80, "https": 443, "ssh": 22, "git": 9418}
# The address that git calls scp-like: git@host:path.
_SCP = re.compile(r"(?:[^@/:\s]+@)?(?P<host>[^/:\s@]{2,}):(?P<path>(?!//).+)")


def identity(address: str) -> str:
    """Returns what all spellings of a repository's address have in common: host and path, or a folder's whole path.

    https, ssh, `git@host:path` and `gh:` are one; a user, a password, the usual port, `.git` and a last slash do not count.
    Hosts are compared without regard to case, and so are the paths of GitHub and GitLab, which do so, too.
    """
    where = location(address.strip())
    if "://" in where:
        parts = urlsplit(where)
        if parts.scheme == "file":
            return _folder(unquote(parts.path))
        host = (parts.hostname or "").lower()
        try:
            port = parts.port
        except ValueError:
            port = None
        if port and port != _PORTS.get(parts.scheme):
            host = f"{host}:{port}"
        return f"{host}/{_path(unquote(parts.path))}"
    scp = _SCP.fullmatch(where)
    if scp:
        return f"{scp['host'].lower()}/{_path(scp['path'])}"
    return _folder(where)


def host_of(address: str) -> str:
    """Returns the host and port that an address names as a URL does; empty for a folder."""
    where = location(address.strip())
    if "://" in where:
        return urlsplit(where).netloc.rpartition("@")[2].lower()
    scp = _SCP.fullmatch(where)
    return scp["host"].lower() if scp else ""


def _path(text: str) -> str:
    return re.sub("/+", "/", text).strip("/").removesuffix(".git").strip("/").lower()


def _folder(text: str) -> str:
    place = Path(os.path.expanduser(text)).resolve()
    return str(place.parent if place.name == ".git" else place)

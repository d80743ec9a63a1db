"""Temporary files in memory, where there is room for them."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

_MEMORY = Path("/dev/shm")  # noqa: S108 - where Linux has a file system in memory; the files get a folder of their own
_ROOM = 8 * 1024**3
"""Bytes that have to be free: several environments with LiteLLM are made at a time."""


def keep_temporary_files_in_memory() -> None:
    """Lets this process and those that it starts make temporary files in memory, if the machine has the room.

    Renders, clones and environments are some hundred thousand small files. On the disks of many a virtual machine the
    kernel spends as much time on making and deleting them as everything else takes. A TMPDIR of the user's own wins.
    """
    if "TMPDIR" in os.environ or not os.access(_MEMORY, os.W_OK) or shutil.disk_usage(_MEMORY).free < _ROOM:
        return
    os.environ["TMPDIR"] = str(_MEMORY)
    os.environ["UV_LINK_MODE"] = "copy"  # uv's cache is on a disk, to which there are no links
    tempfile.tempdir = None  # asked anew

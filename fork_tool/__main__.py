"""Runs the tool from a folder of any name: `python fork/tool <command>`."""

from __future__ import annotations

import sys
from importlib import import_module
from pathlib import Path

here = Path(__file__).resolve().parent
if not __package__:
    sys.path[0] = str(here.parent)
sys.exit(import_module(f"{__package__ or here.name}.cli").main(sys.argv[1:]))

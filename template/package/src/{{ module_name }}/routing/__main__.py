"""`python -m <module>.routing`: the gateway, without a command line's dependencies. Template's file: do not edit."""

from __future__ import annotations

import sys

from .command import main

if __name__ == "__main__":
    sys.exit(main(name=f"python -m {__package__}"))

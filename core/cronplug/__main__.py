"""`python -m cronplug` is the command `cronplug`."""

from __future__ import annotations

import sys

from cronplug.cli import main

if __name__ == "__main__":
    sys.exit(main())

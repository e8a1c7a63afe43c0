"""`python -m sampan`: the command `sampan`, of this Python."""

from __future__ import annotations

import sys

from sampan.cli.main import main

if __name__ == "__main__":
    sys.exit(main())

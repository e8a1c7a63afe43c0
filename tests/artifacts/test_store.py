"""What the control plane pays for artifacts that it does not move."""

from __future__ import annotations

import subprocess
import sys

HEAVY = ("obstore", "tarfile", "zipfile", "urllib.request", "http.client")


def test_who_asks_loads_no_library_of_servers_and_archives() -> None:
    code = f"import sampan.artifacts, sys; print([m for m in {HEAVY!r} if m in sys.modules])"
    said = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert said.stdout.strip() == "[]"

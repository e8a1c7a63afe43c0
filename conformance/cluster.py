"""A fresh Sampan for one suite, with a registry on loopback that has the images suites ask for.

The suites' own machines pull from registries on the internet; here the same names are pulled from
a real registry with images that are built from Debian packages (`tests/registry.py`).
"""

from __future__ import annotations

import contextlib
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from benchmarks.program import program

NGINX = ("latest", "stable", "1.21.4", "1.15.4", "1.14.2", "1.10", "1.7.9")
_REGISTRY = Path(__file__).parents[1] / "tests" / "registry.py"


@contextlib.contextmanager
def cluster(home: Path, registry: str) -> Iterator[Path]:
    """A running Sampan in `home`; gives its kubeconfig."""
    home.mkdir(mode=0o700)
    (home / "config.yaml").write_text(f"mirrors:\n- prefix: docker.io\n  at: {registry}\n")
    with program(home):
        yield home / "kubeconfig"


@contextlib.contextmanager
def registry(*nginx: str) -> Iterator[str]:
    """The address of a registry that runs meanwhile, with these tags of nginx."""
    command = [sys.executable, _REGISTRY, "--nginx", *nginx]
    server = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert server.stdout is not None
    try:
        yield server.stdout.readline().strip()
    finally:
        server.terminate()
        server.wait()

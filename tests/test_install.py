"""`python3 install.py` on a fresh clone with a fresh home prints the fifteen lines."""

import os
import shutil
import subprocess
import sys

import pytest

from support import ROOT

pytestmark = pytest.mark.slow


@pytest.mark.timeout(300)
def test_fresh_clone(tmp_path):
    if not (ROOT / ".git").exists() or not shutil.which("git"):
        pytest.skip("needs the git checkout")
    clone = tmp_path / "sampan"
    subprocess.run(["git", "clone", "-q", str(ROOT), str(clone)], check=True)
    home = tmp_path / "home"
    home.mkdir(mode=0o700)
    (home / "config.yaml").write_text("port: 0\napi_port: 0\n")
    environment = {**os.environ, "SAMPAN_HOME": str(home), "HOME": str(tmp_path)}
    environment.pop("VIRTUAL_ENV", None)
    python = getattr(sys, "_base_executable", sys.executable)
    try:
        done = subprocess.run(
            [python, "install.py"], cwd=clone, env=environment, capture_output=True, text=True,
            timeout=280, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout + done.stderr
        assert done.stdout.count("Hello\n") == 15
        learning = [clone / ".venv" / "bin" / "python", "-c", "import numpy, scipy, sklearn"]
        subprocess.run(learning, check=True)
    finally:
        subprocess.run([clone / ".venv" / "bin" / "sampan", "down"], env=environment, check=False)

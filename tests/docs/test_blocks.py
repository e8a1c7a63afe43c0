"""Every `sh` and `python` block of README and docs/ is run; what the documents say must hold.

Python blocks are scripts of users, with hera and what else they import installed.
"""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from support import ROOT

pytestmark = pytest.mark.slow
BLOCK = re.compile(r"^```(sh|python)\n(.*?)^```", re.M | re.S)
HERA = ROOT / ".venvs" / "hera" / "bin" / "python"
PYTHON = f"cat > $HOME/script.py <<'SCRIPT'\n{{}}SCRIPT\n{HERA} $HOME/script.py\n"
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
# Set-up from nothing has tests of its own: CI runs `make test`, test_install.py the other.
ELSEWHERE = ("python3 install.py", "make ")


def script(page):
    """All blocks of the page as one shell script: a reader goes through them in order."""
    blocks = [
        PYTHON.format(text) if language == "python" else text
        for language, text in BLOCK.findall(page.read_text())
        if not all(line.startswith(ELSEWHERE) for line in text.splitlines() if line)
        and (language == "sh" or HERA.exists())  # `make setup` makes it
    ]
    return "".join(blocks)


@pytest.mark.parametrize(
    "page", [page for page in PAGES if script(page)], ids=lambda page: page.name
)
def test_what_a_page_says_works(page, tmp_path):
    environment = {**os.environ, "SAMPAN_HOME": str(tmp_path / "home"), "HOME": str(tmp_path)}
    environment["PATH"] = f"{Path(sys.executable).parent}:{environment['PATH']}"
    # A developer's own Sampan may hold the usual ports: free ones are asked for in the config.
    (tmp_path / "home").mkdir(mode=0o700)
    (tmp_path / "home" / "config.yaml").write_text("port: 0\napi_port: 0\n")
    text = f"set -ex\ntrap 'sampan down >/dev/null' EXIT\n{script(page)}"
    done = subprocess.run(
        ["bash", "-c", text], cwd=ROOT, env=environment, capture_output=True, text=True,
        timeout=100, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_link_inside_the_project_leads_somewhere():
    for page in PAGES:
        for link in re.findall(r"\]\(([^)#:]+)\)", page.read_text()):
            assert (page.parent / link).exists(), f"{page.name}: {link}"

"""Every `sh` and `python` block of README and docs/ is run; what the documents say must hold.

Python blocks are scripts of users; a second word at their beginning names the environment of
`.venvs` that has what they import. `python3` of the shell is the one with the pipelines' SDK.
"""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from support import ROOT

pytestmark = pytest.mark.slow
BLOCK = re.compile(r"^```(sh|python (\w+))\n(.*?)^```", re.M | re.S)
ENVIRONMENTS = ROOT / ".venvs"  # `make setup` makes them
PYTHON = "cat > $HOME/script.py <<'SCRIPT'\n{}SCRIPT\n{} $HOME/script.py\n"
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
# Set-up from nothing has tests of its own: CI runs `make test`, test_install.py the other.
ELSEWHERE = ("python3 install.py", "make ")


def script(page):
    """All blocks of the page as one shell script: a reader goes through them in order."""
    blocks = [
        PYTHON.format(text, ENVIRONMENTS / needed / "bin" / "python") if needed else text
        for _, needed, text in BLOCK.findall(page.read_text())
        if not all(line.startswith(ELSEWHERE) for line in text.splitlines() if line)
    ]
    return "".join(blocks)


@pytest.mark.parametrize(
    "page", [page for page in PAGES if script(page)], ids=lambda page: page.name
)
def test_what_a_page_says_works(page, tmp_path):
    environment = {**os.environ, "SAMPAN_HOME": str(tmp_path / "home"), "HOME": str(tmp_path)}
    found = [ENVIRONMENTS / "kfp" / "bin", Path(sys.executable).parent, environment["PATH"]]
    environment["PATH"] = ":".join(map(str, found))
    # A developer's own Sampan may hold the usual ports: free ones are asked for in the config.
    (tmp_path / "home").mkdir(mode=0o700)
    (tmp_path / "home" / "config.yaml").write_text("port: 0\napi_port: 0\n")
    text = f"set -ex\ntrap 'sampan down >/dev/null' EXIT\n{script(page)}"
    done = subprocess.run(
        ["bash", "-c", text], cwd=ROOT, env=environment, capture_output=True, text=True,
        timeout=300, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_block_of_python_says_where_it_runs():
    for page in PAGES:
        text = page.read_text()
        assert len(re.findall(r"^```python", text, re.M)) == len(
            re.findall(r"^```python \w+\n", text, re.M)
        ), page.name


def test_every_link_inside_the_project_leads_somewhere():
    for page in PAGES:
        for link in re.findall(r"\]\(([^)#:]+)\)", page.read_text()):
            assert (page.parent / link).exists(), f"{page.name}: {link}"

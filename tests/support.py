"""A real Sampan, started as a user would, and the kubectls that are found here."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
SAMPAN = [sys.executable, "-m", "sampan.cli.main"]


class Sampan:
    """A home and the program that runs in it."""

    def __init__(self, home):
        self.home = home
        self.kubeconfig = home / "kubeconfig"
        self.environment = {**os.environ, "SAMPAN_HOME": str(home), "HOME": str(home)}
        self.environment["KUBECONFIG"] = str(self.kubeconfig)

    def __call__(self, *words, check=True, text=None, timeout=60):
        """Run `sampan …` and answer with what it printed."""
        return self.run([*SAMPAN, *words], check=check, text=text, timeout=timeout)

    def run(self, command, *, check=True, text=None, timeout=60):
        done = subprocess.run(
            command, env=self.environment, input=text, capture_output=True, text=True,
            timeout=timeout, check=False,
        )  # fmt: skip
        if check and done.returncode:
            raise AssertionError(f"{command}\n{done.stdout}\n{done.stderr}")
        return done.stdout if check else done

    def up(self):
        self("up", "--detach", "--port", "0", "--api-port", "0")

    def down(self):
        self("down")

    @property
    def pid(self):
        return json.loads((self.home / "state.json").read_text())["pid"]

    @property
    def state(self):
        return json.loads((self.home / "state.json").read_text())


def kubectls():
    """Every kubectl on this machine: kubectl, and kubectl.1.NN beside it or on PATH."""
    found = {}
    plain = shutil.which("kubectl")
    if plain:
        found["kubectl"] = plain
        beside = Path(plain).resolve().parent
        found.update({path.name: str(path) for path in sorted(beside.glob("kubectl.1.*"))})
    return found

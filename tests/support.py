"""A real Sampan, started as a user would, and the kubectls that are found here."""

import base64
import json
import os
import shutil
import ssl
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import yaml

ROOT = Path(__file__).parents[1]
SAMPAN = [sys.executable, "-m", "sampan.cli.main"]


def until(condition, seconds=20):
    """What the condition answers once that is true; it is asked again and again."""
    end = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < end, "not in time"
        time.sleep(0.05)
    return found


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

    def request(self, method, path, body=None):
        """Ask the API server, which is quicker than a program: (status, body)."""
        config = yaml.safe_load(self.kubeconfig.read_text())
        cluster, user = config["clusters"][0]["cluster"], config["users"][0]["user"]
        authority = base64.b64decode(cluster["certificate-authority-data"]).decode()
        request = urllib.request.Request(
            cluster["server"] + path, method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={"Authorization": f"Bearer {user['token']}",
                     "Content-Type": "application/json"},
        )  # fmt: skip
        context = ssl.create_default_context(cadata=authority)
        with urllib.request.urlopen(request, context=context, timeout=60) as answer:
            return answer.status, json.load(answer)

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
    """Every kubectl.1.NN beside the kubectl on PATH; that one alone where there are none: with
    several, it only starts the one that fits the server."""
    plain = shutil.which("kubectl")
    if not plain:
        return {}
    beside = sorted(Path(plain).resolve().parent.glob("kubectl.1.*"))
    return {path.name: str(path) for path in beside} or {"kubectl": plain}

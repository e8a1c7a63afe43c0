"""A real Sampan, started as a user would, and the kubectls that are found here."""

import base64
import json
import os
import shutil
import signal
import ssl
import subprocess
import sys
import time
import urllib.request
from collections import Counter
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


def kill(sampan):
    """End the control plane as a crash would, and wait until the kernel has taken it away."""
    pid = sampan.pid
    os.kill(pid, signal.SIGKILL)
    while os.path.exists(f"/proc/{pid}") and "Z" not in _state_of(pid):
        time.sleep(0.01)


def _state_of(pid):
    try:
        with open(f"/proc/{pid}/stat") as stat:
            return stat.read().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return "Z"


VOLUME = {"name": "log", "persistentVolumeClaim": {"claimName": "log"}}
MOUNT = {"name": "log", "mountPath": "/log"}


class Ledger:
    """A claim of a namespace of its own (`VOLUME`), on which programs write a line each in a file
    at /log, so that one that ran twice, or never, is seen."""

    def __init__(self, sampan, namespace, labels=None):
        self._sampan = sampan
        self._below = f"/api/v1/namespaces/{namespace}"
        self.namespace = namespace
        about = {"name": namespace, "labels": labels or {}}
        sampan.request("POST", "/api/v1/namespaces", {"metadata": about})
        wanted = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Mi"}}}
        claim = {"metadata": {"name": "log"}, "spec": wanted}
        sampan.request("POST", f"{self._below}/persistentvolumeclaims", claim)

    def run(self, name, script):
        """Run a script in a pod that has the claim, and answer with what it printed."""
        container = {"name": "main", "image": "busybox", "command": ["sh", "-c", script]}
        container["volumeMounts"] = [MOUNT]
        spec = {"restartPolicy": "Never", "volumes": [VOLUME], "containers": [container]}
        pod = {"metadata": {"name": name}, "spec": spec}
        self._sampan.request("POST", f"{self._below}/pods", pod)

        def phase():
            found = self._sampan.request("GET", f"{self._below}/pods/{name}")[1]
            return found["status"].get("phase")

        until(lambda: phase() in ("Succeeded", "Failed"), seconds=90)
        return self._sampan("logs", "-n", self.namespace, name)

    def lines(self, file="lines"):
        """How often each line is there."""
        return Counter(self.run(f"reader-of-{file}", f"cat /log/{file}").split())

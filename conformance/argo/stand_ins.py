"""What is beside upstream's test cluster: an S3 server `minio:9000`, `httpbin:9100`, a driver of
artifacts that stores in the former, and the database of the image `influxdb`, as far as examples
write to it.

Each runs once, as a pod in a namespace of its own; a case that names one gets a Service by that
name in its namespace. The S3 server is moto, which believes every signature; the other one is the
little of httpbin that the cases ask for.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

Manifest = dict[str, Any]
NAMESPACE = "upstream"
MOTO = Path(__file__).parents[2] / ".venvs" / "moto"
_GRPC = MOTO.with_name("grpc")
_DRIVER = Path(__file__).parents[2] / "tests" / "artifact_driver.py"
_DRIVERS = "- name: test\n  image: ghcr.io/argoproj-labs/artifact-driver-s3:v0.3.1\n"
_PLUGINS = ("plugin-v1", "plugin-bucket")
_BUCKETS = ("plugin-bucket", "my-bucket", "my-bucket-2", "my-bucket-3", "my-bucket-4")
_PORTS = {"minio": 9000, "httpbin": 9100}
_PATIENCE = 30.0

_S3 = f"""
import threading, time, urllib.request
from moto.server import main
threading.Thread(target=main, args=(["-H", "0.0.0.0", "-p", "9000"],), daemon=True).start()
for name in {_BUCKETS!r}:
    while True:
        try:
            url = f"http://127.0.0.1:9000/{{name}}"
            urllib.request.urlopen(urllib.request.Request(url, method="PUT"))
            break
        except OSError:
            time.sleep(0.1)
open("/tmp/ready", "w").close()
time.sleep(1e6)
"""
_HTTPBIN = """
import base64, json
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
class Handler(BaseHTTPRequestHandler):
    def answer(self):
        body = self.rfile.read(int(self.headers.get("content-length") or 0))
        said, status = self.headers.get("authorization", ""), 200
        parts = self.path.partition("?")[0].strip("/").split("/")
        answer = {"url": self.path, "headers": dict(self.headers), "data": len(body)}
        if parts[0] == "basic-auth":
            wanted = base64.b64encode(":".join(parts[1:3]).encode()).decode()
            status = 200 if said == f"Basic {wanted}" else 401
        elif parts[0] == "bearer":
            status = 200 if said.startswith("Bearer ") else 401
        elif parts[0] == "token":
            answer = {"access_token": "t", "token_type": "bearer", "expires_in": 60}
        elif parts[0] == "status":
            status = int(parts[1])
        text = json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)
    do_GET = do_PUT = do_POST = answer
open("/tmp/ready", "w").close()
ThreadingHTTPServer(("0.0.0.0", 9100), Handler).serve_forever()
"""
_RUN = {"minio": ("conformance/moto", _S3), "httpbin": ("python", _HTTPBIN)}


_INFLUXDB = """
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
class Handler(BaseHTTPRequestHandler):
    def answer(self):
        self.rfile.read(int(self.headers.get("content-length") or 0))
        self.send_response(200 if self.path.startswith("/query") else 204)
        self.end_headers()
        self.wfile.write(b'{"results":[{"statement_id":0}]}' * self.path.startswith("/query"))
    do_GET = do_POST = answer
ThreadingHTTPServer(("0.0.0.0", 8086), Handler).serve_forever()
"""


def config() -> str:
    """What the cluster's config.yaml has to say for these pods and images."""
    influxdb = {"match": "influxdb", "host": True, "entrypoint": ["python3", "-c", _INFLUXDB]}
    moto = {"match": "conformance/moto", "python": str(MOTO)}
    driver = {
        "match": "ghcr.io/argoproj-labs/artifact-driver-s3:*",
        "python": str(_GRPC),
        "entrypoint": ["python3", "-c", _DRIVER.read_text()],
    }
    images = [moto, influxdb, *([driver] * _GRPC.exists())]
    return f"images: {json.dumps(images)}\n"


_ANYTHING = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
_ROUTES = {
    "apiVersion": "apiextensions.k8s.io/v1",
    "kind": "CustomResourceDefinition",
    "metadata": {"name": "routes.route.openshift.io"},
    "spec": {
        "group": "route.openshift.io",
        "scope": "Namespaced",
        "names": {"plural": "routes", "singular": "route", "kind": "Route"},
        "versions": [
            {
                "name": "v1",
                "served": True,
                "storage": True,
                "schema": {"openAPIV3Schema": _ANYTHING},
            }
        ],
    },
}


def _certificate() -> Manifest:
    """A Secret with a certificate for clients, for which nobody here asks."""
    with tempfile.TemporaryDirectory() as work:
        key, cert = Path(work, "key.pem"), Path(work, "cert.pem")
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
             "-nodes", "-subj", "/CN=client", "-keyout", key, "-out", cert],
            check=True, capture_output=True,
        )  # fmt: skip
        data = {"key.pem": key.read_text(), "cert.pem": cert.read_text()}
    about = {"name": "my-httpbin-cred"}
    return {"apiVersion": "v1", "kind": "Secret", "metadata": about, "stringData": data}


class StandIns:
    """Starts each server when the first case names it."""

    def __init__(self, ask: Callable[..., Any]) -> None:
        self._ask = ask
        self._addresses: dict[str, str] = {}

    def start(self) -> None:
        self._ask("POST", "/api/v1/namespaces", {"metadata": {"name": NAMESPACE}})
        for name in _PORTS:
            if name != "minio" or MOTO.exists():
                self._ask("POST", f"/api/v1/namespaces/{NAMESPACE}/pods", _pod(name))
                self._addresses[name] = self._address(name)
            else:
                print(f"no S3 server: {MOTO} is not there (make setup)", file=sys.stderr)

    def _address(self, name: str) -> str:
        until = time.monotonic() + _PATIENCE
        while time.monotonic() < until:
            pod = self._ask("GET", f"/api/v1/namespaces/{NAMESPACE}/pods/{name}")
            ready = {each["type"]: each["status"] for each in pod["status"].get("conditions", ())}
            if ready.get("Ready") == "True":
                return str(pod["status"]["podIP"])
            time.sleep(0.1)
        raise TimeoutError(f"{name} did not start")

    def prepare(self) -> None:
        """What the cluster as a whole has: OpenShift's kind Route, as far as a case names it, and a
        driver of artifacts."""
        path = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
        self._ask("POST", path, _ROUTES)
        self._ask("POST", "/api/v1/namespaces", {"metadata": {"name": "argo"}})
        settings = {
            "metadata": {"name": "workflow-controller-configmap"},
            "data": {"artifactDrivers": _DRIVERS},
        }
        self._ask("POST", "/api/v1/namespaces/argo/configmaps", settings)

    def needed(self, text: str) -> Iterator[Manifest]:
        """The Services for a case in which this text stands."""
        for name, address in self._addresses.items():
            stores = name == "minio" and any(each in text for each in _PLUGINS)
            if stores or f"{name}:{_PORTS[name]}" in text:
                port = {"name": "main", "port": _PORTS[name]}
                about = {"metadata": {"name": name}}
                yield {"apiVersion": "v1", "kind": "Service", **about, "spec": {"ports": [port]}}
                subset = {"addresses": [{"ip": address}], "ports": [port]}
                yield {"apiVersion": "v1", "kind": "Endpoints", **about, "subsets": [subset]}
        if "cert.pem" in text:
            yield _certificate()


def _pod(name: str) -> Manifest:
    image, source = _RUN[name]
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name},
        "spec": {
            "containers": [
                {
                    "name": "main",
                    "image": image,
                    "command": ["python3", "-c", source],
                    "ports": [{"containerPort": _PORTS[name]}],
                    "readinessProbe": {
                        "exec": {"command": ["test", "-e", "/tmp/ready"]},
                        "periodSeconds": 1,
                    },
                }
            ]
        },
    }

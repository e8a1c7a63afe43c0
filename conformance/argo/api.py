"""The little of a client that the runner needs: REST with a token, in several threads."""

from __future__ import annotations

import base64
import http.client
import json
import ssl
import threading
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from sampan.lib import yaml

Manifest = dict[str, Any]
CLUSTER_SCOPED = (
    "Namespace", "ClusterWorkflowTemplate", "PriorityClass", "ClusterRole", "ClusterRoleBinding",
)  # fmt: skip


class Refused(Exception):
    """The API server's words."""


class Api:
    """The little of a client that is needed, with one connection for each thread."""

    def __init__(self, home: Path) -> None:
        config = yaml.load((home / "kubeconfig").read_text())
        self.gateway: str = json.loads((home / "state.json").read_text())["gateway"]
        cluster, user = config["clusters"][0]["cluster"], config["users"][0]["user"]
        authority = base64.b64decode(cluster["certificate-authority-data"]).decode()
        self._context = ssl.create_default_context(cadata=authority)
        self._where = urlsplit(cluster["server"])
        self.token: str = user["token"]
        self._plurals: dict[tuple[str, str], str] = {}
        self._local = threading.local()

    def ask(self, method: str, path: str, body: Any = None, kind: str = "json") -> Any:
        """The answer; raises Refused for a 4xx or 5xx."""
        connection = getattr(self._local, "connection", None)
        if connection is None:
            host, port = str(self._where.hostname), self._where.port
            connection = http.client.HTTPSConnection(host, port, context=self._context, timeout=60)
            self._local.connection = connection
        content = "application/json" if kind == "json" else "application/merge-patch+json"
        headers = {"Authorization": f"Bearer {self.token}", "Content-Type": content}
        sent = None if body is None else json.dumps(body, default=str)
        try:
            connection.request(method, path, sent, headers)
            answer = connection.getresponse()
            text = answer.read()
        except (OSError, http.client.HTTPException):
            self._local.connection = None
            raise
        if answer.status >= 400:
            raise Refused(f"{answer.status} {_message(text)}")
        return json.loads(text or b"{}")

    def argo(self, method: str, path: str, verb: str, body: Any) -> Any:
        """A verb of the Argo Server for the workflow at this path of the API server."""
        parts = path.split("/")
        namespace, name = parts[5], parts[7]
        url = f"{self.gateway}/argo/api/v1/workflows/{namespace}/{name}/{verb}"
        headers = {"Authorization": f"Bearer {self.token}", "Content-Type": "application/json"}
        whole = json.dumps({"name": name, "namespace": namespace, **body}).encode()
        request = urllib.request.Request(url, whole, headers, method=method)
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as error:
            raise Refused(f"argo {verb}: {error.code} {error.read().decode()[:200]}") from error

    def path(self, manifest: Manifest, namespace: str) -> str:
        version, kind = manifest.get("apiVersion") or "v1", manifest.get("kind") or ""
        base = f"/api/{version}" if "/" not in version else f"/apis/{version}"
        if (version, kind) not in self._plurals:
            for each in self.ask("GET", base).get("resources", ()):
                if "/" not in each["name"]:
                    self._plurals[version, each["kind"]] = each["name"]
        plural = self._plurals.get((version, kind))
        if plural is None:
            raise Refused(f"no kind {kind} in {version}")
        if kind in CLUSTER_SCOPED:
            return f"{base}/{plural}"
        return f"{base}/namespaces/{namespace}/{plural}"

    def create(self, manifest: Manifest, namespace: str) -> Manifest:
        made: Manifest = self.ask("POST", self.path(manifest, namespace), manifest)
        return made

    def ensure(self, manifest: Manifest, namespace: str) -> None:
        """As `kubectl apply` does for what may be there from another case."""
        path = self.path(manifest, namespace)
        there = f"{path}/{manifest['metadata']['name']}"
        if not self._has(there):
            try:
                self.ask("POST", path, manifest)
                return
            except Refused as refused:
                if not str(refused).startswith("409"):
                    raise  # else another case was quicker
        self.ask("PATCH", there, manifest, kind="merge")

    def _has(self, path: str) -> bool:
        try:
            self.ask("GET", path)
        except Refused:
            return False
        return True


def _message(text: bytes) -> str:
    """Of a Status; a path that nobody serves is answered with a line of text."""
    try:
        return str(json.loads(text)["message"])
    except (ValueError, KeyError, TypeError):
        return text.decode(errors="replace").strip()

"""How to reach a cluster: from a kubeconfig, or from inside a pod.

Reads server, certificate authority, token (also from a file), client certificate and namespace of
one context. Credentials that a command or a plugin has to fetch are refused with a word about it.
Upstream: k8s.io/client-go tools/clientcmd, rest.InClusterConfig.
"""

from __future__ import annotations

import base64
import binascii
import os
from pathlib import Path
from typing import Any

from msgspec import Struct

from sampan.kube import names
from sampan.kube.errors import UserMistake
from sampan.lib import yaml


class Access(Struct, frozen=True, kw_only=True):
    """`authority`, `certificate` and `key` are PEM. `token_file` is read again as it changes."""

    server: str
    authority: bytes = b""
    server_name: str = ""
    insecure: bool = False
    token: str = ""
    token_file: str = ""
    certificate: bytes = b""
    key: bytes = b""
    namespace: str = "default"


def load(path: str | Path | None = None, context: str = "") -> Access:
    """The access that a context (the current one) describes.

    path: None reads the first existing file of $KUBECONFIG, or ~/.kube/config.
    Raises UserMistake when there is none, or when it does not say enough.
    """
    file = Path(path) if path is not None else _default_path()
    try:
        config = yaml.load(file.read_text())
    except OSError as error:
        raise UserMistake(f"{file} cannot be read: {error.strerror}") from error
    except yaml.YamlError as error:
        raise UserMistake(f"{file}: {error}") from error
    if not isinstance(config, dict):
        raise UserMistake(f"{file} is no kubeconfig")
    return _access(config, context or config.get("current-context") or "", file)


def in_cluster() -> Access:
    """The access of a pod, by its service account. UserMistake outside of one."""
    host, port = (
        os.environ.get("KUBERNETES_SERVICE_HOST"),
        os.environ.get("KUBERNETES_SERVICE_PORT"),
    )
    place = Path(names.ACCOUNT_PATH)
    if not host or not port or not (place / "token").exists():
        raise UserMistake("this is no pod with a service account")
    address = f"[{host}]" if ":" in host else host
    return Access(
        server=f"https://{address}:{port}",
        authority=(place / "ca.crt").read_bytes(),
        token_file=str(place / "token"),
        namespace=(place / "namespace").read_text().strip(),
    )


def _default_path() -> Path:
    listed = [Path(each) for each in os.environ.get("KUBECONFIG", "").split(os.pathsep) if each]
    paths = listed or [Path.home() / ".kube" / "config"]
    found = next((each for each in paths if each.exists()), None)
    if found is None:
        raise UserMistake(f"there is no kubeconfig at {paths[0]}")
    return found


def _access(config: dict[str, Any], name: str, file: Path) -> Access:
    context = _named(config, "context", name, file)
    cluster = _named(config, "cluster", context.get("cluster", ""), file)
    user = _named(config, "user", context["user"], file) if context.get("user") else {}
    for field in ("exec", "auth-provider"):
        if user.get(field):
            raise UserMistake(
                f'{file}: user "{context["user"]}" gets credentials by {field}, which is not'
                " supported; use a token or a client certificate"
            )
    if not cluster.get("server"):
        raise UserMistake(f'{file}: cluster "{context.get("cluster")}" has no server')
    return Access(
        server=str(cluster["server"]).rstrip("/"),
        authority=_pem(cluster, "certificate-authority", file),
        server_name=cluster.get("tls-server-name") or "",
        insecure=bool(cluster.get("insecure-skip-tls-verify")),
        token=user.get("token") or "",
        token_file=_place(user.get("tokenFile"), file),
        certificate=_pem(user, "client-certificate", file),
        key=_pem(user, "client-key", file),
        namespace=context.get("namespace") or "default",
    )


def _named(config: dict[str, Any], what: str, name: str, file: Path) -> dict[str, Any]:
    for entry in config.get(f"{what}s") or ():
        if entry.get("name") == name:
            return dict(entry.get(what) or {})
    raise UserMistake(f'{file} has no {what} "{name}"')


def _pem(entry: dict[str, Any], field: str, file: Path) -> bytes:
    """`field`-data holds it in base64, `field` names a file beside the kubeconfig."""
    try:
        if data := entry.get(f"{field}-data"):
            return base64.b64decode(data, validate=True)
        place = _place(entry.get(field), file)
        return Path(place).read_bytes() if place else b""
    except binascii.Error as error:
        raise UserMistake(f"{file}: {field}-data is not base64") from error
    except OSError as error:
        raise UserMistake(f"{file}: {field}: {error.strerror}") from error


def _place(path: str | None, file: Path) -> str:
    return str(file.parent / path) if path else ""

"""Who we are at a registry: Docker's files of logins, and what a registry's 401 asks for. Pure but
for `own`.

Keys of such files are host names with an optional path, wildcards in the host (`*.example.com`), or
old URLs (`https://index.docker.io/v1/`). The most specific one that fits is taken, as the kubelet
does (kubernetes pkg/credentialprovider).
"""

from __future__ import annotations

import base64
import binascii
import json
import os
import re
from collections.abc import Iterable, Mapping
from fnmatch import fnmatchcase
from typing import Any

from msgspec import Struct

_SCHEME = re.compile(r"\s*([A-Za-z][A-Za-z0-9_\-]*)\s*")
_PARAMETER = re.compile(r'\s*([A-Za-z0-9_\-]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,"]+))\s*,?')


class Login(Struct, frozen=True):
    """At `server` (host, optional path, wildcards). `token` is an identity token: it is exchanged
    for an access token instead of a password."""

    server: str
    username: str = ""
    password: str = ""
    token: str = ""

    @property
    def basic(self) -> str:
        """The value of an Authorization header."""
        pair = f"{self.username}:{self.password}".encode()
        return "Basic " + base64.b64encode(pair).decode()


class Challenge(Struct, frozen=True):
    scheme: str
    parameters: Mapping[str, str]


def read(text: str | bytes) -> list[Login]:
    """The logins of a `.dockerconfigjson` ({"auths": …}) or of an old `.dockercfg`. ValueError
    when it is neither; single entries that make no sense are left out."""
    found = json.loads(text)
    if not isinstance(found, dict):
        raise ValueError("no object of logins")
    entries = found.get("auths", found if _is_old(found) else {})
    if not isinstance(entries, dict):
        raise ValueError("auths is no object")
    logins = (_login(server, entry) for server, entry in entries.items())
    return [login for login in logins if login is not None]


def own() -> list[Login]:
    """Of whoever runs this process, as `docker login` and `podman login` have written them down."""
    directory = os.environ.get("DOCKER_CONFIG") or os.path.expanduser("~/.docker")
    places = [f"{directory}/config.json", os.environ.get("REGISTRY_AUTH_FILE", "")]
    found: list[Login] = []
    for path in places:
        try:
            with open(path, "rb") as file:
                found += read(file.read())
        except (OSError, ValueError):
            continue
    return found


def best(logins: Iterable[Login], registry: str, repository: str) -> list[Login]:
    """Those for this repository, the most specific ones first."""
    fitting = [login for login in logins if _fits(login.server, registry, repository)]
    return sorted(fitting, key=lambda login: len(login.server), reverse=True)


def challenge(header: str) -> Challenge | None:
    """What a WWW-Authenticate header asks for; None when it cannot be read."""
    scheme = _SCHEME.match(header)
    if scheme is None:
        return None
    parameters = {}
    at = scheme.end()
    while match := _PARAMETER.match(header, at):
        value = match[3] if match[2] is None else re.sub(r"\\(.)", r"\1", match[2])
        parameters[match[1].lower()] = value
        at = match.end()
    return Challenge(scheme[1].lower(), parameters)


def server_of(key: str) -> str:
    """A key of a login file as host and path."""
    plain = re.sub(r"^https?://", "", key).rstrip("/")
    plain = re.sub(r"/v[12]$", "", plain)
    host, slash, path = plain.partition("/")
    if host in ("index.docker.io", "registry-1.docker.io", "registry.hub.docker.com"):
        host = "docker.io"
    return host + slash + path


def _fits(server: str, registry: str, repository: str) -> bool:
    host, _, path = server.partition("/")
    if host.count(".") != registry.count(".") or not fnmatchcase(registry, host):
        return False
    return not path or repository == path or repository.startswith(path + "/")


def _is_old(found: Mapping[str, Any]) -> bool:
    return all(isinstance(entry, dict) for entry in found.values())


def _login(server: str, entry: Any) -> Login | None:
    if not isinstance(entry, dict):
        return None
    username, password = entry.get("username") or "", entry.get("password") or ""
    token = entry.get("identitytoken") or ""
    if entry.get("auth"):
        try:
            pair = base64.b64decode(entry["auth"]).decode()
        except (binascii.Error, UnicodeDecodeError, TypeError):
            return None
        username, _, password = pair.rstrip("\0").partition(":")
    texts = (username, password, token)
    if not all(isinstance(text, str) for text in texts) or not any(texts):
        return None
    return Login(server_of(server), *texts)

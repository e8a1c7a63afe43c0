"""Which server an artifact's location leads to, so that names of the cluster can be recognised."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from sampan.kube import locations
from sampan.kube.locations import Location

_PORTS = {"http": 80, "https": 443, "ssh": 22, "git": 9418}
_SCP = re.compile(r"^(?:[^@/]+@)?([^:/]+):(?!//)")  # git@host:path


def destination(artifact: Location) -> tuple[str, int] | None:
    """(host, port); None where there is no server, or it is one of a cloud."""
    name = locations.kind_of(artifact)
    settings = artifact.get(name) or {}
    if name in ("s3", "oss"):
        endpoint = str(settings.get("endpoint") or "")
        scheme = "http" if settings.get("insecure") else "https"
        return _of_url(endpoint if "://" in endpoint else f"{scheme}://{endpoint}")
    if name in ("http", "artifactory"):
        return _of_url(str(settings.get("url") or ""))
    if name == "azure":
        return _of_url(str(settings.get("endpoint") or ""))
    if name == "git":
        repo = str(settings.get("repo") or "")
        found = _SCP.match(repo)
        return (found[1], 22) if found else _of_url(repo)
    return None


def _of_url(url: str) -> tuple[str, int] | None:
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port or _PORTS.get(parts.scheme)
    except ValueError:
        return None
    return (host, port) if host and port else None

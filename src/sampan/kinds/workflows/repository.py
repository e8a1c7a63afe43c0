"""The artifact repository of a workflow: what completes an artifact that only has a key, or none.

The workflow may name a ConfigMap and a key of it; otherwise the namespace's `artifact-repositories`
says what is usual there, otherwise the operator's settings, otherwise it is the repository that is
part of this program. What was found once stays in the status, whatever becomes of the ConfigMap.
Upstream: argo-workflows workflow/artifactrepositories/artifactrepositories.go.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import msgspec
from msgspec import Struct

from sampan.kinds.workflows import settings
from sampan.kube import locations, meta, names
from sampan.kube.keys import Key, Manifest
from sampan.kube.plan import View
from sampan.lib import yaml

_CONFIG_MAP = "artifact-repositories"
_USUAL = names.WORKFLOWS_PREFIX + "default-artifact-repository"

Ref = Mapping[str, Any]
"""As in a status: configMap, key, namespace, default, artifactRepository."""


class Repository(Struct, frozen=True):
    """`ref` is what a status says of it. `fault` is why there is none."""

    ref: Ref = msgspec.field(default_factory=lambda: _usual(locations.LOCAL))
    fault: str = ""

    @property
    def settings(self) -> Mapping[str, Any]:
        """The repository itself: `archiveLogs`, and `s3` or one of its like."""
        return self.ref.get("artifactRepository") or {}


class _Unreadable(ValueError):
    pass


def _usual(repository: Mapping[str, Any]) -> Ref:
    return {"default": True, "artifactRepository": repository}


def see(cluster: View, workflow: Manifest) -> Repository:
    """`workflow` with its whole spec."""
    wanted: Ref | None = workflow["spec"].get("artifactRepositoryRef")
    namespace = workflow["metadata"]["namespace"]
    kept = (workflow.get("status") or {}).get("artifactRepositoryRef")
    if kept and kept.get("artifactRepository"):
        return Repository(kept)
    usual = _operators(cluster)
    if kept and kept.get("default"):
        return Repository({**kept, "artifactRepository": usual})
    places = [namespace] if wanted is None else [namespace, *settings.NAMESPACES]
    try:
        for place in places:
            found = _look(cluster, place, wanted or {})
            if found is not None:
                return Repository(found)
    except _Unreadable as error:
        return Repository({}, f"failed to resolve artifact repository: {error}")
    if wanted is None:
        return Repository(_usual(usual))
    said = f"{wanted.get('configMap') or ''}#{wanted.get('key') or ''}"
    return Repository(
        {},
        "failed to resolve artifact repository: failed to find any artifact repository for "
        f'artifact repository ref "{said}"',
    )


def _operators(cluster: View) -> Mapping[str, Any]:
    """The repository of all workflows that say nothing else."""
    try:
        found = settings.read(cluster).get("artifactRepository")
    except settings.Mistake:  # which the workflow's execution complains of
        found = None
    given = isinstance(found, dict) and isinstance(found.get(locations.kind_of(found)), dict)
    return found if found is not None and given else locations.LOCAL


def _look(cluster: View, namespace: str, wanted: Ref) -> Ref | None:
    name = str(wanted.get("configMap") or _CONFIG_MAP)
    manifest = cluster.get(Key(names.CONFIG_MAP, namespace, name))
    if manifest is None:
        return None
    noted = meta.annotations_of(manifest)
    key = str(wanted.get("key") or noted.get(_USUAL) or "")
    text = (manifest.get("data") or {}).get(key)
    if text is None:
        return None
    said = f"{namespace}/{wanted.get('configMap') or ''}#{wanted.get('key') or ''}"
    return {
        "namespace": namespace,
        "configMap": name,
        "key": key,
        "artifactRepository": _parsed(text, key, said),
    }


@lru_cache(maxsize=256)
def _parsed(text: str, key: str, said: str) -> Mapping[str, Any]:
    try:
        found = yaml.load(text)
    except yaml.YamlError as error:
        why = str(error)
    else:
        if found is None:
            return {}
        kind = locations.kind_of(found) if isinstance(found, dict) else ""
        if isinstance(found, dict) and (not kind or isinstance(found[kind], dict)):
            return found
        why = "not an object with a repository in it"
    raise _Unreadable(
        f'error getting config map for artifact repository ref "{said}": failed to unmarshall '
        f'config map key "{key}" for artifact repository ref "{said}": {why}'
    )

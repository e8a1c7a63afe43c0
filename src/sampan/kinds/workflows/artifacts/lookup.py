"""Where an artifact of a node lies, from what a workflow's status says of it.

For those who want to see it: downloads, and the collection of what is not needed any more.
Upstream: argo-workflows server/artifacts/artifact_server.go getArtifactAndDriver.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any

from sampan.kinds.workflows import naming
from sampan.kube import locations
from sampan.kube.keys import Manifest

NO_SPECS: Mapping[str, Mapping[str, Any]] = MappingProxyType({})


class NoSuch(ValueError):
    """There is no such node or artifact, or nothing that says where it lies."""


def find(workflow: Manifest, node: str, name: str, end: str) -> dict[str, Any]:
    """The artifact with its whole location. `end` is inputs or outputs. Raises NoSuch."""
    status = workflow.get("status") or {}
    known = (status.get("nodes") or {}).get(node)
    if known is None:
        raise NoSuch(f"there is no node {node!r}")
    listed = (known.get(end) or {}).get("artifacts") or ()
    artifact = next((each for each in listed if each.get("name") == name), None)
    if artifact is None:
        raise NoSuch(f"artifact not found: {name}")
    if artifact.get("deleted"):
        raise NoSuch(f"artifact {name} has been deleted")
    try:
        return locations.relocated(artifact, place_of(workflow, naming.template_of(known)))
    except ValueError as error:
        raise NoSuch(f"artifact {name}: {error}") from error


def place_of(workflow: Manifest, template: str) -> dict[str, Any]:
    """What completes the artifacts of a template's nodes: its own archive location, otherwise the
    workflow's repository."""
    for each in templates(workflow):
        own = each.get("archiveLocation") or {}
        if each.get("name") == template and locations.is_whole(own):
            return dict(own)
    ref = (workflow.get("status") or {}).get("artifactRepositoryRef") or {}
    return locations.of_repository(ref.get("artifactRepository") or {})


def templates(
    workflow: Manifest, library: Mapping[str, Mapping[str, Any]] = NO_SPECS
) -> Iterator[Mapping[str, Any]]:
    """Its own, and those of others that it may use; `library` has their specs."""
    status = workflow.get("status") or {}
    yield from workflow["spec"].get("templates") or ()
    yield from (status.get("storedWorkflowTemplateSpec") or {}).get("templates") or ()
    yield from (status.get("storedTemplates") or {}).values()
    for other in library.values():
        yield from other.get("templates") or ()

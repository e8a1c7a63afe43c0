"""Where the artifacts of a pod go that name no place of their own: its archive location.

The template may say it; otherwise it comes from the artifact repository, and only for templates
that need one. Logs are kept if the repository says so, else if the template, else the workflow.
Upstream: argo-workflows workflow/controller/workflowpod.go addArchiveLocation, IsArchiveLogs.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sampan.kinds.workflows.language import tags
from sampan.kinds.workflows.types import Template
from sampan.kube import locations


def located(
    template: Template,
    spec: Mapping[str, Any],
    repository: Mapping[str, Any],
    known: Mapping[str, Any],
) -> Template:
    """The template with its archive location, if it needs one. `spec` is the workflow's."""
    own = template.get("archiveLocation") or {}
    if locations.is_whole(own):
        return template
    logs = _keeps_logs(spec, own, repository)
    if not logs and all(locations.is_whole(each) for each in _artifacts(template)):
        return template
    place = tags.fill(locations.of_repository(repository), known)
    return {**template, "archiveLocation": {"archiveLogs": logs, **place}}


def _artifacts(template: Template) -> list[Mapping[str, Any]]:
    ends = (template.get("inputs") or {}, template.get("outputs") or {})
    listed = ((template.get("data") or {}).get("source") or {}).get("artifactPaths")
    found = [each for end in ends for each in end.get("artifacts") or ()]
    return found if listed is None else [*found, listed]


def _keeps_logs(
    spec: Mapping[str, Any], own: Mapping[str, Any], repository: Mapping[str, Any]
) -> bool:
    if repository.get("archiveLogs"):
        return True
    said = own.get("archiveLogs")
    return bool(spec.get("archiveLogs") if said is None else said)

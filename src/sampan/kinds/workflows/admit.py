"""Admission: what the API server says when one of the kinds is written.

Refused is what upstream's API server refuses (the schema, the rules of its full CRDs) and what
Sampan cannot do. All else is the validator's: as upstream, the object is stored and the workflow
ends as Failed with `invalid spec: …`; whoever writes it is warned at once.
Upstream: argo-workflows manifests/base/crds/full (x-kubernetes-validations).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from sampan.kinds.workflows import spelling
from sampan.kinds.workflows.resolve import join, references
from sampan.kinds.workflows.validate import manifests, shape, unsupported
from sampan.kube.component import Rules
from sampan.kube.errors import Problem, invalid, required
from sampan.kube.keys import Manifest

MOST = 200
"""Templates of a workflow, tasks of a dag: what upstream's full CRDs allow. Here: a warning."""
_LOCATIONS = (
    "s3", "git", "http", "artifactory", "hdfs", "raw", "oss", "gcs", "azure", "plugin",
)  # fmt: skip

Spec = Mapping[str, Any]


def validate(manifest: Manifest, old: Manifest | None) -> list[Problem]:
    """On an update only a spec that changed is looked at: status is written often."""
    if old is not None and old.get("spec") == manifest.get("spec"):
        return []
    at, spec = _spec(manifest)
    found = [*shape.problems(spec, at), *_claims(spec, at)]
    return found or [*unsupported.refused(spec, at), *_rules(spec, at)]


def _claims(spec: Spec, path: str) -> Iterator[Problem]:
    """Claims that no PersistentVolumeClaim can be made of."""
    for index, claim in enumerate(spec.get("volumeClaimTemplates") or ()):
        at = f"{path}.volumeClaimTemplates[{index}]"
        if not (claim.get("metadata") or {}).get("name"):
            yield required(f"{at}.metadata.name")
        if not claim.get("spec"):
            yield required(f"{at}.spec")


def _spec(manifest: Manifest) -> tuple[str, Spec]:
    """The spec of a workflow in a manifest of any kind that has one, and where it is."""
    spec = manifest.get("spec") or {}
    if "workflowSpec" in spec:
        return "spec.workflowSpec", spec["workflowSpec"] or {}
    return "spec", spec


def _rules(spec: Spec, path: str) -> Iterator[Problem]:
    """What the rules of upstream's CRDs refuse, in their words."""
    for template in spec.get("templates") or ():
        if sum(template.get(kind) is not None for kind in join.TYPES) > 1:
            fault = "template must have at most one template type"
            yield invalid(f"{path}.templates", "array", fault)
            break
    for index, template in enumerate(spec.get("templates") or ()):
        yield from _template(template, f"{path}.templates[{index}]")
    yield from _arguments(spec, path)


def _template(template: Spec, path: str) -> Iterator[Problem]:
    dag = bool(template.get("dag"))
    leaf = any(template.get(kind) is not None for kind in join.TYPES if kind not in _GROUPS)
    for place, child in references.placed(template):
        yield from _arguments(child, f"{path}.{place}")
        sequence = child.get("withSequence") or {}
        if sequence.get("count") is not None and sequence.get("end") is not None:
            fault = "only one of count or end can be defined"
            yield invalid(f"{path}.{place}.withSequence", "object", fault)
        if dag:
            yield from _task(child, f"{path}.{place}")
    if leaf:
        for field in ("inputs", "outputs"):
            yield from _located(template.get(field) or {}, f"{path}.{field}")


_GROUPS = ("steps", "dag", "suspend")


def _task(task: Spec, path: str) -> Iterator[Problem]:
    if task.get("depends") and task.get("dependencies"):
        yield invalid(path, "object", "cannot use both 'depends' and 'dependencies'")
    if task.get("depends") and task.get("continueOn"):
        yield invalid(path, "object", "cannot use 'continueOn' when using 'depends'")


def _arguments(holder: Spec, path: str) -> Iterator[Problem]:
    yield from _located(holder.get("arguments") or {}, f"{path}.arguments")


def _located(holder: Spec, path: str) -> Iterator[Problem]:
    for index, artifact in enumerate(holder.get("artifacts") or ()):
        if sum(artifact.get(place) is not None for place in _LOCATIONS) > 1:
            fault = "at most one artifact location can be specified"
            yield invalid(f"{path}.artifacts[{index}]", "object", fault)


def warn(manifest: Manifest) -> list[str]:
    """What a writer should know at once though the object is stored."""
    at, spec = _spec(manifest)
    found = [problem.message for problem in manifests.problems(manifest, None)]
    templates = spec.get("templates") or ()
    if len(templates) > MOST:
        found.append(_many(f"{at}.templates", len(templates)))
    for index, template in enumerate(templates):
        tasks = (template.get("dag") or {}).get("tasks") or ()
        if len(tasks) > MOST:
            found.append(_many(f"{at}.templates[{index}].dag.tasks", len(tasks)))
    return found


def _many(field: str, number: int) -> str:
    return f"{field}: {number} items; Argo's full CRDs allow {MOST}, its minimal ones any number"


WORKFLOW = Rules(default=spelling.workflow, validate=validate, warn=warn)
CRON = Rules(default=spelling.cron, validate=validate, warn=warn)

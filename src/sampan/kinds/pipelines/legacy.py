"""Pipelines of v1beta1: an Argo Workflow manifest, and the Workflow that is a run of it.

A run has the labels and annotations by which upstream's tools know it. What is to be run is checked
by the Workflow's own admission.
Upstream: kubeflow/pipelines backend/src/apiserver/template/argo_template.go, backend/src/common/
util/workflow.go.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from msgspec import Struct

from sampan.kube import names
from sampan.kube.keys import Manifest, kind_of

_OPTIONAL = ("mlpipeline-ui-metadata", "mlpipeline-metrics")
"""Artifacts that compilers declare whether a program writes them or not."""
_UID = "{{workflow.uid}}"


RUNNER = "pipeline-runner"
"""The account that compilers write into every pipeline, and that runs without one have."""


class About(Struct, frozen=True, kw_only=True):
    """What of a run does not stand in its pipeline. `parameters` have their macros replaced.
    runner: whether the namespace has the account RUNNER; if not, the usual one stands in."""

    name: str
    namespace: str
    run_id: str
    display_name: str
    parameters: Mapping[str, str] = {}
    labels: Mapping[str, str] = {}
    annotations: Mapping[str, str] = {}
    service_account: str = ""
    runner: bool = False
    owner: dict[str, Any] | None = None


def is_workflow(pipeline: Any) -> bool:
    """Whether a pipeline's document is a Workflow manifest."""
    if not isinstance(pipeline, Mapping):
        return False
    version, kind = pipeline.get("apiVersion"), pipeline.get("kind")
    return (
        isinstance(version, str)
        and isinstance(kind, str)
        and kind_of(version, kind) == names.WORKFLOW
    )


def parameters(pipeline: Manifest) -> dict[str, str | None]:
    """The arguments of the workflow with their usual values, in order."""
    given = _entries(_object(_object(pipeline.get("spec")).get("arguments")).get("parameters"))
    return {str(each["name"]): _text(each.get("value")) for each in given if "name" in each}


def run(pipeline: Manifest, about: About) -> Manifest:
    """The Workflow to create."""
    head = _object(pipeline.get("metadata"))
    metadata: dict[str, Any] = {
        "name": about.name,
        "namespace": about.namespace,
        "labels": {**_object(head.get("labels")), **about.labels, names.LABEL_RUN_ID: about.run_id},
        "annotations": {
            **_object(head.get("annotations")),
            **about.annotations,
            names.ANNOTATION_RUN_NAME: about.display_name,
        },
    }
    if about.owner:
        metadata["ownerReferences"] = [about.owner]
    spec = dict(_with_id(_object(pipeline.get("spec")), about.run_id))
    _argue(spec, about.parameters)
    _account(spec, about)
    for_pods = _object(spec.get("podMetadata"))
    labels = {**_object(for_pods.get("labels")), names.LABEL_RUN_ID: about.run_id}
    spec["podMetadata"] = {**for_pods, "labels": labels}
    if isinstance(templates := spec.get("templates"), list):
        spec["templates"] = [_template(each) for each in templates]
    version, kind = pipeline["apiVersion"], pipeline["kind"]
    return {"apiVersion": version, "kind": kind, "metadata": metadata, "spec": spec}


def _with_id(spec: Manifest, run_id: str) -> Manifest:
    """Programs know their run by its id, wherever they say the workflow's."""
    text = json.dumps(spec)
    found: Manifest = json.loads(text.replace(_UID, run_id)) if _UID in text else spec
    return found


def _account(spec: dict[str, Any], about: About) -> None:
    """Upstream: setDefaultServiceAccount."""
    if about.service_account:
        spec["serviceAccountName"] = about.service_account
    elif spec.get("serviceAccountName") in (None, "", RUNNER):
        spec.pop("serviceAccountName", None)
        if about.runner:
            spec["serviceAccountName"] = RUNNER


def _argue(spec: dict[str, Any], given: Mapping[str, str]) -> None:
    arguments = _object(spec.get("arguments"))
    if isinstance(known := arguments.get("parameters"), list):
        argued = [_argued(each, given) for each in known]
        spec["arguments"] = {**arguments, "parameters": argued}


def _argued(parameter: Any, given: Mapping[str, str]) -> Any:
    name = _object(parameter).get("name")
    if not isinstance(name, str) or name not in given:
        return parameter
    return {**parameter, "value": given[name]}


def _template(template: Any) -> Any:
    """Its pods have the label that upstream's cache looks for; artifacts that may lack do."""
    if not isinstance(template, dict):
        return template
    about = _object(template.get("metadata"))
    labels = {**_object(about.get("labels")), names.LABEL_CACHE_ENABLED: "true"}
    found = {**template, "metadata": {**about, "labels": labels}}
    outputs = _object(template.get("outputs"))
    if isinstance(artifacts := outputs.get("artifacts"), list):
        found["outputs"] = {**outputs, "artifacts": [_artifact(each) for each in artifacts]}
    return found


def _artifact(artifact: Any) -> Any:
    known = isinstance(artifact, dict) and artifact.get("name") in _OPTIONAL
    return {**artifact, "optional": True} if known else artifact


def _object(value: Any) -> Manifest:
    """What is none is refused by the Workflow's admission, and here only passed by."""
    return value if isinstance(value, dict) else {}


def _entries(value: Any) -> list[Manifest]:
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []


def _text(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return value
    return json.dumps(value)

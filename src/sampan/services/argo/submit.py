"""Submit: a workflow from a WorkflowTemplate, a ClusterWorkflowTemplate or a CronWorkflow.

`apply` is what the options of a submit change in a workflow; resubmits use it as well.
Upstream: argo-workflows server/workflow SubmitWorkflow, workflow/util ApplySubmitOpts,
workflow/common/convert.go.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from sampan.kinds.workflows import operations
from sampan.kinds.workflows.operations import overrides
from sampan.kube import names
from sampan.kube.keys import Manifest
from sampan.services.argo import creator
from sampan.services.argo.call import CLUSTER_TEMPLATES, CRON_WORKFLOWS, TEMPLATES, WORKFLOWS, Call
from sampan.services.argo.checking import check
from sampan.services.argo.workflows import looked_at
from sampan.services.errors import invalid

_KINDS = {
    name.lower(): resource
    for resource, short in (
        (TEMPLATES, ("wftmpl",)),
        (CLUSTER_TEMPLATES, ("clusterwftmpl", "cwft")),
        (CRON_WORKFLOWS, ("cwf", "cronwf")),
    )
    for name in (resource.kind, resource.plural, *short)
}
_UPLOADED = re.compile(r"uploads/[^/]+/[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}/[^/]+")
"""What a template's artifact may be overridden by: what upstream's upload makes."""
_STORED_IN = ("s3", "oss", "gcs", "azure", "hdfs", "artifactory", "http", "raw")


async def submit(call: Call) -> Manifest:
    kind, name = call.text("resourceKind"), call.text("resourceName")
    options = call.body.get("submitOptions") or {}
    if not isinstance(options, dict):
        raise invalid("submitOptions must be an object")
    workflow = await _made(call, kind, name)
    if keys := _overrides(options.get("artifacts")):
        workflow = await _with_artifacts(call, workflow, keys)
    workflow = creator.created(apply(workflow, options), call.caller)
    stored = await check(call, WORKFLOWS, workflow)
    if options.get("dryRun"):
        return workflow
    if options.get("serverDryRun"):
        return stored
    return await looked_at(call, await call.kube.create(WORKFLOWS, call.namespace, workflow))


async def _made(call: Call, kind: str, name: str) -> Manifest:
    """The workflow before the options. Raises ApiStatus, Refused."""
    resource = _KINDS.get(kind.lower())
    if resource is None:
        raise invalid(f"Resource kind '{kind}' is not supported for submitting")
    if resource is CRON_WORKFLOWS:
        return of_cron(await call.kube.get(resource, call.namespace, name), call.now)
    return of_template(name, cluster=resource is CLUSTER_TEMPLATES)


def of_template(name: str, *, cluster: bool) -> Manifest:
    """A workflow that refers to the template."""
    reference: dict[str, Any] = {"name": name}
    if cluster:
        reference["clusterScope"] = True
    label = names.LABEL_CLUSTER_WORKFLOW_TEMPLATE if cluster else names.LABEL_WORKFLOW_TEMPLATE
    return {
        "metadata": {"generateName": f"{name}-", "labels": {label: name}},
        "spec": {"workflowTemplateRef": reference},
    }


def of_cron(cron: Manifest, now: str) -> Manifest:
    """The workflow that the CronWorkflow would make now."""
    meta, spec = cron["metadata"], cron["spec"]
    more = spec.get("workflowMetadata") or {}
    made: dict[str, Any] = {
        "generateName": f"{meta['name']}-",
        "labels": {names.LABEL_CRON_WORKFLOW: meta["name"], **(more.get("labels") or {})},
        "annotations": {
            names.ANNOTATION_SCHEDULED_TIME: now,
            **(more.get("annotations") or {}),
        },
        "ownerReferences": [
            {
                "apiVersion": cron["apiVersion"],
                "kind": cron["kind"],
                "name": meta["name"],
                "uid": meta["uid"],
                "controller": True,
                "blockOwnerDeletion": True,
            }
        ],
    }
    if more.get("finalizers"):
        made["finalizers"] = more["finalizers"]
    return {"metadata": made, "spec": spec["workflowSpec"]}


def apply(workflow: Manifest, options: Mapping[str, Any]) -> Manifest:
    """The workflow as the options want it. Raises Refused."""
    meta, spec = dict(workflow["metadata"]), dict(workflow["spec"])
    for option, field in (
        ("entryPoint", "entrypoint"),
        ("serviceAccount", "serviceAccountName"),
        ("podPriorityClassName", "podPriorityClassName"),
    ):
        if options.get(option):
            spec[field] = options[option]
    if options.get("priority") is not None:
        spec["priority"] = options["priority"]
    for field in ("labels", "annotations"):
        if options.get(field):
            meta[field] = {**(meta.get(field) or {}), **_pairs(options[field], field)}
    for field in ("generateName", "name"):
        if options.get(field):
            meta[field] = options[field]
    if options.get("ownerReference"):
        meta["ownerReferences"] = [*(meta.get("ownerReferences") or ()), options["ownerReference"]]
    return _with_parameters({**workflow, "metadata": meta, "spec": spec}, options)


def _with_parameters(workflow: Manifest, options: Mapping[str, Any]) -> Manifest:
    given = options.get("parameters") or []
    if not isinstance(given, list) or not all(isinstance(each, str) for each in given):
        raise invalid("submitOptions.parameters must be a list of strings")
    try:
        return overrides.with_parameters(workflow, given)
    except operations.Refused as error:
        raise invalid(str(error)) from None


def _pairs(text: Any, what: str) -> Mapping[str, str]:
    """`a=b,c=d`. Raises Refused."""
    found = {}
    for pair in str(text).split(","):
        name, equals, value = pair.partition("=")
        if not equals or not name:
            form = "NAME1=VALUE2,NAME2=VALUE2"
            raise invalid(f"expected {what} of the form: {form}. Received: {text}")
        found[name.strip()] = value.strip()
    return found


# -- artifacts --------------------------------------------------------------------------------


def _overrides(given: Any) -> Mapping[str, str]:
    """Keys of artifacts by their names, from `NAME=KEY`. Raises Refused."""
    found = {}
    for text in given if isinstance(given, list) else ():
        name, _, key = str(text).partition("=")
        if not name or not key:
            raise invalid(f"expected artifact of the form: NAME=KEY. Received: {text}")
        found[name] = key
    return found


async def _with_artifacts(call: Call, workflow: Manifest, keys: Mapping[str, str]) -> Manifest:
    """The workflow with arguments whose artifacts lie under other keys: its own, or those of the
    template that it refers to."""
    spec = workflow["spec"]
    reference = spec.get("workflowTemplateRef")
    arguments = spec.get("arguments") or {}
    listed: list[Any] = list(arguments.get("artifacts") or ())
    if reference:
        resource = CLUSTER_TEMPLATES if reference.get("clusterScope") else TEMPLATES
        template = await call.kube.get(resource, call.namespace, reference["name"])
        listed = list(((template["spec"].get("arguments") or {}).get("artifacts")) or ())
        listed = [each for each in listed if each["name"] in keys]
    missing = sorted(set(keys) - {each["name"] for each in listed})
    if missing:
        raise invalid(f"artifact override(s) matched no artifact: {', '.join(missing)}")
    for name, key in keys.items() if reference else ():
        if not _UPLOADED.fullmatch(key) or key.split("/")[1] != call.namespace or ".." in key:
            wanted = f"uploads/{call.namespace}/{{uuid}}/{{filename}}"
            raise invalid(f"invalid artifact key override for {name}: {key!r} is not {wanted}")
    moved = [_moved(each, keys) for each in listed]
    return {**workflow, "spec": {**spec, "arguments": {**arguments, "artifacts": moved}}}


def _moved(artifact: Mapping[str, Any], keys: Mapping[str, str]) -> Mapping[str, Any]:
    """The artifact under another key of the same store; of the default one, if it names none."""
    key = keys.get(artifact["name"])
    if key is None:
        return artifact
    store = next((each for each in _STORED_IN if artifact.get(each)), "s3")
    if store in ("http", "raw", "artifactory"):
        raise invalid(f"failed to set key for artifact {artifact['name']}: {store} has no keys")
    field = "path" if store == "hdfs" else "key"
    return {**artifact, store: {**(artifact.get(store) or {}), field: key}}

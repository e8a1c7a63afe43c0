"""One template: its type, what it takes, what it does, what it gives.

Upstream: argo-workflows workflow/validate/validate.go validateTemplate, validateInputs.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sampan.kinds.workflows.resolve import join
from sampan.kinds.workflows.validate import dag, leaves, metrics, outputs, steps
from sampan.kinds.workflows.validate.check import Check, Given, Template
from sampan.kinds.workflows.validate.named import Wrong, located, unique
from sampan.kinds.workflows.validate.paths import path_fault
from sampan.kinds.workflows.validate.scope import Scope

PODS = ("container", "containerSet", "script", "resource", "data")
LEAVES = (*PODS, "http", "plugin")
_CHOICES = (
    "choose one of: container, containerSet, steps, script, resource, dag, suspend, template,"
    " template ref"
)
_GO = {"containerSet": "ContainerSet", "dag": "DAG", "http": "HTTP"}


def kind_of(template: Template) -> str:
    return next(kind for kind in join.TYPES if template.get(kind) is not None)


def go_type(template: Template) -> str:
    """The type as upstream writes it: `Container`, `DAG`."""
    kind = kind_of(template)
    return _GO.get(kind, kind.capitalize())


def check(check: Check, template: Template, home: str, given: Given) -> None:
    """Everything about a template, once; what a call gives it, each time. Raises Wrong."""
    name = template.get("name") or ""
    if sum(template.get(kind) is not None for kind in join.TYPES) > 1:
        raise Wrong(f"templates.{name} multiple template types specified. {_CHOICES}")
    _resources(template, name)
    tags = _inputs(template, name)
    for container in template.get("initContainers") or ():
        if not container.get("name"):
            raise Wrong("initContainers must all have container name")
    supplied(template, given)
    _times(template, name)
    key = (home, name or id(template))
    if key in check.seen:
        return
    check.seen.add(key)
    scope = Scope(_own(template, tags), check.shared, lenient=check.lenient)
    if template.get("steps") is not None:
        steps.check(check, template, scope, home)
    elif template.get("dag") is not None:
        dag.check(check, template, scope, home)
    else:
        leaves.check(template, scope, check.defaults(home))
    outputs.check(template, scope, leaf=kind_of(template) in LEAVES, kind=go_type(template))
    location = template.get("archiveLocation") or {}
    leaves.location(location, f"templates.{name}.archiveLocation")
    metrics.check(template, name)


def supplied(template: Template, given: Given) -> None:
    """Each input has a value: from the call, or of its own. Raises Wrong."""
    name, inputs = template.get("name") or "", template.get("inputs") or {}
    if given is None:
        return
    parameters = {each.get("name"): each for each in given.get("parameters") or ()}
    for each in inputs.get("parameters") or ():
        source = parameters.get(each["name"], each)
        own = source is each and each.get("default") is not None
        if own or source.get("value") is not None:
            continue
        if (source.get("valueFrom") or {}).get("configMapKeyRef"):
            continue
        raise Wrong(f"templates.{name} inputs.parameters.{each['name']} was not supplied")
    artifacts = {each.get("name") for each in given.get("artifacts") or ()}
    for each in inputs.get("artifacts") or ():
        if not each.get("optional") and not located(each) and each["name"] not in artifacts:
            raise Wrong(f"templates.{name} inputs.artifacts.{each['name']} was not supplied")


def _own(template: Template, tags: set[str]) -> set[str]:
    """The tags that a template has by what it is."""
    own = set(tags)
    kind = kind_of(template)
    if kind in PODS:
        own.add("pod.name")
    if kind in LEAVES:
        own |= outputs.paths(template)
    return own


def _inputs(template: Template, name: str) -> set[str]:
    """The tags of the inputs. Raises Wrong."""
    inputs, leaf = template.get("inputs") or {}, kind_of(template) in LEAVES
    parameters = inputs.get("parameters") or ()
    unique(parameters, f"templates.{name}.inputs.parameters", values=True)
    unique(inputs.get("artifacts") or (), f"templates.{name}.inputs.artifacts", values=True)
    tags = {f"inputs.parameters.{each['name']}" for each in parameters}
    if parameters:
        tags.add("inputs.parameters")
    for artifact in inputs.get("artifacts") or ():
        tag = f"inputs.artifacts.{artifact['name']}"
        tags.add(tag)
        if leaf:
            if fault := path_fault(artifact):
                raise Wrong(f"error in templates.{name}.{tag}: {fault}")
            tags.add(f"{tag}.path")
        elif artifact.get("path"):
            raise Wrong(f"templates.{name}.{tag}.path only valid in container/script templates")
        if artifact.get("from"):
            raise Wrong(f"templates.{name}.{tag}.from not valid in inputs")
        leaves.location(artifact, f"templates.{name}.{tag}")
    return tags


def _times(template: Template, name: str) -> None:
    leaf = kind_of(template) in LEAVES
    for field in ("timeout", "pendingTimeout"):
        if template.get(field) and not leaf:
            raise Wrong(f"{go_type(template)} template doesn't support {field} field")
    if str(template.get("timeout") or "").lstrip("+-").isdigit():
        raise Wrong(f"{name} has invalid duration format in timeout")


_POD_RESOURCES = ("cpu", "memory")


def _resources(template: Template, name: str) -> None:
    if template.get("podResources") and kind_of(template) in ("http", "plugin"):
        why = f"is not supported for {go_type(template)} templates"
        raise Wrong(f"templates.{name}.podResources {why}")
    pod_resources(template.get("podResources"), f"templates.{name}.podResources")
    if template.get("resourceClaims") and kind_of(template) not in PODS:
        why = f"is not supported for {go_type(template)} templates, which do not create a pod"
        raise Wrong(f"templates.{name}.resourceClaims {why}")


def pod_resources(resources: Mapping[str, Any] | None, at: str) -> None:
    """Resources of a whole pod are CPU, memory and huge pages. Raises Wrong."""
    if (resources or {}).get("claims"):
        raise Wrong(f"{at}.claims is not supported for pod-level resources")
    for field in ("limits", "requests"):
        for name in (resources or {}).get(field) or ():
            if name not in _POD_RESOURCES and not name.startswith("hugepages-"):
                why = "is not a valid pod-level resource, only cpu, memory and hugepages-* are"
                raise Wrong(f'{at}: "{name}" {why} supported')

"""WorkflowEventBinding: which Workflows an event submits.

    event → for each binding: `selects` it? → its template → `submission`, a Workflow to create

Selectors, names, labels, annotations and arguments are expressions over `payload`, `metadata`,
`discriminator` and `namespace`. Whoever receives the event reads bindings and templates and creates
the Workflows; here is only the decision.
Upstream: argo-workflows server/event/dispatch/operation.go.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from msgspec import Struct

from sampan.kinds.workflows.language import expressions
from sampan.kube import meta, names
from sampan.kube.keys import Key, Manifest
from sampan.lib import expr


class Wrong(ValueError):
    """A binding cannot be used for this event; the text says why, as upstream does."""


class Event(Struct, frozen=True, kw_only=True):
    """headers: of the request, as they came; expressions see those that begin with `x-`, in lower
    case, each a list. now: the present."""

    namespace: str
    discriminator: str
    payload: Any
    headers: Mapping[str, Sequence[str]]
    now: datetime

    def variables(self) -> dict[str, Any]:
        """What expressions see. Numbers are float64, as all that went through JSON in Go."""
        metadata: dict[str, list[str]] = {}
        for name, values in self.headers.items():
            if name.lower().startswith("x-"):
                metadata.setdefault(name.lower(), []).extend(values)
        seen = {
            "namespace": self.namespace,
            "discriminator": self.discriminator,
            "metadata": metadata,
            "payload": self.payload,
        }
        return dict(json.loads(json.dumps(seen), parse_int=float))


def selects(binding: Manifest, event: Event) -> bool:
    """Whether the event is one for the binding, and the binding submits anything. Raises Wrong."""
    spec = binding.get("spec") or {}
    selector = (spec.get("event") or {}).get("selector") or ""
    doing = "failed to evaluate workflow template expression"
    found = _value(selector, event, doing, {})
    if found.__class__ is not bool:
        shown = expr.show(found)
        raise Wrong(f"{doing}: unable to cast expression result '{shown}' to bool")
    return bool(found) and bool(spec.get("submit"))


def template_of(binding: Manifest) -> Key:
    """The template that the binding submits."""
    reference = binding["spec"]["submit"]["workflowTemplateRef"]
    if reference.get("clusterScope"):
        return Key(names.CLUSTER_WORKFLOW_TEMPLATE, "", reference["name"])
    return Key(names.WORKFLOW_TEMPLATE, meta.namespace_of(binding), reference["name"])


def submission(binding: Manifest, event: Event, template: Manifest) -> Manifest:
    """The Workflow to create; it has a generateName unless the binding names it. Raises Wrong."""
    submit, name = binding["spec"]["submit"], meta.name_of(template)
    of_cluster = bool(submit["workflowTemplateRef"].get("clusterScope"))
    label = names.LABEL_CLUSTER_WORKFLOW_TEMPLATE if of_cluster else names.LABEL_WORKFLOW_TEMPLATE
    given = ((template.get("spec") or {}).get("workflowMetadata")) or {}
    about: dict[str, Any] = {
        "generateName": f"{name}-",
        "namespace": meta.namespace_of(binding),
        "labels": {label: name, **(given.get("labels") or {})},
        "annotations": dict(given.get("annotations") or {}),
    }
    _describe(about, submit.get("metadata") or {}, event)
    about["labels"][names.LABEL_EVENT_BINDING] = meta.name_of(binding)
    reference: dict[str, Any] = {"name": name, **({"clusterScope": True} if of_cluster else {})}
    spec: dict[str, Any] = {"workflowTemplateRef": reference}
    if arguments := [_argument(p, event) for p in _parameters(submit)]:
        spec["arguments"] = {"parameters": arguments}
    kind, api = "Workflow", f"{names.ARGO_GROUP}/v1alpha1"
    return {"apiVersion": api, "kind": kind, "metadata": about, "spec": spec}


def _describe(about: dict[str, Any], wanted: Mapping[str, Any], event: Event) -> None:
    """Fill in the names, labels and annotations that the binding gives."""
    for field in ("name", "generateName"):
        if wanted.get(field):
            about[field] = _text(wanted[field], event, field)
    for field, word in (("labels", "label"), ("annotations", "annotation")):
        for key, source in (wanted.get(field) or {}).items():
            about[field][key] = _text(source, event, f'{word} "{key}"')


def _parameters(submit: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
    return (submit.get("arguments") or {}).get("parameters") or ()


def _argument(parameter: Mapping[str, Any], event: Event) -> dict[str, Any]:
    name, source = parameter["name"], parameter.get("valueFrom")
    if source is None:
        raise Wrong(f'malformed workflow template parameter "{name}": valueFrom is nil')
    doing = f'failed to evaluate workflow template parameter "{name}" expression'
    found = _value(source.get("event") or "", event, doing, {})
    try:
        return {"name": name, "value": expressions.shown(found)}
    except expr.Mistake as mistake:
        raise Wrong(f'failed to convert result to JSON "{name}" expression: {mistake}') from mistake


def _text(source: str, event: Event, what: str) -> str:
    doing = f"failed to evaluate workflow {what} expression"
    found = _value(source, event, doing, expressions.functions(_present(event)))
    if not isinstance(found, str):
        kind = expr.type_of(found)
        raise Wrong(f"workflow {what} expression must evaluate to a string, not a {kind}")
    return found


def _present(event: Event) -> Mapping[str, Any]:
    salt = f"{event.namespace}/{event.discriminator}"
    return {expressions.CLOCK: expressions.Present(event.now, salt)}


def _value(source: str, event: Event, doing: str, functions: Mapping[str, Any]) -> Any:
    try:
        program = expr.compile(source, {"now": lambda: event.now, **functions})
        return program.run(event.variables())
    except expr.Mistake as mistake:
        raise Wrong(f"{doing}: {mistake}") from mistake

"""`metrics.prometheus` of workflows and templates: numbers for /metrics.

A template's are measured when a node of it ends, those in real time when it begins; the workflow's
at its end, those in real time all along. What cannot be measured is told in the condition
MetricsError and hinders nothing. Upstream: argo-workflows workflow/controller/operator.go
computeMetrics, workflow/metrics.
"""

from __future__ import annotations

import re
from collections import ChainMap
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, Literal, NamedTuple

from sampan.kinds.workflows import nodes
from sampan.kinds.workflows.language import tags
from sampan.kinds.workflows.language.faults import Missing
from sampan.kinds.workflows.nodes import Node
from sampan.kinds.workflows.resolve import references
from sampan.kinds.workflows.resolve.book import Unknown
from sampan.kinds.workflows.templates import when as conditions
from sampan.kinds.workflows.types import Template
from sampan.kinds.workflows.walk import Walk
from sampan.kube.plan import Measure
from sampan.kube.times import parse

PREFIX = "argo_workflows_"
_NAME = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")
Kind = Literal["gauge", "histogram", "counter"]
_KINDS: tuple[Kind, ...] = ("gauge", "histogram", "counter")
_OPERATIONS: Mapping[str, Literal["Set", "Add", "Sub"]] = {"Add": "Add", "Sub": "Sub"}
_GROUPS = ("Skipped", "StepGroup", "TaskGroup", "Container")
"""Types of nodes that run no template."""


class Wrong(ValueError):
    """A metric that cannot be measured; the text says why, as upstream does."""


class Seen(NamedTuple):
    """What a metric is about: known by tags, by the clock, and what makes it one measurement."""

    known: Mapping[str, Any]
    began: Mapping[str, datetime]
    once: str


def of_templates(walk: Walk) -> Iterator[Measure]:
    """The metrics of the nodes that began or ended in this look."""
    for id, node in list(walk.changed.items()):
        before = walk.workflow.nodes.get(id)
        born, ended = before is None, nodes.over(node) and not nodes.over(before)
        if not (born or ended) or node["type"] in _GROUPS or not _counts(walk, node):
            continue
        wanted = _wanted(_template(walk, node))
        if wanted and born:
            yield from _measured(walk, wanted, _seen(walk, node, "born"), only_live=True)
        if wanted and ended:
            yield from _measured(walk, wanted, _seen(walk, node, "over"))


def of_workflow(walk: Walk, phase: str, *, done: bool) -> Iterator[Measure]:
    """The metrics of the workflow itself."""
    wanted = _wanted(walk.workflow.manifest["spec"])
    if not wanted:
        return
    if not done:
        yield from _measured(walk, wanted, _seen(walk, None, ""), only_live=True)
        return
    root = walk.node(walk.workflow.name)
    seen = _seen(walk, root, "workflow")
    took = (walk.workflow.now - _began(walk)).total_seconds()
    told = {"workflow.status": phase, "workflow.duration": f"{took:f}"}
    yield from _measured(walk, wanted, seen._replace(known=ChainMap(told, dict(seen.known))))


def _wanted(body: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
    return (body.get("metrics") or {}).get("prometheus") or ()


def _template(walk: Walk, node: Node, depth: int = 0) -> Template:
    named = {key: node[field] for key, field in _NAMED.items() if node.get(field)}
    who = named or _inline(walk, node, depth)
    scope = str(node.get("templateScope") or "")
    try:
        return walk.book.find(who, "" if scope.startswith("local/") else scope).template
    except Unknown:
        return {}


def _inline(walk: Walk, node: Node, depth: int) -> Mapping[str, Any]:
    """The step or task that holds the template of a node which names none."""
    around = walk.by_id(node.get("boundaryID") or "")
    if around is None or depth > _DEEPEST:
        return {}
    name = node["displayName"].partition("(")[0]
    found = references.children(_template(walk, around, depth + 1))
    return next((each for each in found if each.get("name") == name), {})


_DEEPEST = 100
"""Boundaries within each other; those of a foreign status may name each other in a circle."""
_NAMED = {"template": "templateName", "templateRef": "templateRef"}


def _counts(walk: Walk, node: Node) -> bool:
    """The last attempt of a retried template is told of as the node that stands for all of them."""
    if not nodes.is_attempt(node):
        return True
    whole = walk.node(node["name"].rpartition("(")[0])
    return not nodes.over(whole)


def _began(walk: Walk) -> datetime:
    return parse(walk.workflow.status.get("startedAt") or walk.now)


def _seen(walk: Walk, node: Node | None, moment: str) -> Seen:
    """What a metric of the node can say; of the workflow before its end, without a node."""
    known: dict[str, Any] = {
        "duration": "0",
        "status": "Pending",
        "resourcesDuration.cpu": "0",
        "resourcesDuration.memory": "0",
    }
    began = {"workflow.duration": _began(walk)}
    if node is None:
        return Seen(ChainMap(known, walk.globals), began, "")
    began["duration"] = parse(node["startedAt"])
    until = parse(node["finishedAt"]) if node.get("finishedAt") else walk.workflow.now
    known["duration"] = f"{(until - began['duration']).total_seconds():f}"
    known["status"] = node["phase"]
    known |= {f"resourcesDuration.{k}": str(v) for k, v in _spent(node).items()}
    if node.get("children"):
        known["retries"] = str(len(node["children"]) - 1)
    for field in ("inputs", "outputs"):
        for each in (node.get(field) or {}).get("parameters") or ():
            known[f"{field}.parameters.{each['name']}"] = str(each.get("value", ""))
    outputs = node.get("outputs") or {}
    for field, tag in (("result", "outputs.result"), ("exitCode", "exitCode")):
        if outputs.get(field) is not None:
            known[tag] = outputs[field]
    return Seen(ChainMap(known, walk.globals), began, f"{node['id']}/{moment}")


def _spent(node: Node) -> Mapping[str, int]:
    return node.get("resourcesDuration") or {}


def _measured(
    walk: Walk, wanted: Sequence[Mapping[str, Any]], seen: Seen, *, only_live: bool = False
) -> Iterator[Measure]:
    for number, metric in enumerate(wanted):
        live = bool((metric.get("gauge") or {}).get("realtime"))
        if only_live and not live:
            continue
        try:
            found = _measure(metric, seen, number, live=live, over=not only_live)
            if found is not None:
                yield found
        except Wrong as wrong:
            walk.metrics_error = str(wrong)


def _measure(
    metric: Mapping[str, Any], seen: Seen, number: int, *, live: bool, over: bool
) -> Measure | None:
    name = metric.get("name") or ""
    if not metric.get("help"):
        raise Wrong(f"metric '{name}' must contain a help string under 'help: ' field")
    told = {key: metric[key] for key in ("name", "help", "labels", "when") if metric.get(key)}
    try:
        told = tags.fill(told, seen.known)
    except Missing as missing:
        why = f"unable to substitute parameters for metric '{name}'"
        raise Wrong(f"{why}: {missing}") from missing
    if not _holds(told.get("when") or "", told["name"]):
        return None
    labels = {each["key"]: str(each.get("value", "")) for each in told.get("labels") or ()}
    _check(told["name"], labels)
    kind = next((each for each in _KINDS if metric.get(each)), None)
    if kind is None:
        raise Wrong(f"could not construct metric '{name}': invalid metric spec")
    made = Measure(name=PREFIX + told["name"], help=told["help"], kind=kind, labels=labels)
    body = metric[kind]
    if live and (following := _following(made, body, seen)) and not over:
        return following
    value, once = _value(told["name"], body.get("value") or "", seen), f"{seen.once}/{number}"
    bounds = tuple(sorted(float(bound) for bound in body.get("buckets") or ()))
    how = _OPERATIONS.get(body.get("operation") or "", "Set")
    return Measure(
        name=made.name, help=made.help, kind=kind, labels=labels, value=value, operation=how,
        bounds=bounds, once=once,
    )  # fmt: skip


def _holds(when: str, name: str) -> bool:
    try:
        return conditions.holds(when)
    except conditions.Mistake as mistake:
        raise Wrong(f"unable to compute 'when' clause for metric '{name}': {mistake}") from mistake


def _check(name: str, labels: Mapping[str, str]) -> None:
    told = f"could not construct metric '{name}'"
    if _NAME.fullmatch(name) is None:
        raise Wrong(
            f"{told}: metric name is invalid: names may only contain alphanumeric characters or '_'"
        )
    for label in labels:
        if _NAME.fullmatch(label) is None:
            why = "is invalid: keys may only contain alphanumeric characters or '_'"
            raise Wrong(f"{told}: metric label '{label}' {why}")


def _following(made: Measure, body: Mapping[str, Any], seen: Seen) -> Measure:
    """A gauge that grows with time."""
    source = body.get("value") or ""
    if not (source.startswith("{{") and source.endswith("}}")):
        raise Wrong("real time metrics can only be used with metric variables")
    variable = source[2:-2].strip()
    if variable not in seen.began:
        raise Wrong(f"'{variable}' is not available as a real time metric")
    return Measure(
        name=made.name, help=made.help, kind="gauge", labels=made.labels,
        since=seen.began[variable],
    )  # fmt: skip


def _value(name: str, source: str, seen: Seen) -> float:
    try:
        text = str(tags.fill(source, seen.known))
    except Missing as missing:
        why = f"unable to substitute parameters for metric '{name}'"
        raise Wrong(f"{why}: {missing}") from missing
    try:
        if not re.fullmatch(r"[-+]?[0-9._eE+-]*[0-9.]|[-+]?(?i:inf|nan)", text, re.ASCII):
            raise ValueError
        return float(text)
    except ValueError:
        shown = '"' + text.replace('"', '\\"') + '"'
        why = f"strconv.ParseFloat: parsing {shown}: invalid syntax"
        raise Wrong(f"could not construct metric '{name}': {why}") from None

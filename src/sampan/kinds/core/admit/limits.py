"""LimitRange: its own defaults and faults, and what it makes of pods and claims.

A pod's containers first get what they do not say, then everything is held against the bounds; a
fault names the resource, the bound and what was asked. Looked at when a pod is created and when a
claim is written. Upstream: kubernetes plugin/pkg/admission/limitranger, pkg/apis/core/validation.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from fractions import Fraction
from typing import Any

from sampan.kube import demands, meta, names, quantities
from sampan.kube.component import Rules
from sampan.kube.errors import Problem, duplicate, forbidden, invalid, required
from sampan.kube.formats import label_key
from sampan.kube.keys import Manifest
from sampan.kube.plan import View

ANNOTATION = "kubernetes.io/limit-ranger"
TYPES = ("Pod", "Container", "PersistentVolumeClaim")
_TABLES = ("max", "min", "default", "defaultRequest", "maxLimitRequestRatio")
Amounts = Mapping[str, str]
Limit = Mapping[str, Any]
Check = tuple[str, str, Callable[[str, str | None, str | None], str]]
"""The table of a limit that holds the bounds, what is bounded, and what is wrong with
(bound, request, limit), "" when nothing is."""


def default_limits(manifest: Manifest) -> None:
    """A container's limit is the maximum where none is said, its request the limit or the
    minimum."""
    for limit in (manifest.get("spec") or {}).get("limits") or ():
        if limit.get("type") != "Container":
            continue
        top = {**(limit.get("max") or {}), **(limit.get("default") or {})}
        asked = {**(limit.get("min") or {}), **top, **(limit.get("defaultRequest") or {})}
        if top:
            limit["default"] = top
        if asked:
            limit["defaultRequest"] = asked


def validate_limits(manifest: Manifest, old: Manifest | None) -> list[Problem]:
    found: list[Problem] = []
    seen: set[str] = set()
    for index, limit in enumerate((manifest.get("spec") or {}).get("limits") or ()):
        path, kind = f"spec.limits[{index}]", limit.get("type") or ""
        if kind in seen:
            found.append(duplicate(f"{path}.type", kind))
        seen.add(kind)
        found += _limit(limit, path, kind)
    return found


def fill_and_check(view: View, pod: Manifest) -> list[str]:
    """Give the pod's containers the namespace's defaults, in place; answers with what is wrong
    with what they ask for then."""
    ranges = view.select(names.LIMIT_RANGE, meta.namespace_of(pod))
    faults: list[str] = []
    for each in ranges:
        limits = (each.get("spec") or {}).get("limits") or ()
        _fill(pod, limits)
        faults += _pod_faults(pod, limits)
    return faults


def claim_faults(view: View, claim: Manifest) -> list[str]:
    """Why the namespace's limits forbid a claim."""
    asked = (claim["spec"].get("resources") or {}).get("requests") or {}
    return [
        fault
        for each in view.select(names.LIMIT_RANGE, meta.namespace_of(claim))
        for limit in (each.get("spec") or {}).get("limits") or ()
        if limit.get("type") == "PersistentVolumeClaim"
        for fault in _faults(_CLAIM_CHECKS, limit, asked, {})
    ]


def sentence(faults: Sequence[str]) -> str:
    """Several faults in one message, as upstream joins them."""
    return faults[0] if len(faults) == 1 else f"[{', '.join(faults)}]"


# -- the object itself --------------------------------------------------------------------------


def _limit(limit: Limit, path: str, kind: str) -> Iterator[Problem]:
    if fault := label_key(kind):
        yield invalid(f"{path}.type", kind, fault)
    elif "/" not in kind and kind not in TYPES:
        yield invalid(f"{path}.type", kind, "must be a standard limit type or fully qualified")
    for table in ("default", "defaultRequest"):
        if kind == "Pod" and limit.get(table):
            yield forbidden(f"{path}.{table}", "may not be specified when `type` is 'Pod'")
    if kind == "PersistentVolumeClaim" and not any(
        "storage" in (limit.get(table) or {}) for table in ("min", "max")
    ):
        fault = "either minimum or maximum storage value is required, but neither was provided"
        yield required(path, fault)
    unreadable = list(_unreadable(limit, path))
    yield from unreadable
    if not unreadable:
        for name in sorted({name for table in _TABLES for name in limit.get(table) or ()}):
            yield from _bounds(limit, path, name)


def _unreadable(limit: Limit, path: str) -> Iterator[Problem]:
    for table in _TABLES:
        for name, amount in (limit.get(table) or {}).items():
            try:
                quantities.parse(amount)
            except ValueError as error:
                yield invalid(f"{path}.{table}[{name}]", amount, str(error))


_ORDER = (
    ("min", "max", "min", "min value {} is greater than max value {}"),
    ("min", "defaultRequest", "defaultRequest",
     "min value {} is greater than default request value {}"),
    ("defaultRequest", "max", "defaultRequest",
     "default request value {} is greater than max value {}"),
    ("defaultRequest", "default", "defaultRequest",
     "default request value {} is greater than default limit value {}"),
    ("min", "default", "default", "min value {} is greater than default value {}"),
    ("default", "max", "default", "default value {} is greater than max value {}"),
)  # fmt: skip


def _bounds(limit: Limit, path: str, name: str) -> Iterator[Problem]:
    """What must not be more than what, for one resource."""
    said = {table: limit[table][name] for table in _TABLES if name in (limit.get(table) or {})}
    number = {table: quantities.parse(amount) for table, amount in said.items()}
    for less, more, at, text in _ORDER:
        if less in number and more in number and number[less] > number[more]:
            fault = text.format(said[less], said[more])
            yield invalid(f"{path}.{at}[{name}]", said[at], fault)
    ratio = number.get("maxLimitRequestRatio")
    if ratio is None:
        return
    at, shown = f"{path}.maxLimitRequestRatio[{name}]", said["maxLimitRequestRatio"]
    if ratio < 1:
        yield invalid(at, shown, f"ratio {shown} is less than 1")
    if number.get("min") and "max" in number and ratio > number["max"] / number["min"]:
        most = float(number["max"] / number["min"])
        yield invalid(at, shown, f"ratio {shown} is greater than max/min = {most:f}")


# -- pods ---------------------------------------------------------------------------------------


def _fill(pod: Manifest, limits: Sequence[Limit]) -> None:
    mine = [limit for limit in limits if limit.get("type") == "Container"]
    requests = {k: v for limit in mine for k, v in (limit.get("defaultRequest") or {}).items()}
    tops = {k: v for limit in mine for k, v in (limit.get("default") or {}).items()}
    said = []
    for container, word in _containers(pod["spec"]):
        for table, values, what in (("requests", requests, "request"), ("limits", tops, "limit")):
            resources = container.setdefault("resources", {})
            has = resources.get(table) or {}
            new = sorted(values.keys() - has.keys())
            if new:
                resources[table] = {**values, **has}
                said.append(f"{', '.join(new)} {what} for {word} {container['name']}")
    if said:
        annotations = meta.annotations_of(pod)
        text = f"LimitRanger plugin set: {'; '.join(said)}"
        pod["metadata"]["annotations"] = {**annotations, ANNOTATION: text}


def _pod_faults(pod: Manifest, limits: Sequence[Limit]) -> Iterator[str]:
    spec = pod["spec"]
    for limit in limits:
        if limit.get("type") == "Container":
            for container, _ in _containers(spec):
                resources = container.get("resources") or {}
                tables = (resources.get("requests") or {}, resources.get("limits") or {})
                yield from _faults(_POD_CHECKS, limit, *tables)
        elif limit.get("type") == "Pod":
            sums = (_texts(demands.requests(spec)), _texts(demands.limits(spec)))
            yield from _faults(_POD_CHECKS, limit, *sums)


def _containers(spec: Mapping[str, Any]) -> Iterator[tuple[dict[str, Any], str]]:
    yield from ((each, "container") for each in spec.get("containers") or ())
    yield from ((each, "init container") for each in spec.get("initContainers") or ())


def _texts(sums: Mapping[str, Fraction]) -> dict[str, str]:
    """Sums as somebody would write them: 1Gi and not 1073741824."""
    return {
        name: quantities.format(number, "binary" if number and not number % 1024 else "decimal")
        for name, number in sums.items()
    }


# -- bounds -------------------------------------------------------------------------------------


def _faults(checks: Sequence[Check], limit: Limit, asked: Amounts, top: Amounts) -> Iterator[str]:
    for table, words, check in checks:
        for name, bound in sorted((limit.get(table) or {}).items()):
            fault = check(bound, asked.get(name), top.get(name))
            if fault:
                about = f"{words.format(name)} per {limit['type']}"
                yield f"{about} is {quantities.canonical(bound)}{fault}"


def _too_little(bound: str, asked: str | None, top: str | None) -> str:
    if asked is None:
        return ".  No request is specified"
    if _less(asked, bound):
        return f", but request is {quantities.canonical(asked)}"
    if top is not None and _less(top, bound):
        return f", but limit is {quantities.canonical(top)}"
    return ""


def _too_much(bound: str, asked: str | None, top: str | None) -> str:
    if top is None:
        return ".  No limit is specified"
    if _less(bound, top):
        return f", but limit is {quantities.canonical(top)}"
    return _asks_too_much(bound, asked, top) if asked is not None else ""


def _asks_too_much(bound: str, asked: str | None, top: str | None) -> str:
    if asked is None:
        return ".  No request is specified"
    return f", but request is {quantities.canonical(asked)}" if _less(bound, asked) else ""


def _too_steep(bound: str, asked: str | None, top: str | None) -> str:
    if asked is None or not quantities.parse(asked):
        return ", but no request is specified or request is 0"
    if top is None or not quantities.parse(top):
        return ", but no limit is specified or limit is 0"
    ratio = quantities.parse(top) / quantities.parse(asked)
    return f", but provided ratio is {float(ratio):f}" if ratio > quantities.parse(bound) else ""


def _less(one: str, other: str) -> bool:
    return quantities.parse(one) < quantities.parse(other)


_LEAST = ("min", "minimum {} usage", _too_little)
_POD_CHECKS: Sequence[Check] = (
    _LEAST,
    ("max", "maximum {} usage", _too_much),
    ("maxLimitRequestRatio", "{} max limit to request ratio", _too_steep),
)
_CLAIM_CHECKS: Sequence[Check] = (_LEAST, ("max", "maximum {} usage", _asks_too_much))

LIMIT_RULES: Mapping[str, Rules] = {
    names.LIMIT_RANGE: Rules(default=default_limits, validate=validate_limits)
}

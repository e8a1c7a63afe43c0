"""What a template is given: its inputs, from the arguments of the call and from its own defaults.

`resolve` answers with the template's `inputs` as its node will show them, in upstream's form:
parameters with their values (the argument, else the default, else a key of a ConfigMap), artifacts
with their locations. Tags in values are filled here: those of the workflow and of the node, then
those of other inputs. What inputs stand for in the rest of a template is `scopes.of_inputs`.
Upstream: argo-workflows workflow/common/util.go ProcessArgs, SubstituteParams.
"""

from __future__ import annotations

import json
from collections import ChainMap
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from sampan.kinds.workflows.language import tags
from sampan.kinds.workflows.language.faults import Missing as Missing
from sampan.kinds.workflows.language.faults import NotFound
from sampan.kube import labels, locations, names
from sampan.kube.keys import Manifest

Arguments = Mapping[str, Any]
"""`{parameters: [{name, value | valueFrom}], artifacts: [{name, …location}]}`."""
Inputs = dict[str, Any]
Scope = Mapping[str, Any]
"""What tags stand for: texts, artifacts as JSON objects, None for an output that never came."""
ConfigMaps = Mapping[str, Manifest]
"""Those of the workflow's namespace that are labelled for its use, by name."""

_NOTHING: Mapping[str, Any] = {}

ABSENT = "__argo__internal__absent-optional"
"""Stands, in an argument, for an output of a producer that was skipped: the input's own default
holds instead. Never seen outside of a decision."""


def text(value: Any) -> str:
    """`15` -> "15", `1.0` -> "1", `1e3` -> "1000", `true` -> "true"; other values as JSON."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float) or (isinstance(value, int) and 2**53 < abs(value) < 10**300):
        plain = format(Decimal(repr(float(value))), "f")
        return plain.rstrip("0").rstrip(".") if "." in plain else plain
    return str(value) if isinstance(value, int) else compact(value)


def compact(value: Any) -> str:
    """JSON without spaces, keys of objects sorted."""
    return json.dumps(value, separators=(",", ":"), sort_keys=True, ensure_ascii=False)


def given(arguments: Arguments | None) -> dict[str, str]:
    """The values in an `arguments` object, by name."""
    listed = (arguments or {}).get("parameters") or ()
    return {each["name"]: text(each["value"]) for each in listed if each.get("value") is not None}


def resolve(
    template: Mapping[str, Any],
    arguments: Arguments,
    known: Scope = _NOTHING,
    maps: ConfigMaps = _NOTHING,
) -> Inputs:
    """The template's inputs, filled. `known`: what tags of the workflow and the node stand for.
    Raises Missing."""
    found: Inputs = {}
    inputs = template.get("inputs") or {}
    passed = {each["name"]: each for each in arguments.get("parameters") or ()}
    if inputs.get("parameters"):
        found["parameters"] = [
            _parameter(each, passed.get(each["name"]), known, maps) for each in inputs["parameters"]
        ]
    sent = {each["name"]: each for each in arguments.get("artifacts") or ()}
    if inputs.get("artifacts"):
        found["artifacts"] = [
            _artifact(each, sent.get(each["name"])) for each in inputs["artifacts"]
        ]
    found = tags.fill(found, known)
    own = {f"inputs.parameters.{e['name']}": e["value"] for e in found.get("parameters") or ()}
    return dict(tags.fill(found, ChainMap(own, dict(known))))


def _parameter(
    declared: Mapping[str, Any], argument: Mapping[str, Any] | None, known: Scope, maps: ConfigMaps
) -> dict[str, Any]:
    name = declared["name"]
    parameter = stringified(declared)
    value = default_of(declared)
    absent = argument is not None and argument.get("value") == ABSENT
    if argument is not None and not absent:
        if argument.get("value") is not None:
            value = text(argument["value"])
            parameter.pop("valueFrom", None)
        elif argument.get("valueFrom") is not None:
            value, parameter["valueFrom"] = None, argument["valueFrom"]
    source = (parameter.get("valueFrom") or {}).get("configMapKeyRef")
    if source is not None:
        value = _from_map(parameter, source, known, maps)
    if value is None:
        why = "argument references an absent optional (skipped/omitted node output with no default)"
        raise Missing(
            f"inputs.parameters.{name}: {why}"
            if absent
            else f"inputs.parameters.{name} was not supplied"
        )
    return {**parameter, "value": value}


def _from_map(
    parameter: Mapping[str, Any], source: Mapping[str, Any], known: Scope, maps: ConfigMaps
) -> str:
    source, default = tags.fill(dict(source), known), parameter["valueFrom"].get("default")
    try:
        return value_of(maps, source["name"], source["key"])
    except Missing as missing:
        if default is not None and isinstance(missing, NotFound):
            return text(default)
        prefix = f"unable to retrieve inputs.parameters.{parameter['name']} from ConfigMap: "
        raise Missing(f"{prefix}{missing}") from missing


def value_of(maps: ConfigMaps, name: str, key: str) -> str:
    """A key of a ConfigMap that is labelled for parameters. Raises Missing."""
    label = names.LABEL_CONFIGMAP_TYPE
    wanted = f"the label {label}: {names.CONFIGMAP_PARAMETER}"
    found = maps.get(name)
    if found is None:
        why = f"Please make sure it has {wanted} to be detectable by the controller"
        raise NotFound(f"ConfigMap '{name}' does not exist. {why}")
    if labels.of(found).get(label) != names.CONFIGMAP_PARAMETER:
        raise Missing(f"ConfigMap '{name}' needs to have {wanted} to load parameters")
    value = (found.get("data") or {}).get(key)
    if value is None:
        raise NotFound(f"ConfigMap '{name}' does not have the key '{key}'")
    return str(value)


def _artifact(declared: Mapping[str, Any], argument: Mapping[str, Any] | None) -> dict[str, Any]:
    name = declared["name"]
    if not declared.get("optional") and not locations.is_given(declared):
        if argument is None:
            raise Missing(f"inputs.artifacts.{name} was not supplied")
        if not locations.is_given(argument):
            raise Missing(f"inputs.artifacts.{name} missing location information")
    if argument is None:
        return dict(declared)
    own = ("path", "mode", "recurseMode")
    found = {key: value for key, value in argument.items() if key not in own}
    return found | {key: declared[key] for key in own if declared.get(key) is not None}


def stringified(parameter: Mapping[str, Any]) -> dict[str, Any]:
    """The parameter with its values as texts, as upstream shows them; nulls count as absent."""
    found = {key: value for key, value in parameter.items() if value is not None}
    found |= {key: text(found[key]) for key in ("value", "default") if key in found}
    if "enum" in found:
        found["enum"] = [text(each) for each in found["enum"]]
    return found


def default_of(parameter: Mapping[str, Any]) -> str | None:
    for field in ("value", "default"):
        if parameter.get(field) is not None:
            return text(parameter[field])
    return None

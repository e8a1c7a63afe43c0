"""What a template gives: its outputs have one source each, and it fits the template's type.

Upstream: argo-workflows workflow/validate/validate.go validateOutputs, validateOutputParameter.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sampan.kinds.workflows.validate.named import Wrong, is_tag, unique, value_fault
from sampan.kinds.workflows.validate.paths import path_fault
from sampan.kinds.workflows.validate.scope import Scope

_SOURCES = ("path", "jqFilter", "jsonPath", "parameter", "expression")

Template = Mapping[str, Any]


def paths(template: Template) -> set[str]:
    """The tags for the places at which a container leaves its outputs."""
    given = template.get("outputs") or {}
    found = {
        f"outputs.artifacts.{each.get('name')}.path"
        for each in given.get("artifacts") or ()
        if each.get("path")
    }
    return found | {
        f"outputs.parameters.{each.get('name')}.path"
        for each in given.get("parameters") or ()
        if (each.get("valueFrom") or {}).get("path")
    }


def check(template: Template, scope: Scope, *, leaf: bool, kind: str) -> None:
    """Raises Wrong."""
    name, given = template.get("name") or "", template.get("outputs") or {}
    unique(given.get("parameters") or (), f"templates.{name}.outputs.parameters ", values=True)
    unique(given.get("artifacts") or (), f"templates.{name}.outputs.artifacts ", values=True)
    try:
        scope.check(given)
    except Wrong as wrong:
        raise wrong.within(f"templates.{name}.outputs") from wrong
    for artifact in given.get("artifacts") or ():
        at = f"templates.{name}.outputs.artifacts.{artifact['name']}"
        if leaf:
            if fault := path_fault(artifact):
                raise Wrong(f"error in {at}: {fault}")
        elif artifact.get("path"):
            raise Wrong(f"{at}.path only valid in container/script templates")
        _exported(artifact, at)
    for parameter in given.get("parameters") or ():
        at = f"templates.{name}.outputs.parameters.{parameter['name']}"
        _sourced(parameter, at)
        _fits(parameter.get("valueFrom"), at, kind)
        _exported(parameter, at)


def _exported(output: Mapping[str, Any], at: str) -> None:
    name = output.get("globalName") or ""
    if name and not is_tag(name) and (fault := value_fault(name)):
        raise Wrong(f"{at}.globalName: {fault}")


def _sourced(parameter: Mapping[str, Any], at: str) -> None:
    source, value = parameter.get("valueFrom"), parameter.get("value")
    if source is not None and value is not None:
        raise Wrong(f"{at} has both valueFrom and value specified, choose one")
    if value is not None:
        return
    if source is None:
        raise Wrong(f"{at} does not have valueFrom or value specified")
    number = sum(bool(source.get(each)) for each in _SOURCES)
    number += source.get("supplied") is not None
    choices = "choose one of: path, jqFilter, jsonPath, parameter, raw"
    if number == 0:
        raise Wrong(f"valueFrom type unspecified. {choices}, expression")
    if number > 1:
        raise Wrong(f"multiple valueFrom types specified. {choices}")


def _fits(source: Mapping[str, Any] | None, at: str, kind: str) -> None:
    if source is None:
        return
    if kind in ("Container", "ContainerSet", "Script") and not source.get("path"):
        raise Wrong(f"{at}.path must be specified for {kind} templates")
    if kind == "Resource" and not (source.get("jqFilter") or source.get("jsonPath")):
        raise Wrong(f"{at} .jqFilter or jsonPath must be specified for {kind} templates")
    if kind in ("DAG", "Steps") and not (source.get("parameter") or source.get("expression")):
        raise Wrong(f"{at}.parameter or expression must be specified for {kind} templates")

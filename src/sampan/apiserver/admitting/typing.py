"""The expressions of a policy, checked against the kinds that it is for: status.typeChecking.

A policy whose types do not fit is accepted, as upstream: it may be for several kinds, and what it
says is found out at run time. Here its writer is told. Only rules that name a resource are looked
at, and only the first few kinds.
Upstream: k8s.io/apiserver pkg/admission/plugin/policy/validating/typechecking.go.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

from sampan.apiserver.admitting.matching import VARIABLES
from sampan.apiserver.expressions.library import functions
from sampan.apiserver.expressions.typing import type_of
from sampan.apiserver.resources import Resource, Resources
from sampan.apiserver.schemas.nodes import LIST, MAP, SCALAR, STRUCT, List, Map, Node, Struct
from sampan.lib.cel.environment import Environment
from sampan.lib.cel.faults import CompileError
from sampan.lib.cel.types import (
    BOOL,
    DOUBLE,
    DYN,
    INT,
    STRING,
    Type,
    list_of,
    map_of,
    object_of,
)

_MOST_KINDS = 10
_SCALARS = {"string": STRING, "int32": INT, "int64": INT, "float64": DOUBLE, "bool": BOOL,
            "[]uint8": STRING}  # fmt: skip


def warnings(spec: Mapping[str, Any], resources: Resources) -> list[dict[str, str]]:
    """ExpressionWarnings: what is wrong with which expression, for all kinds together."""
    kinds = list(_kinds(spec, resources))[:_MOST_KINDS]
    params = _params(spec, resources)
    found = []
    for index, validation in enumerate(spec.get("validations") or ()):
        for field in ("expression", "messageExpression"):
            text = validation.get(field)
            faults = [fault for kind in kinds for fault in _faults(text, kind, params, spec)]
            if faults:
                place = f"spec.validations[{index}].{field}"
                found.append({"fieldRef": place, "warning": "\n".join(faults)})
    return found


def _kinds(spec: Mapping[str, Any], resources: Resources) -> Iterator[Resource]:
    """The resources that the rules name, without wildcards."""
    for rule in (spec.get("matchConstraints") or {}).get("resourceRules") or ():
        for group in rule.get("apiGroups") or ():
            for version in rule.get("apiVersions") or ():
                for plural in rule.get("resources") or ():
                    found = resources.at(group, version, plural)
                    if found is not None:
                        yield found


def _params(spec: Mapping[str, Any], resources: Resources) -> Type:
    kind = spec.get("paramKind") or {}
    found = resources.of(kind.get("apiVersion") or "", kind.get("kind") or "")
    return DYN if found is None else _object(found)


def _faults(
    text: str | None, resource: Resource, params: Type, spec: Mapping[str, Any]
) -> Iterator[str]:
    if not text:
        return
    own = _object(resource)
    types = {**VARIABLES, "object": own, "oldObject": own, "params": params}
    try:
        variables = _variables(spec, types)
        Environment(types | {"variables": variables}, functions()).compile(text)
    except CompileError as error:
        version = f"{resource.group}/{resource.version}".lstrip("/")
        yield f"{version}, Kind={resource.object_kind}: {error}"


def _variables(spec: Mapping[str, Any], types: Mapping[str, Type]) -> Type:
    """The type of `variables`; one that is wrong itself is of any type."""
    fields: dict[str, tuple[str, Type]] = {}
    for variable in spec.get("variables") or ():
        environment = Environment(
            {**types, "variables": object_of("variables", dict(fields))}, functions()
        )
        try:
            found = environment.compile(variable.get("expression") or "").type
        except CompileError:
            found = DYN
        name = variable.get("name") or ""
        fields[name] = (name, found)
    return object_of("variables", fields)


def _object(resource: Resource) -> Type:
    source = resource.schema.source
    if source is not None:
        return type_of(source, resource=True) or DYN
    return _of(resource.schema.root)


@cache
def _of(node: Node) -> Type:
    """The type of a part of a kind of Kubernetes' own."""
    if node.shape == STRUCT:
        assert isinstance(node, Struct)
        return object_of(node.go, _Fields(node))
    if node.shape == MAP:
        assert isinstance(node, Map)
        return map_of(STRING, _of(node.values))
    if node.shape == LIST:
        assert isinstance(node, List)
        return list_of(_of(node.items))
    return _SCALARS.get(node.go, DYN) if node.shape == SCALAR else DYN


class _Fields(Mapping[str, tuple[str, Type]]):
    """The fields of a struct, whose types are found out when asked for: some contain themselves."""

    def __init__(self, node: Struct) -> None:
        self._node = node

    def __getitem__(self, name: str) -> tuple[str, Type]:
        return name, _of(self._node.fields[name])

    def __iter__(self) -> Iterator[str]:
        return iter(self._node.fields)

    def __len__(self) -> int:
        return len(self._node.fields)

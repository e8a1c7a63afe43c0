"""What a CustomResourceDefinition must say, and the resources that it makes. Pure.

Versions differ in `apiVersion` only (conversion None); webhook conversion is refused.
Upstream: k8s.io/apiextensions-apiserver pkg/apis/apiextensions/validation.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any

import orjson

from sampan.apiserver.resources import Custom, Resource, ScalePaths
from sampan.apiserver.schemas import Schema, Subresource
from sampan.apiserver.traits import Path, Trait
from sampan.apiserver.versions import version_problems
from sampan.kube import formats
from sampan.kube.errors import Problem, invalid, required, unsupported
from sampan.kube.keys import Manifest

_SCOPES = ("Cluster", "Namespaced")


def kind_of(crd: Manifest) -> str:
    """The kind that a definition defines, as Sampan writes it."""
    return f"{crd['spec']['names']['kind']}.{crd['spec']['group']}"


def resources_of(crd: Manifest, stored: bytes) -> Iterator[Resource]:
    """One resource for each served version. The definition has been validated; `stored` is its
    JSON, from which schemas are read when they are needed: decoded, large ones take megabytes."""
    spec = crd["spec"]
    called = spec["names"]
    storage = next(v["name"] for v in spec["versions"] if v["storage"])
    for version in spec["versions"]:
        if not version["served"]:
            continue
        subresources = version.get("subresources") or {}
        yield Resource(
            group=spec["group"],
            version=version["name"],
            object_kind=called["kind"],
            plural=called["plural"],
            singular=called["singular"],
            list_kind=called["listKind"],
            short_names=called.get("shortNames") or (),
            categories=called.get("categories") or (),
            namespaced=spec["scope"] == "Namespaced",
            trait=Trait(fields=_selectable(version)),
            schema=partial(Schema, read=partial(_schema, stored, version["name"])),
            subresources=_subresources(
                spec["group"], version["name"], called["kind"], subresources
            ),
            storage_version=storage,
            scale=_scale(subresources.get("scale")),
            custom=Custom(
                crd["metadata"]["name"],
                tuple(version.get("additionalPrinterColumns") or ()),
                _deprecation(spec["group"], version, called["kind"]),
                bool(crd["metadata"].get("deletionTimestamp")),
                _changed_at(crd),
            ),
        )


def _schema(stored: bytes, version: str) -> Mapping[str, Any]:
    """The openAPIV3Schema of a version of a definition."""
    versions = orjson.loads(stored)["spec"]["versions"]
    found = next(each for each in versions if each["name"] == version)
    return (found.get("schema") or {}).get("openAPIV3Schema") or {}


def _changed_at(crd: Manifest) -> int:
    """The revision before which objects may have been stored by another schema; 0 if none were."""
    meta = crd["metadata"]
    return int(meta.get("resourceVersion") or 0) if meta.get("generation", 1) > 1 else 0


def fill(crd: Manifest) -> None:
    """Defaults, in place."""
    spec = crd.get("spec")
    if not isinstance(spec, dict):
        return
    spec.setdefault("conversion", {"strategy": "None"})
    called = spec.get("names")
    if isinstance(called, dict) and called.get("kind"):
        called.setdefault("singular", called["kind"].lower())
        called.setdefault("listKind", f"{called['kind']}List")


def problems(crd: Manifest) -> Iterator[Problem]:
    """What is wrong with the spec, the schemas apart."""
    spec: dict[str, Any] = crd.get("spec") or {}
    group, called = spec.get("group") or "", spec.get("names") or {}
    yield from _group_problems(group)
    if spec.get("scope") not in _SCOPES:
        yield unsupported("spec.scope", spec.get("scope") or "", _SCOPES)
    for field in ("plural", "kind"):
        if not called.get(field):
            yield required(f"spec.names.{field}")
        elif fault := formats.dns_label(called[field].lower()):
            yield invalid(f"spec.names.{field}", called[field], fault)
    name, wanted = crd["metadata"].get("name"), f"{called.get('plural')}.{group}"
    if name != wanted:
        yield invalid("metadata.name", name, 'must be spec.names.plural+"."+spec.group')
    strategy = (spec.get("conversion") or {}).get("strategy", "None")
    if strategy == "Webhook":
        text = "Sampan calls no conversion webhooks: use None"
        yield invalid("spec.conversion.strategy", strategy, text)
    elif strategy != "None":
        yield unsupported("spec.conversion.strategy", strategy, ("None", "Webhook"))
    yield from _version_problems(spec.get("versions") or [])


def _group_problems(group: str) -> Iterator[Problem]:
    if not group:
        yield required("spec.group")
    elif fault := formats.dns_subdomain(group):
        yield invalid("spec.group", group, fault)
    elif "." not in group:
        yield invalid("spec.group", group, "should be a domain with at least one dot")


def _version_problems(versions: list[dict[str, Any]]) -> Iterator[Problem]:
    if not versions:
        yield required("spec.versions", "must have exactly one version marked as storage version")
        return
    seen: set[str] = set()
    for position, version in enumerate(versions):
        path = f"spec.versions[{position}].name"
        name = version.get("name") or ""
        if fault := formats.dns_label(name):
            yield invalid(path, name, fault)
        if name in seen:
            yield invalid(path, name, "must be unique")
        seen.add(name)
        yield from version_problems(version, f"spec.versions[{position}]")
        version.setdefault("served", False)
        version.setdefault("storage", False)
    if sum(bool(version.get("storage")) for version in versions) != 1:
        text = "must have exactly one version marked as storage version"
        yield invalid("spec.versions", "", text)


def _subresources(
    group: str, version: str, kind: str, found: dict[str, Any]
) -> Iterator[Subresource]:
    verbs = ("get", "patch", "update")
    if "status" in found:
        yield Subresource("status", group, version, kind, verbs)
    if found.get("scale"):
        yield Subresource("scale", "autoscaling", "v1", "Scale", verbs)


def _scale(found: dict[str, Any] | None) -> ScalePaths | None:
    if not found:
        return None
    return ScalePaths(
        _path(found["specReplicasPath"]),
        _path(found["statusReplicasPath"]),
        _path(found.get("labelSelectorPath") or ""),
    )


def _path(text: str) -> Path:
    return tuple(part for part in text.split(".") if part)


def _selectable(version: dict[str, Any]) -> dict[str, tuple[Path, str]]:
    found = [field["jsonPath"] for field in version.get("selectableFields") or ()]
    return {path.lstrip("."): (_path(path), "") for path in found}


def _deprecation(group: str, version: dict[str, Any], kind: str) -> str:
    if not version.get("deprecated"):
        return ""
    text = version.get("deprecationWarning")
    return text or f"{group}/{version['name']} {kind} is deprecated"

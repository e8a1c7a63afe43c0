"""Derive the compact tables of the API server from the facts about Kubernetes.

Run once per Kubernetes version, by hand: `python scripts/derive_facts.py FACTS_DIRECTORY`, where
the directory holds core-schema.json.xz and protobuf-fields.json.xz. The two files that it writes
belong to the package and are committed. They hold names, types and rules, no sentences.

A type is a short code: s string, i int32, l int64, d double, b boolean, y base64, t Time, T
MicroTime, q Quantity, x IntOrString, o free-form object, j any JSON, @Name a definition, [CODE
list, {CODE map. A field is a code, or [code, attributes]: l list type, k map keys, g merge key, p
patch strategy, m map type, z true for a struct that Go always writes, D default.
"""

from __future__ import annotations

import json
import lzma
import re
import sys
import zlib
from pathlib import Path
from typing import Any

PACKAGE = Path(__file__).parent.parent / "src/sampan/apiserver"
SCALARS = {
    "io.k8s.apimachinery.pkg.apis.meta.v1.Time": "t",
    "io.k8s.apimachinery.pkg.apis.meta.v1.MicroTime": "T",
    "io.k8s.apimachinery.pkg.api.resource.Quantity": "q",
    "io.k8s.apimachinery.pkg.util.intstr.IntOrString": "x",
    "io.k8s.apimachinery.pkg.apis.meta.v1.FieldsV1": "o",
    "io.k8s.apimachinery.pkg.runtime.RawExtension": "o",
}
PLAIN = {
    ("string", None): "s", ("string", "byte"): "y", ("string", "date-time"): "t",
    ("integer", "int32"): "i", ("integer", "int64"): "l", ("number", "double"): "d",
    ("boolean", None): "b", ("object", None): "o", (None, None): "j",
}  # fmt: skip
ATTRIBUTES = {
    "x-kubernetes-list-type": "l", "x-kubernetes-list-map-keys": "k", "x-kubernetes-map-type": "m",
    "x-kubernetes-patch-merge-key": "g", "x-kubernetes-patch-strategy": "p",
}  # fmt: skip
# Go structs that are no pointers are there even when nothing was said about them: an object just
# created has an empty spec to compare with. Swagger does not tell; these are the ones that show.
ALWAYS_THERE = frozenset((
    "metadata", "spec", "status", "template", "jobTemplate", "strategy", "updateStrategy",
    "resources", "loadBalancer", "nodeInfo", "daemonEndpoints", "names", "involvedObject", "source",
    "regarding", "scaleTargetRef", "roleRef",
))  # fmt: skip
# `protocol` is part of a list's key and may be left out; swagger v2 has lost its default.
DEFAULTS = {("ContainerPort", "protocol"): "TCP", ("ServicePort", "protocol"): "TCP"}
STABLE = re.compile(r"v[0-9]+$")
VERBS = {
    "post": "create", "delete": "delete", "deletecollection": "deletecollection", "get": "get",
    "list": "list", "patch": "patch", "put": "update", "watch": "watch", "watchlist": "watch",
    "connect": "get",
}  # fmt: skip


def main(facts: Path) -> None:
    core = read(facts / "core-schema.json.xz")
    definitions = reachable(core["definitions"])
    resources = resources_of(core["paths"])
    write(
        PACKAGE / "schemas/core.json.z",
        {
            "definitions": {
                name: definition(name, core["definitions"][name]) for name in definitions
            },
            "resources": resources,
        },
    )
    messages = read(facts / "protobuf-fields.json.xz")
    write(PACKAGE / "protobuf.json.z", protobuf(messages, core["definitions"]))


def read(path: Path) -> Any:
    with lzma.open(path) as file:
        return json.load(file)


def write(path: Path, value: Any) -> None:
    packed = zlib.compress(json.dumps(value, separators=(",", ":")).encode(), 9)
    path.write_bytes(packed)
    print(f"{path}: {len(packed):,} bytes")


def kinds(body: dict[str, Any]) -> list[list[str]]:
    """[group, version, kind] of a definition; a few helpers belong to every group."""
    said = body.get("x-kubernetes-group-version-kind", [])
    found = [[gvk["group"], gvk["version"], gvk["kind"]] for gvk in said]
    return found if len(found) < 3 else [gvk for gvk in found if gvk[:2] == ["", "v1"]]


def reachable(definitions: dict[str, Any]) -> list[str]:
    """Definitions that a kind of a stable version needs, ordered by name."""
    wanted = {
        name
        for name, body in definitions.items()
        for _, version, kind in kinds(body)
        if STABLE.match(version) and not (kind.endswith("List") and "items" in body["properties"])
    }
    todo = list(wanted)
    while todo:
        for name in re.findall(r'"#/definitions/([^"]+)"', json.dumps(definitions[todo.pop()])):
            if name not in wanted and name not in SCALARS:
                wanted.add(name)
                todo.append(name)
    return sorted(wanted - SCALARS.keys())


def definition(name: str, body: dict[str, Any]) -> dict[str, Any]:
    """f fields, r required, g kinds, m map type; or c, the code of what is no struct."""
    made: dict[str, Any] = {}
    if "properties" in body:
        made["f"] = {
            field: coded(name.rsplit(".", 1)[1], field, schema)
            for field, schema in body["properties"].items()
        }
    elif body.get("type") == "object":
        made["f"] = {}
    else:
        made["c"] = code(body)
    if body.get("required"):
        made["r"] = body["required"]
    if found := kinds(body):
        made["g"] = found
    if "x-kubernetes-map-type" in body:
        made["m"] = body["x-kubernetes-map-type"]
    return made


def coded(owner: str, field: str, schema: dict[str, Any]) -> Any:
    attributes = {ATTRIBUTES[key]: value for key, value in schema.items() if key in ATTRIBUTES}
    if "$ref" in schema and code(schema).startswith("@") and field in ALWAYS_THERE:
        attributes["z"] = True
    if (owner, field) in DEFAULTS:
        attributes["D"] = DEFAULTS[owner, field]
    return [code(schema), attributes] if attributes else code(schema)


def code(schema: dict[str, Any]) -> str:
    if "$ref" in schema:
        name = schema["$ref"].removeprefix("#/definitions/")
        return SCALARS.get(name) or "@" + name
    if schema.get("type") == "array":
        return "[" + code(schema["items"])
    if isinstance(schema.get("additionalProperties"), dict):
        return "{" + code(schema["additionalProperties"])
    return PLAIN[schema.get("type"), schema.get("format")]


PATH = re.compile(
    r"/(?:api|apis/(?P<group>[^/]+))/(?P<version>[^/]+)/(?P<watch>watch/)?"
    r"(?P<scope>namespaces/\{namespace\}/)?(?P<plural>[a-z]+)(?:/\{name\}(?:/(?P<sub>[a-z]+))?)?"
)


def resources_of(paths: dict[str, Any]) -> list[dict[str, Any]]:
    """Resources of stable versions with verbs and subresources, in the order of the paths."""
    found: dict[tuple[str, str, str], dict[str, Any]] = {}
    for path, operations in paths.items():
        place = PATH.fullmatch(path)
        if place is None or not STABLE.match(place["version"]):
            continue
        key = (place["group"] or "", place["version"], place["plural"])
        resource = found.setdefault(
            key, {"verbs": set(), "sub": {}, "kind": "", "namespaced": False}
        )
        resource["namespaced"] |= bool(place["scope"])
        gvk = next(iter(operations.values()))["gvk"]
        verbs = {VERBS[op["action"]] for op in operations.values()}
        if place["sub"]:
            sub = resource["sub"].setdefault(
                place["sub"], {"gvk": list(gvk.values()), "verbs": set()}
            )
            sub["gvk"] = [gvk["group"], gvk["version"], gvk["kind"]]
            sub["verbs"] |= connects(operations) or verbs
        else:
            resource["kind"] = gvk["kind"]
            resource["verbs"] |= verbs
    return [
        {
            "group": group, "version": version, "plural": plural, "kind": fact["kind"],
            "namespaced": fact["namespaced"], "verbs": sorted(fact["verbs"]),
            "sub": {
                name: {"gvk": sub["gvk"], "verbs": sorted(sub["verbs"])}
                for name, sub in sorted(fact["sub"].items())
            },
        }
        for (group, version, plural), fact in found.items()
        if "create" in fact["verbs"]
    ]  # fmt: skip


def connects(operations: dict[str, Any]) -> set[str]:
    methods = {
        "get": "get",
        "post": "create",
        "put": "update",
        "patch": "patch",
        "delete": "delete",
    }
    return {
        methods[method]
        for method, op in operations.items()
        if op["action"] == "connect" and method in methods
    }


def protobuf(messages: dict[str, Any], definitions: dict[str, Any]) -> dict[str, Any]:
    """Messages that a kind of a stable version needs: {"kinds": …, "messages": …}.

    A field is [name, label, type]; label: o one, r repeated, m map, i a Go struct without a field
    of its own in JSON. Types are as in proto, messages by their full names.
    """
    roots = {
        f"{group}/{version}/{kind}": "k8s.io." + name.split("io.k8s.", 1)[1]
        for name, body in definitions.items()
        for group, version, kind in kinds(body)
        if STABLE.match(version) and not kind.endswith("List") and group != "apiextensions.k8s.io"
    }
    roots = {gvk: name for gvk, name in roots.items() if name in messages}
    needed, todo = set(roots.values()), list(roots.values())
    while todo:
        for _, _, kind in messages[todo.pop()].values():
            if kind in messages and kind not in needed:
                needed.add(kind)
                todo.append(kind)
    labels = {"opt": "o", "rep": "r", "map": "m"}

    def inner_names(kind: str) -> set[str]:
        """Names of fields in JSON of a message that may be inline, and of inline ones in it."""
        found = {name for name, *_ in messages.get(kind, {}).values()}
        for name, _, inner in messages.get(kind, {}).values():
            if inner in messages and inner not in (kind, "") and name not in everywhere:
                found = (found - {name}) | inner_names(inner)
        return found

    everywhere = {name for body in definitions.values() for name in body.get("properties", {})}

    def field(message: str, name: str, label: str, kind: str) -> list[str]:
        known = definitions.get("io.k8s." + message.removeprefix("k8s.io."), {}).get(
            "properties", {}
        )
        name = {said.lower(): said for said in known}.get(name.lower(), name)
        inner = inner_names(kind)
        inline = label == "opt" and name not in known and bool(inner) and inner <= known.keys()
        return [name, "i" if inline else labels[label], kind]

    return {
        "kinds": roots,
        "messages": {
            name: {number: field(name, *body) for number, body in messages[name].items()}
            for name in sorted(needed)
        },
    }


if __name__ == "__main__":
    main(Path(sys.argv[1]))

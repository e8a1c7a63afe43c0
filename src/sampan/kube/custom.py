"""Custom: what a package that brings kinds of its own declares for them: their
CustomResourceDefinitions, and what `view`, `edit` and `admin` may do with them. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sampan.kube import names
from sampan.kube.keys import Manifest, split_kind

_READ = ("get", "list", "watch")
_WRITE = ("create", "delete", "deletecollection", *_READ, "patch", "update")


def crd(
    kind: str,
    version: str,
    schema: Mapping[str, Any],
    *,
    status: bool = True,
    short: str = "",
    categories: Sequence[str] = (),
    columns: Sequence[tuple[str, str]] = (),
    wide: Sequence[tuple[str, str]] = (),
) -> Manifest:
    """The definition of a namespaced kind (`Name.group`) with one version. `status`: it has that
    subresource. `columns`: title and JSONPath of what is printed, before the age; `wide`: of what
    `-o wide` shows after it."""
    name, group = split_kind(kind)
    plural = f"{name.lower()}s"
    shown = [{"name": title, "type": "string", "jsonPath": path} for title, path in columns]
    more = [
        {"name": title, "type": "string", "jsonPath": path, "priority": 1} for title, path in wide
    ]
    age = {"name": "Age", "type": "date", "jsonPath": ".metadata.creationTimestamp"}
    served: dict[str, Any] = {
        "name": version, "served": True, "storage": True, "schema": {"openAPIV3Schema": schema},
        "additionalPrinterColumns": [*shown, age, *more],
        **({"subresources": {"status": {}}} if status else {}),
    }  # fmt: skip
    called: dict[str, Any] = {
        "kind": name, "listKind": f"{name}List", "plural": plural, "singular": name.lower(),
        **({"shortNames": [short]} if short else {}),
        **({"categories": list(categories)} if categories else {}),
    }  # fmt: skip
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{plural}.{group}"},
        "spec": {"group": group, "names": called, "scope": "Namespaced", "versions": [served]},
    }


def roles(prefix: str, resources: Mapping[str, Sequence[str]]) -> tuple[Manifest, ...]:
    """Parts of the ClusterRoles `view`, `edit` and `admin`, named `<prefix>-view` and so on.
    `resources`: by group."""
    return tuple(
        _role(f"{prefix}-{into}", into, verbs, resources)
        for into, verbs in (("view", _READ), ("edit", _WRITE), ("admin", _WRITE))
    )


def _role(
    name: str, into: str, verbs: Sequence[str], resources: Mapping[str, Sequence[str]]
) -> Manifest:
    return {
        "apiVersion": f"{names.GROUP_RBAC}/v1",
        "kind": "ClusterRole",
        "metadata": {"name": name, "labels": {names.LABEL_AGGREGATE_TO + into: "true"}},
        "rules": [
            {"apiGroups": [group], "resources": list(each), "verbs": list(verbs)}
            for group, each in resources.items()
        ],
    }

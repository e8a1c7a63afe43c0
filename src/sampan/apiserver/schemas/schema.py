"""Schema: everything that is known about the shape of one kind in one version.

One class for Kubernetes' own kinds and for custom resources. Own kinds refuse wrong JSON types when
they are decoded (`check`, 400); custom ones take any JSON and are validated afterwards (`problems`,
422). Admission rules beyond the schema belong to the kinds.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import orjson

from sampan.apiserver.schemas import core, custom
from sampan.apiserver.schemas.nodes import Struct, drop_nulls
from sampan.apiserver.schemas.validation import Validator
from sampan.kube.errors import BadRequest, Problem
from sampan.kube.keys import Manifest


class Schema:
    """`read` answers with a custom resource's openAPIV3Schema, `name` is an own kind's definition.
    What is needed of either is compiled when first used; the source is read each time, since it is
    large and few ask for it."""

    __slots__ = ("_read", "_root", "_validator", "name")

    def __init__(
        self, *, name: str = "", read: Callable[[], Mapping[str, Any]] | None = None
    ) -> None:
        self.name = name
        self._read = read
        self._root: Struct | None = None
        self._validator: Validator | None = None

    @classmethod
    def from_crd(cls, schema: Mapping[str, Any]) -> Schema:
        """The schema of a custom resource from its openAPIV3Schema ({} keeps everything)."""
        return cls(read=lambda: schema)

    @property
    def source(self) -> Mapping[str, Any] | None:
        """The schema of a custom resource as its definition has it; None for own kinds."""
        return (self._read() or _KEEPS_ALL) if self._read is not None else None

    @property
    def root(self) -> Struct:
        """The structure: for apply, strategic merge and OpenAPI."""
        if self._root is None:
            source = self.source
            if source is None:
                node = core.compiler().node(self.name)
                assert isinstance(node, Struct)
                self._root = node
            else:
                metadata = core.compiler().node(core.OBJECT_META)
                self._root = custom.compile_crd(source, metadata)
        return self._root

    @property
    def has_rules(self) -> bool:
        """Whether there are CEL rules (x-kubernetes-validations)."""
        source = self.source
        if source is None or _RULES.encode() not in orjson.dumps(source):
            return False  # the search in the text is quick; most large CRDs end here
        return _has_rules(source)

    @property
    def is_custom(self) -> bool:
        return self._read is not None

    def examine(self, manifest: Manifest, kind: str, version: str) -> list[str]:
        """`check` and `unknown` in one walk: the quick way for a manifest that is in order."""
        if self.root.clean(manifest):
            return []
        self.check(manifest, kind, version)
        return self.unknown(manifest)

    def check(self, manifest: Any, kind: str, version: str) -> None:
        """BadRequest when a JSON type is wrong, in the words of Go's decoder."""
        if self.root.clean(manifest):
            return
        fault = self.root.fault(manifest, "", "")
        if fault is None and not isinstance(manifest, dict):
            fault = "json: cannot unmarshal into Go value of type map[string]interface {}"
        if fault:
            raise BadRequest(
                f'{kind} in version "{version}" cannot be handled as a {kind}: {fault}'
            )

    def unknown(self, manifest: Manifest, *, prune: bool = False) -> list[str]:
        """Paths of undeclared fields, such as `spec.containers[0].x`; removed if asked."""
        if self.root.clean(manifest):
            return []
        found: list[str] = []
        self.root.unknown(manifest, "", found, prune)
        return found

    def problems(self, manifest: Manifest) -> list[Problem]:
        """What the CRD's schema says against a custom resource; [] for own kinds."""
        if self._validator is None:
            source = self.source
            if source is None:
                return []
            self._validator = Validator({**source, "x-kubernetes-int-or-string": False})
        found: list[Problem] = []
        self._validator.problems(manifest, None, found)
        return found

    def fill(self, manifest: Manifest) -> None:
        """Put in the CRD's defaults, in place; for own kinds only drop nulls."""
        if not self.is_custom:
            if _has_null(manifest):
                drop_nulls(manifest)
        elif self.root.fills:
            self.root.fill(manifest)


def _has_null(manifest: Manifest) -> bool:
    """Whether there may be a null: quicker to see in the text than to look for in the object."""
    try:
        return b":null" in orjson.dumps(manifest)
    except TypeError:  # a number that JSON cannot hold, which validation will name
        return True


_KEEPS_ALL = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
_RULES = "x-kubernetes-validations"


def _has_rules(schema: Any) -> bool:
    if isinstance(schema, dict):
        return bool(schema.get(_RULES)) or any(map(_has_rules, schema.values()))
    return isinstance(schema, list) and any(map(_has_rules, schema))

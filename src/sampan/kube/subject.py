"""What a decision is about: the object, and the parts of it that every decision reads."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec import Struct

from sampan.kube import meta
from sampan.kube.keys import Manifest


class Subject(Struct, frozen=True, kw_only=True):
    """The head of a snapshot."""

    manifest: Manifest

    @property
    def name(self) -> str:
        return meta.name_of(self.manifest)

    @property
    def namespace(self) -> str:
        return meta.namespace_of(self.manifest)

    @property
    def status(self) -> Mapping[str, Any]:
        return self.manifest.get("status") or {}

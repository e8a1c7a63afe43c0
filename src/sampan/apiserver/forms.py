"""Forms: how an object is shown: as it is, as a Table, as its metadata alone; in JSON or YAML.

The Accept header decides; its reading is remembered, because clients repeat theirs. JSON is always
possible and is what a client without wishes gets.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Literal

import orjson
from msgspec import Struct

from sampan.apiserver import tables
from sampan.apiserver.backend import Backend
from sampan.apiserver.lists import Page
from sampan.apiserver.lists import body as list_body
from sampan.apiserver.resources import Resource
from sampan.kube.errors import NotAcceptable
from sampan.kube.keys import Manifest
from sampan.lib import yaml
from sampan.store.records import Record

Shape = Literal["object", "table", "partial"]
_SHAPES: dict[str, Shape] = {
    "": "object",
    "Table": "table",
    "PartialObjectMetadata": "partial",
    "PartialObjectMetadataList": "partial",
}
_ANY = frozenset({"*/*", "application/*"})


class Form(Struct, frozen=True):
    """`version` is that of meta.k8s.io, for tables and metadata."""

    shape: Shape = "object"
    version: str = "v1"
    yaml: bool = False


PLAIN = Form()


@lru_cache(1000)
def accepted(header: str) -> Form:
    """The first form in an Accept header that can be given. Raises NotAcceptable."""
    if not header:
        return PLAIN
    for choice in header.split(","):
        media, *parameters = (part.strip() for part in choice.split(";"))
        wishes = dict(part.partition("=")[::2] for part in parameters)
        shape = _SHAPES.get(wishes.get("as", ""))
        if shape is None or (shape != "object" and wishes.get("g", "meta.k8s.io") != "meta.k8s.io"):
            continue
        version = wishes.get("v", "v1")
        if media == "application/json" or media in _ANY:
            return Form(shape, version if version in ("v1", "v1beta1") else "v1")
        if media == "application/yaml" and shape == "object":
            return Form(yaml=True)
    raise NotAcceptable(
        "406: Not Acceptable\n\nAvailable representations: application/json, application/yaml"
    )


class Look(Struct, frozen=True):
    """A form for one resource. `include` is what the rows of a table carry as `object`."""

    backend: Backend
    resource: Resource
    form: Form = PLAIN
    include: tables.Include = "Metadata"

    @property
    def content_type(self) -> bytes:
        return b"application/yaml" if self.form.yaml else b"application/json"

    def of_bytes(self, data: bytes) -> bytes:
        """One object, given as stored bytes (or a Status, which is shown as it is)."""
        if self.form.shape == "object":
            presented = self.resource.present(data)
            return self._yaml(presented) if self.form.yaml else presented
        manifest: Manifest = orjson.loads(data)
        if self.form.shape == "table":
            revision = manifest["metadata"].get("resourceVersion", "")
            return self._table([manifest], {"resourceVersion": revision})
        return self._partial(manifest)

    def of_record(self, record: Record) -> bytes:
        if self.form.shape == "object":
            return self.resource.present(record.data)
        manifest = self.backend.manifest(record)
        if self.form.shape == "table":
            return self._table([manifest], {"resourceVersion": str(record.revision)})
        return self._partial(manifest)

    def of_page(self, page: Page) -> bytes:
        if self.form.shape == "object":
            plain = list_body(self.resource, page)
            return self._yaml(plain) if self.form.yaml else plain
        manifests = [self.backend.manifest(record) for record in page.records]
        if self.form.shape == "table":
            return self._table(manifests, page.meta())
        shown = map(self.resource.shown, manifests)
        items = [tables.partial(manifest, self.form.version) for manifest in shown]
        return orjson.dumps(
            {
                "kind": "PartialObjectMetadataList",
                "apiVersion": f"meta.k8s.io/{self.form.version}",
                "metadata": page.meta(),
                "items": items,
            }
        )

    def _table(self, manifests: list[Manifest], meta: dict[str, object]) -> bytes:
        return tables.table(
            self.resource,
            manifests,
            meta,
            version=self.form.version,
            include=self.include,
            now=self.backend.clock.now(),
        )

    def _partial(self, manifest: Manifest) -> bytes:
        return orjson.dumps(tables.partial(self.resource.shown(manifest), self.form.version))

    def _yaml(self, data: bytes) -> bytes:
        return yaml.dump(orjson.loads(data)).encode()

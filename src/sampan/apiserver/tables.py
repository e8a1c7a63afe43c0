"""Tables: what `kubectl get` prints. Columns and cells come from `columns`; this is the frame."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

import orjson

from sampan.apiserver import columns
from sampan.apiserver.resources import Resource
from sampan.kube.keys import Manifest

Include = Literal["None", "Metadata", "Object"]


def table(
    resource: Resource,
    manifests: list[Manifest],
    meta: dict[str, Any],
    *,
    version: str,
    include: Include,
    now: datetime,
) -> bytes:
    """A Table as JSON, one row for each manifest, which is given as it is stored."""
    rows = [
        {
            "cells": columns.row(resource, manifest, now),
            **_object(resource, manifest, include, version),
        }
        for manifest in manifests
    ]
    return orjson.dumps(
        {
            "kind": "Table",
            "apiVersion": f"meta.k8s.io/{version}",
            "metadata": meta,
            "columnDefinitions": columns.columns(resource),
            "rows": rows,
        }
    )


def partial(manifest: Manifest, version: str) -> Manifest:
    """PartialObjectMetadata."""
    return {
        "kind": "PartialObjectMetadata",
        "apiVersion": f"meta.k8s.io/{version}",
        "metadata": manifest["metadata"],
    }


def _object(
    resource: Resource, manifest: Manifest, include: Include, version: str
) -> dict[str, Any]:
    if include == "None":
        return {}
    shown = resource.shown(manifest)
    return {"object": shown if include == "Object" else partial(shown, version)}

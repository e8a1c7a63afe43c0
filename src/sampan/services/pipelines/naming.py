"""What objects are called: names that Kubernetes takes, made of text that anybody may have chosen.

A name is a function of the text, so that of two requests for the same text the second finds the
first one's object. Text that is a name already stays as it is; else a part of its hash tells it
from what looks alike.
"""

from __future__ import annotations

import hashlib
import re

from sampan.kube import meta, names
from sampan.kube.keys import Manifest

_NAME = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?\Z")
_LONGEST = 63
_HASH = 8
_LONGEST_SCHEDULE = 25
_RUN_NAME = 40
"""Names of runs leave room for what their pods are called after them."""


def object_name(text: str, *, longest: int = _LONGEST) -> str:
    if len(text) <= longest and _NAME.match(text):
        return text
    digest = hashlib.sha256(text.encode()).hexdigest()[:_HASH]
    stem = slug(text)[: longest - _HASH - 1].rstrip("-")
    return f"{stem}-{digest}" if stem else f"x{digest}"


def version_name(pipeline: str, version: str) -> str:
    """Of the object of a version; names of objects are unique in a namespace, those of versions in
    a pipeline."""
    return object_name(f"{pipeline}-{version}", longest=2 * _LONGEST)


def run_name(pipeline: str, run_id: str) -> str:
    stem = slug(pipeline)[:_RUN_NAME].rstrip("-") or "run"
    return f"{stem}-{run_id.replace('-', '')[:_HASH]}"


def schedule_stem(text: str) -> str:
    """What the names of a recurring run's object, and of its runs, begin with: the text without
    what a name cannot have. Upstream: template/template.go toSWFCRDResourceGeneratedName."""
    stem = re.sub(r"[^a-z0-9-]+", "", text.lower()).lstrip("-")
    return stem[:_LONGEST_SCHEDULE] or "job-"


def slug(text: str) -> str:
    """The letters and digits of a text, in lower case, with dashes for the rest; may be empty."""
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")


def name_of(manifest: Manifest) -> str:
    """What users call a pipeline or a version: unique where it is, and never changed."""
    spec = manifest.get("spec") or {}
    annotated = meta.annotations_of(manifest).get(names.ANNOTATION_PIPELINE_NAME)
    return annotated or spec.get("versionName") or meta.name_of(manifest)


def display_name_of(manifest: Manifest) -> str:
    return (manifest.get("spec") or {}).get("displayName") or name_of(manifest)

"""The path of an artifact: it is there, and does not lead out of where it begins.

Upstream: argo-workflows pkg/apis/workflow/v1alpha1 Artifact.CleanPath.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Mapping
from typing import Any


def path_fault(artifact: Mapping[str, Any]) -> str:
    """What is wrong with the path of an artifact; "" for nothing."""
    name, path = artifact.get("name"), artifact.get("path") or ""
    if not path:
        return f"Artifact '{name}' did not specify a path"
    match = re.search(r"/\.\.(/|$)", path)
    safe = path[: match.start()] if match else ""
    cleaned = posixpath.normpath(path)
    if safe and (not cleaned.startswith(f"{safe}/") or len(cleaned) <= len(safe) + 1):
        why = "attempted to use a path containing '..'. Directory traversal is not permitted"
        return f"Artifact '{name}' {why}"
    return ""

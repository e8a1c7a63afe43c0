"""What is wrong with a manifest of one of the kinds that people write; `problems` answers."""

from __future__ import annotations

from sampan.kinds.workflows.resolve.references import Library
from sampan.kube.errors import Problem, required
from sampan.kube.keys import Manifest


def problems(manifest: Manifest, library: Library) -> list[Problem]:
    spec = manifest.get("spec") or {}
    found = []
    if not spec.get("entrypoint"):
        found.append(Problem("spec.entrypoint", required("").reason, "spec.entrypoint is required"))
    return found

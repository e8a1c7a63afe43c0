"""The result and the output parameters of a main container that has ended.

Upstream: argo-workflows workflow/executor/executor.go SaveParameters, CaptureScriptResult.
"""

from __future__ import annotations

from typing import Any

from sampan.kube import argoexec
from sampan.nodes.executor import stdout
from sampan.nodes.executor.job import Failed, Job, is_in_volume
from sampan.nodes.executor.view import View, load

LONGEST = 2 << 20
"""Bytes of a parameter: no object could hold more."""
_COPIES = f"{argoexec.RUN}/outputs/parameters"


def result(job: Job) -> str:
    if job.pod.attempt(argoexec.MAIN) is None:
        raise Failed(f"open {argoexec.RUN}/ctr/{argoexec.MAIN}/stdout: no such file or directory")
    return stdout.result(job.pod.place(argoexec.MAIN).logs)


def parameters(job: Job, declared: list[dict[str, Any]]) -> str:
    """Give the declared parameters their values, as far as the first that has none; why it has
    none, or "". They are changed."""
    view = view_of(job)
    for each in declared:
        try:
            _fill(job, each, view)
        except Failed as fault:
            return str(fault)
    return ""


def view_of(job: Job) -> View:
    """What the main container saw; nothing if it never began."""
    if job.pod.attempt(argoexec.MAIN) is None:
        return View()
    return load(job.pod.place(argoexec.MAIN).scratch)


def _fill(job: Job, parameter: dict[str, Any], view: View) -> None:
    source = parameter.get("valueFrom") or {}
    path = source.get("path")
    if not path:
        return
    try:
        value = _read(view, path)
    except (OSError, Failed) as fault:
        if source.get("default") is None:
            raise Failed(_said(job, fault, path)) from fault
        value = str(source["default"])
    parameter["value"] = value.removesuffix("\n")


def _read(view: View, path: str) -> str:
    data = view.read(path, LONGEST + 1)
    if len(data) > LONGEST:
        raise Failed(f"{path} is longer than {LONGEST} bytes")
    return data.decode(errors="replace")


def _said(job: Job, fault: Exception, path: str) -> str:
    """As upstream says it, which reads a copy that its emissary has made, or the volume itself."""
    if not isinstance(fault, OSError):
        return str(fault)
    where = argoexec.MIRROR if is_in_volume(job.template, path) else _COPIES
    return f"open {where}{path}: {(fault.strerror or str(fault)).lower()}"

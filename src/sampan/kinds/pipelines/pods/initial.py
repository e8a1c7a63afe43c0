"""Init containers that a task asks for, and sidecars, which are init containers that go on.

They come after the launcher's and see volumes of the task by the names that the task gave them.
Upstream: backend/src/v2/driver/k8s.go extendPodSpecPatch.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sampan.kinds.pipelines.ir.kubernetes import InitContainer
from sampan.kinds.pipelines.pods.about import Unbuildable
from sampan.kinds.pipelines.pods.draft import Draft
from sampan.kinds.pipelines.pods.resources import quantity
from sampan.kube import launcher


def containers(draft: Draft, wanted: list[InitContainer]) -> Iterator[dict[str, Any]]:
    """Their manifests, once the task's volumes are known. Unbuildable."""
    taken = {launcher.MAIN, launcher.INIT}
    for each in wanted:
        if not each.name:
            raise Unbuildable("init container name must not be empty")
        if each.name in taken:
            raise Unbuildable(
                f'init container name "{each.name}" conflicts with an existing container in the pod'
            )
        taken.add(each.name)
        yield _container(draft, each)


def _container(draft: Draft, wanted: InitContainer) -> dict[str, Any]:
    what = f'init container "{wanted.name}"'
    if not wanted.image:
        raise Unbuildable(f"{what} must specify an image")
    made: dict[str, Any] = {"name": wanted.name, "image": wanted.image}
    if wanted.command:
        made["command"] = wanted.command
    if wanted.args:
        made["args"] = wanted.args
    if wanted.restartPolicy:
        if wanted.restartPolicy != "Always":
            raise Unbuildable(
                f'{what} restart policy must be "Always", got "{wanted.restartPolicy}"'
            )
        made["restartPolicy"] = "Always"
    if wanted.resources is not None:
        made["resources"] = _resources(wanted, what)
    if wanted.env:
        made["env"] = list(_environment(wanted, what))
    if wanted.volumeMounts:
        made["volumeMounts"] = list(_mounts(draft, wanted, what))
    return made


def _resources(wanted: InitContainer, what: str) -> dict[str, dict[str, str]]:
    assert wanted.resources is not None
    said = {"request": wanted.resources.requests, "limit": wanted.resources.limits}
    return {
        f"{kind}s": {
            name: quantity(amount, f"{what} has an invalid resource {kind} {name}={amount!r}")
            for name, amount in amounts.items()
        }
        for kind, amounts in said.items()
        if amounts
    }


def _environment(wanted: InitContainer, what: str) -> Iterator[dict[str, str]]:
    for variable in wanted.env:
        if not variable.name:
            raise Unbuildable(f"{what} has an environment variable with an empty name")
        yield {"name": variable.name, "value": variable.value}


def _mounts(draft: Draft, wanted: InitContainer, what: str) -> Iterator[dict[str, str]]:
    for mount in wanted.volumeMounts:
        if not mount.volumeName:
            raise Unbuildable(f"{what} has a volume mount with an empty volume name")
        if not mount.mountPath.startswith("/"):
            raise Unbuildable(
                f'{what} volume mount "{mount.volumeName}" must use an absolute mount path'
            )
        name = draft.volume(mount.volumeName)
        if name is None:
            raise Unbuildable(f'{what} mounts "{mount.volumeName}", which is no volume of the task')
        yield {"name": name, "mountPath": mount.mountPath}

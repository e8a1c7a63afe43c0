"""A pod that is being built: the main container, the pod's spec, the volumes, the task's config.

A component may ask for some of its settings as a value (`dsl.TaskConfig`) instead of having them
on its pod, or both; `env`, `volumes` and the like put them where they belong. Volumes are named as
upstream names them, after their Secret, ConfigMap or claim, as far as Kubernetes takes such a name.
Upstream: backend/src/v2/driver/driver.go getTaskConfigOptions, TaskConfig.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sampan.kinds.pipelines.ir import resolve
from sampan.kinds.pipelines.ir.messages import ParameterSource, Passthrough
from sampan.kinds.pipelines.pods import naming
from sampan.kinds.pipelines.pods.about import About, Unbuildable, Work
from sampan.kube import formats

_TASK_CONFIG: Mapping[str, Any] = {
    "affinity": None,
    "tolerations": None,
    "nodeSelector": None,
    "env": None,
    "volumes": None,
    "volumeMounts": None,
    "resources": {},
}


class Draft:
    def __init__(self, about: About, work: Work) -> None:
        self.about = about
        self.work = work
        self.main: dict[str, Any] = {}
        self.spec: dict[str, Any] = {}
        self.task_config: dict[str, Any] = dict(_TASK_CONFIG)
        self._passed = {
            each.field: each.applyToTask for each in work.component.taskConfigPassthroughs
        }
        self._volumes: dict[str, dict[str, Any]] = {}
        self._names: dict[str, str] = {}

    # -- values -----------------------------------------------------------------------------------
    def value(self, source: ParameterSource, what: str) -> Any:
        """Of a setting; None for an optional input that was not given. ir.faults.Unresolved."""
        return resolve.parameter(source, self.work.scope, self.about.facts, what)

    def name(self, given: str, source: ParameterSource | None, what: str) -> str | None:
        """The name of an object. None when it comes from an optional input that was not given."""
        if source is None:
            return given
        found = self.value(source, what)
        if found is not None and (not isinstance(found, str) or not found):
            kind = "an empty one" if found == "" else type(found).__name__
            raise Unbuildable(f"failed to resolve {what}: expected a non-empty string, got {kind}")
        return found

    # -- where things go --------------------------------------------------------------------------
    def on_pod(self, field: Passthrough) -> bool:
        return self._passed.get(field, True)

    def on_config(self, field: Passthrough) -> bool:
        return field in self._passed

    def put(self, field: Passthrough, name: str, value: Any) -> None:
        """A field of the pod's spec."""
        if self.on_config(field):
            self.task_config[name] = value
        if self.on_pod(field):
            self.spec[name] = value

    def env(self, variable: dict[str, Any]) -> None:
        """One variable; it replaces an earlier one of its name."""
        if self.on_config("ENV"):
            self.task_config["env"] = [*(self.task_config["env"] or ()), variable]
        if self.on_pod("ENV"):
            put(self.main, "env", variable)

    def mount(self, wanted: str, source: Mapping[str, Any], mount: Mapping[str, Any]) -> None:
        """A volume, and where the program sees it. `wanted` is its name, as users know it."""
        volume = {"name": self._volume_name(wanted, source), **source}
        seen = {"name": volume["name"], **_absolute(mount)}
        if self.on_config("KUBERNETES_VOLUMES"):
            known = self.task_config["volumes"] or ()
            more = () if volume in known else (volume,)
            self.task_config["volumes"] = [*known, *more]
            mounts = self.task_config["volumeMounts"] or ()
            self.task_config["volumeMounts"] = [*mounts, seen]
        if self.on_pod("KUBERNETES_VOLUMES"):
            self.mount_here(wanted, source, mount)

    def mount_here(self, wanted: str, source: Mapping[str, Any], mount: Mapping[str, Any]) -> None:
        """A volume that is never handed on as a value."""
        name = self._volume_name(wanted, source)
        self._volumes[name] = {"name": name, **source}
        put(self.main, "volumeMounts", {"name": name, **_absolute(mount)}, key="mountPath")

    def volume(self, wanted: str) -> str | None:
        """The name in the pod of a volume that users know under another."""
        return self._names.get(wanted)

    def volumes(self) -> list[dict[str, Any]]:
        return list(self._volumes.values())

    def _volume_name(self, wanted: str, source: Mapping[str, Any]) -> str:
        """As wanted, if it is a volume's name and nobody else's; else one like it."""
        (kind,) = source
        if formats.dns_label(wanted) is not None:
            name = f"{naming.slug(wanted)[:40].strip('-') or kind.lower()}-{naming.hashed(wanted)}"
        else:
            name = wanted
        taken = self._volumes.get(name)
        if taken is not None and taken != {"name": name, **source}:
            name = f"{name[:40].strip('-')}-{naming.hashed(f'{kind} {wanted}')}"
        self._names.setdefault(wanted, name)
        return name


def _absolute(mount: Mapping[str, Any]) -> Mapping[str, Any]:
    """As the kubelet takes a path that is relative. Upstream: MakeAbsolutePath."""
    path = str(mount["mountPath"])
    return mount if path.startswith("/") else {**mount, "mountPath": f"/{path}"}


def put(container: dict[str, Any], field: str, entry: dict[str, Any], *, key: str = "name") -> None:
    """Add an entry to a list of a container; it replaces the one that has its key."""
    listed = container.setdefault(field, [])
    for index, each in enumerate(listed):
        if each[key] == entry[key]:
            listed[index] = entry
            return
    listed.append(entry)

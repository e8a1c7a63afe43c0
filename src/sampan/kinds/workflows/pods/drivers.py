"""Drivers of artifacts: programs that an operator has brought, for places that nobody else knows.

    artifactDrivers: [{name: mine, image: registry.example/mine:1}]     # controller's ConfigMap

A pod whose template has artifacts in such a place gets a driver's container before its main one,
which fetches, and one beside it, which stores; each listens on a socket, and is told paths of files
that it shares with the executor. One that nobody has configured is a pod that cannot be made.
Upstream: argo-workflows config/config.go, workflow/controller/workflowpod.go addArtifactPlugins.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from sampan.kinds.workflows import settings
from sampan.kinds.workflows.pods.about import Unbuildable
from sampan.kinds.workflows.types import Driver, Template
from sampan.kube import argoexec, locations
from sampan.kube.plan import View

Container = dict[str, Any]

_SHARED = {"name": argoexec.VOLUME_TMP, "mountPath": argoexec.OUTPUTS, "subPath": "argo/outputs"}
_OPTIONS = argoexec.EMISSARY[2:]


def see(cluster: View) -> dict[str, Driver]:
    """Those of the operator, by name; an entry that says too little is none."""
    try:
        listed = settings.read(cluster).get("artifactDrivers")
    except settings.Mistake:  # which the workflow's execution complains of
        return {}
    found: dict[str, Driver] = {}
    for each in listed if isinstance(listed, list) else ():
        if isinstance(each, dict) and each.get("name") and each.get("image"):
            timeout = each.get("connectionTimeoutSeconds")
            seconds = timeout if isinstance(timeout, int) else 0
            name = str(each["name"])
            found.setdefault(name, Driver(name, str(each["image"]), seconds))
    return found


def named(drivers: Mapping[str, Driver], names: Iterable[str]) -> list[Driver]:
    """Unbuildable when there is no such one."""
    try:
        return [drivers[name] for name in sorted(set(names)) if name]
    except KeyError as missing:
        raise Unbuildable(f"artifact driver {missing.args[0]} not found") from None


def of_inputs(template: Template) -> set[str]:
    """The names of those that fetch something."""
    return _names(template, (template.get("inputs") or {}).get("artifacts") or ()) - {""}


def of_outputs(template: Template) -> set[str]:
    """The names of those that store something."""
    found = _names(template, (template.get("outputs") or {}).get("artifacts") or ())
    archive = template.get("archiveLocation") or {}
    if archive.get("archiveLogs"):
        found.add(locations.driver_of(archive))
    return found - {""}


def _names(template: Template, artifacts: Iterable[Mapping[str, Any]]) -> set[str]:
    archive = template.get("archiveLocation") or {}
    return {
        locations.driver_of(each if locations.is_whole(each) else archive) for each in artifacts
    }


def timed(template: Template, drivers: Mapping[str, Driver]) -> Template:
    """With the time that each driver's operator gives it, where the artifact says none."""

    def place(location: Mapping[str, Any]) -> Mapping[str, Any]:
        driver = drivers.get(locations.driver_of(location))
        if driver is None or not driver.timeout:
            return location
        timeout = location["plugin"].get("connectionTimeoutSeconds") or driver.timeout
        return {
            **location,
            "plugin": {**location["plugin"], "connectionTimeoutSeconds": timeout},
        }

    changed = dict(template)
    for end in ("inputs", "outputs"):
        if artifacts := (template.get(end) or {}).get("artifacts"):
            changed[end] = {**template[end], "artifacts": [place(each) for each in artifacts]}
    if archive := template.get("archiveLocation"):
        changed["archiveLocation"] = place(archive)
    return changed


def volume(driver: Driver) -> Container:
    return {"name": f"{argoexec.DRIVER_SIDECARS}{driver.name}", "emptyDir": {}}


def mount(driver: Driver, **more: str) -> Container:
    """The directory of its socket."""
    directory = f"{argoexec.SOCKETS}/{driver.name}"
    return {"name": volume(driver)["name"], "mountPath": directory, **more}


def container(prefix: str, driver: Driver, *command: str) -> Container:
    """Its program listens on the socket that is its only argument."""
    return {
        "name": f"{prefix}{driver.name}",
        "image": driver.image,
        "command": [argoexec.PROGRAM, *command, *_OPTIONS],
        "args": [argoexec.socket_of(driver.name)],
        "env": [],
    }


def furnish(spec: Container, template: Template, drivers: Mapping[str, Driver]) -> list[Container]:
    """Add the drivers that the template needs to a pod that has the executor's containers already;
    the containers that are new, which have yet to be told what the others know."""
    before = [_fetching(each, spec) for each in named(drivers, of_inputs(template))]
    waits = [each for each in spec["containers"] if each["name"] == argoexec.WAIT]
    storing = named(drivers, of_outputs(template)) if waits else []
    beside = [_storing(each, waits[0]) for each in storing]
    for wait in waits if storing else ():
        wait["volumeMounts"] = [*wait["volumeMounts"], *map(mount, storing), _SHARED]
        names = ",".join(each["name"] for each in beside)
        wait["env"] = [*wait["env"], {"name": argoexec.DRIVER_NAMES, "value": names}]
    first, *others = spec["initContainers"]
    spec["initContainers"] = [first, *before, *others]
    spec["containers"] = [*spec["containers"], *beside]
    used = named(drivers, of_inputs(template) | {each.name for each in storing})
    shared = [{"name": argoexec.VOLUME_TMP, "emptyDir": {}}] if storing else []
    spec["volumes"] = [*map(volume, used), *shared, *spec["volumes"]]
    return [*before, *beside]


def _fetching(driver: Driver, spec: Container) -> Container:
    """It writes where `init` would. Its socket is another one than that of the one beside."""
    command = (argoexec.DRIVER_INIT, "--plugin-name", driver.name)
    mounts = [mount(driver, subPath="init"), *_shared(spec["initContainers"][0])]
    return {**container(argoexec.DRIVER_INITS, driver, *command), "volumeMounts": mounts}


def _storing(driver: Driver, wait: Container) -> Container:
    mounts = [mount(driver), _SHARED, *_shared(wait)]
    made = container(argoexec.DRIVER_SIDECARS, driver, argoexec.DRIVER_SIDECAR)
    return {**made, "volumeMounts": mounts}


def _shared(container: Container) -> list[Container]:
    """Where the executor sees inputs and the main container's volumes."""
    return [
        each
        for each in container["volumeMounts"]
        if each["mountPath"] == argoexec.INPUTS
        or each["mountPath"].startswith(f"{argoexec.MIRROR}/")
    ]

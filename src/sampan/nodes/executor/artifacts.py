"""Artifacts on their ways: inputs to where the main container finds them, outputs and logs home.

Where each lies is in the template, completed by its archive location. Outputs are read as the main
container saw them, after its end; what is already saved is noted, so that a control plane that was
killed goes on where it was.
Upstream: argo-workflows workflow/executor/executor.go LoadArtifacts, SaveArtifacts, SaveLogs.
"""

from __future__ import annotations

import asyncio
import posixpath
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from sampan.artifacts import Fault, NotThere
from sampan.artifacts.store import Secrets
from sampan.kube import argoexec, locations, names
from sampan.nodes import logs
from sampan.nodes.environment import decoded
from sampan.nodes.executor import drivers, gather, outputs
from sampan.nodes.executor.job import Failed, Job, is_in_volume, mains_of
from sampan.nodes.executor.view import View
from sampan.nodes.facts import ConfigError
from sampan.nodes.volumes import beneath

Artifact = dict[str, Any]
_SAVED = "saved"
_COPIES = f"{argoexec.RUN}/outputs/artifacts"


# -- inputs ---------------------------------------------------------------------------------------
async def load(job: Job, driver: str = "") -> None:
    """Bring the input artifacts that need this driver; "" is for all that need none. Failed names
    the first that cannot be had."""
    for artifact in (job.template.get("inputs") or {}).get("artifacts") or ():
        name = artifact["name"]
        if not locations.is_given(artifact):
            if artifact.get("optional"):
                continue
            raise Failed(f"required artifact '{name}' not supplied")
        _check(artifact)
        try:
            whole = locations.relocated(artifact, job.template.get("archiveLocation"))
            if locations.driver_of(whole) != driver:
                continue
            job.log(f"level=info msg={f'Downloading artifact {name}'!r}")
            await _load(job, whole)
        except NotThere as fault:
            if not artifact.get("optional"):
                raise Failed(f"artifact {name} failed to load: {fault}") from fault
        except (Fault, OSError, ValueError, beneath.Escape) as fault:
            raise Failed(f"artifact {name} failed to load: {fault}") from fault


async def _load(job: Job, artifact: Artifact) -> None:
    inside, target = await asyncio.to_thread(_target, job, artifact)
    if locations.driver_of(artifact):
        await drivers.load(job, artifact, inside, target)
        return
    secrets, namespace = secrets_of(job), _namespace(job)
    await asyncio.to_thread(job.artifacts.load, artifact, target, secrets, namespace=namespace)


def _target(job: Job, artifact: Artifact) -> tuple[str, Path]:
    """In the volume of the inputs, or in the one that the main container has at this path: the path
    that the executor's containers see, and where that is."""
    mirrored = f"{argoexec.MIRROR}{_clean(artifact['path'])}"
    below = [each for each in job.view.places if f"{mirrored}/".startswith(f"{each.target}/")]
    volume = max(below, key=lambda each: len(each.target), default=None)
    if volume is None:
        with job.view.pinned(argoexec.INPUTS) as found:
            name = artifact["name"]
            return f"{argoexec.INPUTS}/{name}", Path(found.source, name)
    directory, _, name = mirrored[len(volume.target) + 1 :].rpartition("/")
    return mirrored, Path(beneath.resolve(volume.source, directory, create=True), name)


async def keys(job: Job, place: Mapping[str, Any]) -> list[str]:
    """The keys of the objects at and below a place. Fault."""
    secrets, namespace = secrets_of(job), _namespace(job)
    return await asyncio.to_thread(job.artifacts.keys, place, secrets, namespace=namespace)


# -- outputs --------------------------------------------------------------------------------------
async def save(job: Job, faults: list[str]) -> list[Artifact]:
    """What was saved, with where it lies now; what could not be is a fault."""
    journal = _Journal(job.directory / _SAVED)
    declared = (job.template.get("outputs") or {}).get("artifacts") or ()
    wrong = ""
    for artifact in declared:
        try:
            await _save_once(job, journal, artifact)
        except (Fault, Failed, OSError, ValueError) as fault:
            wrong += f"{fault}; "
    faults += [wrong] if wrong else []
    if (job.template.get("archiveLocation") or {}).get("archiveLogs"):
        for container in mains_of(job.template):
            try:
                await _save_log(job, journal, container)
            except (Fault, Failed, OSError, ValueError) as fault:
                faults.append(str(fault))
    return journal.saved


async def _save_once(job: Job, journal: _Journal, artifact: Artifact) -> None:
    if journal.has(artifact["name"]):
        return
    _check(artifact)
    placed = artifact if locations.key_of(artifact) else _placed(job, artifact, _name(artifact))
    whole = locations.relocated(placed, job.template.get("archiveLocation"))
    job.log(f"level=info msg={'Saving artifact ' + artifact['name']!r}")
    secrets = secrets_of(job)
    if await asyncio.to_thread(_save, job, whole, secrets):
        if locations.driver_of(whole):
            await drivers.save(job, whole)
        journal.note(placed)


def _save(job: Job, artifact: Artifact, secrets: Secrets) -> bool:
    """Whether there was anything: an optional one need not be."""
    path = _clean(artifact["path"])
    view = outputs.view_of(job)
    try:
        with view.pinned(path) as found:
            apart = gather.is_needed(view, path)
            source = _gathered(job, view, artifact) if apart else found.path
            consume = apart or _is_left(job, found.source)
            _keep(job, artifact, Path(source), secrets, consume=consume)
    except (FileNotFoundError, NotADirectoryError, NotThere) as fault:
        if artifact.get("optional"):
            return False
        raise Failed(_missing(job, artifact)) from fault
    return True


def _keep(job: Job, artifact: Artifact, source: Path, secrets: Secrets, *, consume: bool) -> None:
    """Save it, or put it where its driver will find it."""
    if locations.driver_of(artifact):
        drivers.stage(job, artifact, source)
        return
    job.artifacts.save(artifact, source, secrets, namespace=_namespace(job), consume=consume)


def _gathered(job: Job, view: View, artifact: Artifact) -> str:
    """A directory of several places, made one."""
    path = _clean(artifact["path"])
    base = job.pod.place(argoexec.MAIN).scratch / "gathered" / artifact["name"]
    shutil.rmtree(base, ignore_errors=True)
    base.mkdir(parents=True)
    target = str(base / (posixpath.basename(path) or artifact["name"]))
    gather.gather(view, path, target)
    return target


async def _save_log(job: Job, journal: _Journal, container: str) -> None:
    name = f"{container}-logs"
    if journal.has(name) or job.pod.attempt(container) is None:
        return
    placed = _placed(job, {"name": name}, f"{container}.log")
    whole = locations.relocated(placed, job.template.get("archiveLocation"))
    text = job.directory / f"{container}.log"
    source, secrets = job.pod.place(container).logs, secrets_of(job)

    raw = {**whole, "archive": {"none": {}}}

    def work() -> None:
        logs.write_text(source, text)
        _keep(job, raw, text, secrets, consume=True)

    await asyncio.to_thread(work)
    if locations.driver_of(whole):
        await drivers.save(job, raw)
    journal.note(placed)


class _Journal:
    """The artifacts that are saved, on disk."""

    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            self.saved: list[Artifact] = msgspec.json.decode(path.read_bytes())
        except FileNotFoundError:
            self.saved = []

    def has(self, name: str) -> bool:
        return any(each["name"] == name for each in self.saved)

    def note(self, artifact: Artifact) -> None:
        self.saved.append(artifact)
        draft = self._path.with_suffix(".new")
        draft.write_bytes(msgspec.json.encode(self.saved))
        draft.replace(self._path)


def _placed(job: Job, artifact: Artifact, name: str) -> Artifact:
    """The artifact with a place of its own below the pod's archive location."""
    archive = job.template.get("archiveLocation") or {}
    if not locations.kind_of(archive):
        raise Failed(
            "artifact storage is not configured; see the docs for setup instructions: "
            "https://argo-workflows.readthedocs.io/en/latest/configure-artifact-repository/"
        )
    key = posixpath.join(locations.key_of(archive), name)
    return {**artifact, **locations.keyed(archive, key)}


def _name(artifact: Artifact) -> str:
    """The last part of its key."""
    archive = artifact.get("archive") or {}
    if archive.get("none") is not None:
        return posixpath.basename(_clean(artifact["path"]))
    return f"{artifact['name']}.{'zip' if archive.get('zip') is not None else 'tgz'}"


def _missing(job: Job, artifact: Artifact) -> str:
    """In upstream's words: its emissary makes archives of what is in no volume."""
    path = _clean(artifact["path"])
    if not is_in_volume(job.template, path):
        return f"open {_COPIES}{path}.tgz: no such file or directory"
    if (artifact.get("archive") or {}).get("none") is not None:
        return f"{path} no such file or directory"
    return f"stat {argoexec.MIRROR}{path}: no such file or directory"


def _is_left(job: Job, source: str) -> bool:
    """Whether nobody will write there any more: no volume has it, and the container is over."""
    run = job.pod.attempt(argoexec.MAIN)
    over = run is not None and run.code is not None
    return over and source.startswith(f"{job.pod.place(argoexec.MAIN).scratch}/")


# -- both -----------------------------------------------------------------------------------------
def _clean(path: str) -> str:
    return posixpath.normpath(path)


def _check(artifact: Artifact) -> None:
    path = artifact.get("path")
    if not path:
        raise Failed(f"Artifact '{artifact['name']}' did not specify a path")
    if ".." in path.split("/") or not path.startswith("/"):
        raise Failed(
            f"Artifact '{artifact['name']}' attempted to use a path containing '..'. "
            "Directory traversal is not permitted"
        )


def _namespace(job: Job) -> str:
    return str(job.manifest["metadata"]["namespace"])


def secrets_of(job: Job) -> Secrets:
    """Values of Secrets for a thread: they are read where the cluster may be read."""
    loop = asyncio.get_running_loop()

    async def value(name: str, key: str) -> bytes:
        found = job.facts.find(names.SECRET, name)
        data: Mapping[str, str] = (found or {}).get("data") or {}
        if key not in data:
            raise KeyError(f"secret '{name}' does not have the key '{key}'")
        try:
            return decoded(data[key])
        except ConfigError as error:
            raise KeyError(str(error)) from error

    return lambda name, key: asyncio.run_coroutine_threadsafe(value(name, key), loop).result()

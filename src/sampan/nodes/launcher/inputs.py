"""What a task's program finds when it begins: its input artifacts, and places for its outputs.

Artifacts of the local repository are shown as they lie there, read-only; others are fetched before.
An artifact that is not there is not shown: it is the program that may miss it. The directories of
its outputs are its own and empty.
Upstream: kubeflow/pipelines backend/src/v2/component/launcher_v2.go (downloadArtifacts,
prepareOutputFolders).
"""

from __future__ import annotations

import json
import os
import posixpath
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from sampan.artifacts import Artifacts, Fault, NotThere
from sampan.artifacts.providers import Stores
from sampan.artifacts.store import Secrets
from sampan.kube import launcher
from sampan.kube.launcher import Task
from sampan.nodes.launcher.outputs import Failed
from sampan.nodes.sandbox.spec import Mount

_STORES = tuple(launcher.PATHS.values())
_CLOUDS = tuple(f"{scheme}://" for scheme in launcher.PATHS)


class Shop:
    """Where artifacts of a namespace are had from. Called in a thread that may wait."""

    def __init__(
        self, artifacts: Artifacts, stores: Stores, secrets: Secrets, namespace: str
    ) -> None:
        self._artifacts = artifacts
        self._stores = stores
        self._secrets = secrets
        self._namespace = namespace

    def mounts(self, task: Task, scratch: Path) -> list[Mount]:
        """Of the input artifacts; those that have to be fetched lie below `scratch`. Failed."""
        wanted = dict(_wanted(task.executorInput))
        places = [*wanted, *output_directories(task)]
        found = []
        for index, (path, (name, uri)) in enumerate(wanted.items()):
            inner = [each for each in places if each.startswith(f"{path}/")]
            source = self._source(name, uri, scratch / "inputs" / str(index), alone=not inner)
            if source is not None:
                _make_room(source, path, inner)
                found.append(Mount(path, str(source), read_only=True))
        return found

    def at_hand(self, task: Task) -> list[Mount] | None:
        """The same without waiting, where all are files of the local repository; None where that
        is not so."""
        found = []
        for path, (_, uri) in dict(_wanted(task.executorInput)).items():
            try:
                location = self._stores.location(uri)
                source = self._artifacts.file_of(location, namespace=self._namespace)
            except Fault:
                return None
            if source is None:
                return None
            found.append(Mount(path, str(source), read_only=True))
        return found

    def _source(self, name: str, uri: str, target: Path, *, alone: bool) -> Path | None:
        try:
            location = self._stores.location(uri)
            if alone:
                found = self._artifacts.path_of(location, namespace=self._namespace)
                if found is not None:
                    return found
            self._artifacts.load(location, target, self._secrets, namespace=self._namespace)
        except NotThere:
            return None
        except Fault as fault:
            shown = json.dumps(uri, ensure_ascii=False)
            about = f'failed to download input artifact "{name}" from remote storage URI {shown}'
            raise Failed(f"{about}: {fault}") from fault
        return target


def output_directories(task: Task) -> list[str]:
    """The directories of the container that the task's artifacts and its metadata file go to,
    outer before inner."""
    outputs: Mapping[str, Any] = task.executorInput.get("outputs") or {}
    paths = [outputs.get("outputFile") or ""]
    for each in (outputs.get("artifacts") or {}).values():
        for artifact in each.get("artifacts") or ():
            uri = artifact.get("uri") or ""
            if uri.startswith(_CLOUDS) and not artifact.get("customPath"):
                paths.append(launcher.local_path(uri))
    found = {posixpath.dirname(posixpath.normpath(path)) for path in paths}
    inside = sorted(each for each in found if f"{each}/".startswith(_STORES))
    return [
        each for each in inside if not any(each.startswith(f"{other}/") for other in inside)
    ]  # fmt: skip


def parents_of_parameters(task: Task) -> list[str]:
    """The directories that the files of output parameters are to be in."""
    outputs: Mapping[str, Any] = task.executorInput.get("outputs") or {}
    files = [each.get("outputFile") or "" for each in (outputs.get("parameters") or {}).values()]
    found = {posixpath.dirname(posixpath.normpath(path)) for path in files if path}
    return sorted(each for each in found if each.startswith("/") and each != "/")


def _wanted(asked: Mapping[str, Any]) -> Iterator[tuple[str, tuple[str, str]]]:
    """(path in the container, (name of the input, uri)) of each artifact that has to be shown."""
    for name, each in ((asked.get("inputs") or {}).get("artifacts") or {}).items():
        for artifact in each.get("artifacts") or ():
            uri = artifact.get("uri") or ""
            if uri.startswith("oci://"):
                said = "artifacts in OCI registries are not supported by this node"
                raise Failed(f'input artifact "{name}" with uri "{uri}": {said}')
            if (artifact.get("metadata") or {}).get(launcher.IN_WORKSPACE) is True:
                continue
            if uri.startswith(_CLOUDS):
                path = posixpath.normpath(artifact.get("customPath") or launcher.local_path(uri))
                if not path.startswith("/") or path == "/":
                    raise Failed(f'input artifact "{name}": {path!r} is no path for it')
                yield path, (name, uri)


def _make_room(source: Path, path: str, inner: list[str]) -> None:
    """Places for what is shown inside of a directory that is shown."""
    for each in inner:
        place = f"{source}{each[len(path) :]}"
        if source.is_dir() and not os.path.lexists(place):
            os.makedirs(place)

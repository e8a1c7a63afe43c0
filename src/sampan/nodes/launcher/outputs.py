"""What a task that has ended with 0 says of its outputs: parameters, artifacts, in that order.

Its output metadata file wins over the files of parameters; an artifact that nobody has made is none
the worse. Whatever cannot be read, or is not what it was declared to be, fails the task, and the
message names the place. Where artifacts go is `keeping`'s business.
Upstream: kubeflow/pipelines backend/src/v2/component/launcher_v2.go (collectOutputParameters,
getExecutorOutputFile, uploadOutputArtifacts, mergeRuntimeArtifacts).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from sampan.artifacts import Fault
from sampan.artifacts.digests import Digest
from sampan.kube import launcher, parameters
from sampan.kube.launcher import Artifact, OutputArtifact, OutputParameter, Result, Task
from sampan.nodes.executor.view import View
from sampan.nodes.launcher import metadata
from sampan.nodes.launcher.metadata import ExecutorOutput, Said

_LONGEST = launcher.LONGEST_RESULT
_LONGEST_METADATA = 4 << 20

Keep = Callable[[str, str], Digest | None]
"""(path in the container, uri) -> what was kept; None when nothing is there. OSError, Fault."""


class Failed(Exception):
    """The task has failed after all; the text is its container's termination message."""


def collect(task: Task, view: View, keep: Keep) -> Result:
    """The result of a task whose program saw `view`. Failed."""
    said = _said(task.executorInput, view)
    parameters = {**said.parameter_values, **_parameters(task, view, said)}
    artifacts = {
        name: [_kept(name, each, keep) for each in _described(task, name, said)]
        for name in _expected(task.executorInput, "artifacts")
        if name != launcher.LOGS  # which the launcher itself makes
    }
    return Result(parameters=parameters, artifacts=artifacts)


def _expected(asked: Mapping[str, Any], kind: str) -> Mapping[str, Any]:
    return (asked.get("outputs") or {}).get(kind) or {}


def _said(asked: Mapping[str, Any], view: View) -> ExecutorOutput:
    path = (asked.get("outputs") or {}).get("outputFile") or ""
    if not path:
        return ExecutorOutput()
    try:
        text = view.read(path, _LONGEST_METADATA + 1)
    except (FileNotFoundError, NotADirectoryError):
        return ExecutorOutput()
    except OSError as error:
        raise Failed(f'failed to read output metadata file "{path}": {error.strerror}') from error
    if len(text) > _LONGEST_METADATA:
        said = f"it has more than {_LONGEST_METADATA} bytes"
        raise Failed(f'failed to read output metadata file "{path}": {said}')
    try:
        return metadata.parsed(text)
    except metadata.Nonsense as error:
        raise Failed(f'failed to unmarshall ExecutorOutput in file "{path}": {error}') from error


def _parameters(task: Task, view: View, said: ExecutorOutput) -> dict[str, Any]:
    """Those that the metadata file does not mention."""
    found = {}
    for name, asked in _expected(task.executorInput, "parameters").items():
        if name in said.parameter_values:
            continue
        declared = task.outputs.parameters.get(name, OutputParameter())
        path = asked.get("outputFile") or ""
        about = (
            f'failed to read output parameter name="{name}" type="{declared.type}" path="{path}"'
        )
        try:
            text = view.read(path, _LONGEST + 1)
            if len(text) > _LONGEST:
                raise Failed(f"{about}: it has more than {_LONGEST} bytes")
            found[name] = parameters.parsed(text.decode(), declared.type)
        except OSError as error:
            raise Failed(f"{about}: open {path}: {error.strerror}") from error
        except UnicodeDecodeError as error:
            raise Failed(f"{about}: it is no text in UTF-8") from error
        except parameters.BadValue as error:
            raise Failed(f"{about}: {error}") from error
    return found


def _described(task: Task, name: str, said: ExecutorOutput) -> Iterator[Artifact]:
    """The artifacts of an output, as they were asked for and as the program describes them."""
    declared = task.outputs.artifacts.get(name, OutputArtifact())
    asked = _expected(task.executorInput, "artifacts")[name].get("artifacts") or []
    own = said.artifacts[name].artifacts if name in said.artifacts else []
    if declared.list and own:
        for index, each in enumerate(own):
            base = asked[index] if index < len(asked) else {}
            yield _merged(base, each, declared)
        return
    for base in asked:
        yield _merged(base, own[0] if own else Said(), declared)


def _merged(asked: Mapping[str, Any], said: Said, declared: OutputArtifact) -> Artifact:
    return Artifact(
        name=asked.get("name") or said.name,
        uri=said.uri or asked.get("uri") or "",
        type=declared.type,
        metadata={**(asked.get("metadata") or {}), **said.metadata},
        customPath=said.custom_path or asked.get("customPath") or "",
    )


def _kept(name: str, artifact: Artifact, keep: Keep) -> Artifact:
    try:
        path = artifact.customPath or launcher.local_path(artifact.uri)
    except ValueError:
        return artifact  # its place is no store: somebody else keeps it
    if not path.startswith("/") or "://" not in artifact.uri or artifact.uri.startswith("oci:"):
        return artifact
    try:
        digest = keep(path, artifact.uri)
    except (Fault, OSError) as error:
        why = error.strerror if isinstance(error, OSError) else str(error)
        uri = json.dumps(artifact.uri, ensure_ascii=False)
        about = f'failed to upload output artifact "{name}" to remote storage URI {uri}'
        raise Failed(f"{about}: {why or error}") from error
    if digest is None:
        return artifact
    return Artifact(
        name=artifact.name, uri=artifact.uri, type=artifact.type, metadata=artifact.metadata,
        customPath=artifact.customPath, digest=digest.text, size=digest.size,
    )  # fmt: skip

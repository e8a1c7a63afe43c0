"""What a run's controller and the launcher of its tasks agreed upon: pod, task, result.

    annotation `…/task`        what is asked for: the ExecutorInput, which outputs there have to be
    init container             brings the launcher: `LAUNCHER_IMAGE`
    container `main`           the user's program, behind `/kfp-launcher/launch --`
    its termination message    the result as JSON; one of more than 4096 bytes is the annotation
                               `…/result`, which is written before the end of the container is said

All placeholders of the command are filled in by the controller. The embedded node is its own
launcher (`nodes.launcher`); nothing here reads a file. Modelled on kubeflow/pipelines
backend/src/v2/component/launcher_v2.go, whose launcher asks a metadata store instead.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import msgspec
from msgspec import Struct, field

from sampan.kube import names
from sampan.kube.keys import Manifest

LAUNCHER_IMAGE = "ghcr.io/kubeflow/kfp-launcher:2.17.0"
"""Known to the embedded node, which pulls nothing for it."""

INIT, MAIN = "kfp-launcher", "main"
"""The containers."""
VOLUME = "kfp-launcher"
DIRECTORY = "/kfp-launcher"
PROGRAM = f"{DIRECTORY}/launch"
PREFIX = (PROGRAM, "--")
"""Before the command of the user's program."""

PARAMETERS = "/tmp/kfp/outputs"
"""Where a program writes its output parameters, a file each."""
METADATA_FILE = "output_metadata.json"
"""What the program itself says of its outputs, beside its artifacts; it wins over files."""
WORKSPACE = "/kfp-workspace"
"""Where the workspace of a run is mounted."""
IN_WORKSPACE = "_kfp_workspace"
"""Metadata of an artifact that an importer has put into the workspace of the run."""

LOGS = "executor-logs"
"""The output artifact that a task's log becomes, where logs are published."""
ARTIFACT = "system.Artifact"
"""The type of artifacts that have no other."""

BUCKET = "mlpipeline"
"""The bucket of a namespace's local store."""
DEFAULT_ROOT = f"minio://{BUCKET}/v2/artifacts"
CONFIG = "kfp-launcher"
"""The ConfigMap of a namespace that says where its artifacts go."""

LONGEST_MESSAGE = 4096
LONGEST_RESULT = 200_000
LONGEST_TASK = 200_000
"""Bytes. All annotations of an object have 262144 together."""

PATHS = {"gs": "/gcs/", "s3": "/s3/", "minio": "/minio/"}
"""Where a program sees the stores of these schemes."""

ParameterType = Literal[
    "NUMBER_DOUBLE",
    "NUMBER_INTEGER",
    "STRING",
    "BOOLEAN",
    "LIST",
    "STRUCT",
    "TASK_FINAL_STATUS",
    "TASK_CONFIG",
]
"""In the order of the numbers that protocol buffers give them, from 1."""


class Unreadable(ValueError):
    """An annotation is not what it should be; the text says where."""


class TooLong(ValueError):
    """What was to be written has no room; the text says how much there is."""


class OutputParameter(Struct, frozen=True, kw_only=True):
    """`type`: as the IR has it; the file's text is read as this."""

    type: ParameterType = "STRING"


class OutputArtifact(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """`type`: the schema's title (`system.Model`). `list`: there may be any number of them."""

    type: str = ARTIFACT
    list: bool = False


class Outputs(Struct, frozen=True, kw_only=True, omit_defaults=True):
    parameters: dict[str, OutputParameter] = field(default_factory=dict)
    artifacts: dict[str, OutputArtifact] = field(default_factory=dict)


class Task(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a pod is asked for.

    executorInput: `{inputs: {parameterValues, artifacts}, outputs: {parameters, artifacts,
    outputFile}}`, upstream's message as JSON, defaults of the component filled in.
    publishLogs: the log becomes the artifact `executor-logs`, which the ExecutorInput has then.
    retryIndex: which attempt this is, from 0.
    """

    executorInput: Mapping[str, Any]
    outputs: Outputs = field(default_factory=Outputs)
    publishLogs: bool = False
    retryIndex: int = 0


class Artifact(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An artifact that a program made. `digest` is `sha256:…` of its content, or `etag:…` where it
    lies with others; "" when the program made none. `size`: bytes, of all files of a directory."""

    name: str = ""
    uri: str = ""
    type: str = ""
    metadata: dict[str, Any] = field(default_factory=dict)
    customPath: str = ""
    digest: str = ""
    size: int = 0


class Result(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What came of a task that succeeded. Values of parameters are of the declared types."""

    parameters: dict[str, Any] = field(default_factory=dict)
    artifacts: dict[str, list[Artifact]] = field(default_factory=dict)


_encoder = msgspec.json.Encoder(order="deterministic")
_tasks = msgspec.json.Decoder(Task)
_results = msgspec.json.Decoder(Result)


def encode_task(task: Task) -> str:
    """The annotation's text. TooLong."""
    text = _encoder.encode(task)
    if len(text) > LONGEST_TASK:
        raise TooLong(
            f"the task's inputs have {len(text)} bytes; at most {LONGEST_TASK} are handed over"
        )
    return text.decode()


def task_of(pod: Manifest) -> Task | None:
    """What a pod is asked for, None when it is none of a pipeline. Unreadable."""
    text = (pod["metadata"].get("annotations") or {}).get(names.ANNOTATION_TASK)
    if text is None:
        return None
    try:
        return _tasks.decode(text)
    except (msgspec.MsgspecError, RecursionError) as error:
        raise Unreadable(f"annotation {names.ANNOTATION_TASK}: {error}") from None


def encode_result(result: Result) -> tuple[str, str]:
    """(termination message, annotation): the one or the other is "". TooLong."""
    text = _encoder.encode(result)
    if len(text) <= LONGEST_MESSAGE:
        return text.decode(), ""
    if len(text) > LONGEST_RESULT:
        raise TooLong(
            f"the task's outputs have {len(text)} bytes; at most {LONGEST_RESULT} are kept"
        )
    return "", text.decode()


def result_of(pod: Manifest) -> Result | None:
    """What came of a pod whose main container has ended with 0; None when it says nothing (its
    node was no launcher). Unreadable."""
    place, text = "the termination message", _message(pod)
    if not text.startswith("{"):
        place = f"annotation {names.ANNOTATION_RESULT}"
        text = (pod["metadata"].get("annotations") or {}).get(names.ANNOTATION_RESULT) or ""
    if not text:
        return None
    try:
        return _results.decode(text)
    except (msgspec.MsgspecError, RecursionError) as error:
        raise Unreadable(f"{place}: {error}") from None


def _message(pod: Manifest) -> str:
    for each in (pod.get("status") or {}).get("containerStatuses") or ():
        if each["name"] == MAIN:
            ended = (each.get("state") or {}).get("terminated") or {}
            return str(ended.get("message") or "")
    return ""


def is_launcher(container: Mapping[str, Any]) -> bool:
    """Whether a container only brings the launcher."""
    return bool(container.get("name") == INIT and container.get("image") == LAUNCHER_IMAGE)


def unwrapped(command: list[str] | None) -> list[str] | None:
    """The command behind the launcher's, None when there is no launcher. An empty one means what
    the image says."""
    if not command or command[0] != PROGRAM:
        return None
    return command[len(PREFIX) :] if tuple(command[: len(PREFIX)]) == PREFIX else command[1:]


def local_path(uri: str) -> str:
    """Where an artifact lies in the container. ValueError for a scheme that has no place; what has
    no scheme is a path already. Upstream: LocalPathForURI."""
    scheme, separator, rest = uri.partition("://")
    if not separator:
        return uri
    if scheme == "oci":
        return f"/oci/{rest.replace('/', '_')}/models"
    if scheme not in PATHS:
        raise ValueError(f"failed to generate local path for URI {uri}: unsupported storage scheme")
    return PATHS[scheme] + rest


def log_key(run_id: str, pod: str) -> str:
    """Where the log of a task that is over lies in `BUCKET`."""
    return f"logs/{run_id}/{pod}.log"

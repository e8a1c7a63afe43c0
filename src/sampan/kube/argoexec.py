"""What a workflow's controller and its executor have agreed upon: containers, variables, files.

A pod with something to fetch or to carry away has an init container `init`, a container `wait`, and
its other commands begin with the emissary's; what to do stands in `ARGO_TEMPLATE`. The same words
are read by upstream's image on a cluster of others and by our own node, which is its own executor.
Upstream: argo-workflows workflow/common/common.go, workflow/controller/workflowpod.go.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from sampan.kube import names

IMAGE = "quay.io/argoproj/argoexec"
VERSION = "v4.1.2"

MAIN, INIT, WAIT = "main", "init", "wait"
"""Containers that have a meaning."""
ARTIFACT = "artifact"
"""The subcommand that deletes artifacts."""
RESOURCE, DATA, AGENT = "resource", "data", "agent"
"""What the executor is asked to do where it is the main container itself."""

DRIVER_INIT, DRIVER_SIDECAR = "artifact-plugin-init", "artifact-plugin-sidecar"
"""The subcommands that look after a driver of artifacts, before the main container, beside it."""
DRIVER_INITS, DRIVER_SIDECARS = "init-artifact-", "artifact-plugin-"
"""The names of their containers, less the driver's."""

RUN = "/var/run/argo"
PROGRAM = f"{RUN}/argoexec"
PROGRESS = f"{RUN}/progress"
INPUTS = "/argo/inputs/artifacts"
MIRROR = "/mainctrfs"
"""Where `init` and `wait` see the volumes of the main container."""
STAGING = "/argo/staging"
SCRIPT = f"{STAGING}/script"
CONFIG = "/argo/config"
SECRETS = "/argo/secret"

SOCKETS = "/tmp/artifact-plugins"
"""A directory for each driver, with its socket."""
OUTPUTS = "/tmp/argo/outputs"
"""What a driver is to save, as `wait` and the driver see it."""

VOLUME_TMP = "tmp-dir-argo"
VOLUME_RUN, VOLUME_INPUTS = "var-run-argo", "input-artifacts"
VOLUME_STAGING, VOLUME_CONFIG = "argo-staging", "argo-env-config"

CONTAINER_NAME = "ARGO_CONTAINER_NAME"
TEMPLATE = "ARGO_TEMPLATE"
NODE_ID = "ARGO_NODE_ID"
WORKFLOW_NAME, WORKFLOW_UID = "ARGO_WORKFLOW_NAME", "ARGO_WORKFLOW_UID"
POD_NAME, POD_UID = "ARGO_POD_NAME", "ARGO_POD_UID"
WITH_RESULT = "ARGO_INCLUDE_SCRIPT_OUTPUT"
DEADLINE = "ARGO_DEADLINE"
PROGRESS_FILE = "ARGO_PROGRESS_FILE"
GC_POD = "ARGO_ARTIFACT_POD_NAME"
LABEL_GC_POD = names.WORKFLOWS_PREFIX + "artifact-gc-pod"
"""Of the WorkflowArtifactGCTasks that a pod is to carry out; the variable has its value."""
ARGUMENTS_FILE = "ARGO_CONTAINER_ARGS_FILE"

DRIVER_NAMES = "ARGO_ARTIFACT_PLUGIN_NAMES"
"""The containers of drivers that are to end with `wait`."""
PLUGIN_ADDRESSES, PLUGIN_NAMES = "ARGO_PLUGIN_ADDRESSES", "ARGO_PLUGIN_NAMES"

NEVER = "0001-01-01T00:00:00Z"
"""A deadline that there is not."""
OFFLOADED = "offloaded"
"""The value of `TEMPLATE` when the text lies in a file of `CONFIG`."""
LONGEST = 131_072
"""Bytes of a variable or an argument; more cannot be handed to a program."""

EMISSARY = (PROGRAM, "emissary", "--loglevel", "info", "--log-format", "text", "--")
"""Before the command of a container that the executor looks after."""
_BEFORE_OTHERS = ("emissary", DRIVER_INIT, DRIVER_SIDECAR)


def program(command: list[str] | None) -> str:
    """The subcommand (`init`, `wait`, …) of a command that runs the executor itself; "" for any
    other one."""
    if not command or len(command) < 2:
        return ""
    return command[1] if command[0].rpartition("/")[2] == "argoexec" else ""


def unwrapped(command: list[str] | None) -> list[str] | None:
    """The command behind the emissary's, None when there is no emissary. An empty one means what
    the image says."""
    if program(command) not in _BEFORE_OTHERS:
        return None
    assert command is not None
    return command[command.index("--") + 1 :] if "--" in command else []


def outermost(container: Mapping[str, Any]) -> Mapping[str, Any]:
    """The container with the emissary before its shell, where somebody who rewrites commands has
    put it into the shell's script: it looks after a shell as well as after what that starts."""
    command, args = container.get("command") or [], container.get("args") or []
    inside = " ".join(EMISSARY) + " "
    if len(args) != 1 or command[1:] != ["-c"] or not str(args[0]).startswith(inside):
        return container
    return {**container, "command": [*EMISSARY, *command], "args": [args[0][len(inside) :]]}


def socket_of(driver: str) -> str:
    """Where a driver of artifacts listens."""
    return f"{SOCKETS}/{driver}/socket"


def template_text(spec: Mapping[str, Any]) -> str:
    """The template in a pod's spec, as it was written; "" when there is none."""
    for container in (*(spec.get("initContainers") or ()), *(spec.get("containers") or ())):
        for variable in container.get("env") or ():
            if variable["name"] == TEMPLATE:
                return str(variable.get("value") or "")
    return ""


def parsed(text: str) -> dict[str, Any]:
    """A template; {} for what is none."""
    try:
        found = json.loads(text or "{}")
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def is_executor(container: Mapping[str, Any]) -> bool:
    """Whether a container is the executor itself, and not a program that it looks after."""
    name, _, _ = str(container.get("image") or "").partition("@")
    base, _, last = name.rpartition("/")
    if f"{base}/{last.partition(':')[0]}" != IMAGE:
        return False
    return program(container.get("command")) not in ("", *_BEFORE_OTHERS)

"""What trials' pods and those who read their metrics agreed upon: containers, flags, files, rows.

A pod of a Trial gets a second container that reads what the first one writes, and the first one's
command leaves a mark when it has succeeded:

    sh -c "<command> 1>/var/log/katib/metrics.log 2>&1 && echo completed > /var/log/katib/$$.pid"

The same pod works with upstream's images on another cluster; the embedded node is its own collector
(`nodes.collector`). What was read goes to the `Observations` of the platform. Nothing here does
anything.
Upstream: pkg/webhook/v1beta1/pod, pkg/metricscollector/v1beta1/common, cmd/metricscollector.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from msgspec import Struct

LOGGER, COLLECTOR = "metrics-logger-and-collector", "metrics-collector"
"""The containers that read a file, and anything else."""
IMAGES: Mapping[str, str] = {
    "StdOut": "ghcr.io/kubeflow/katib/file-metrics-collector:latest",
    "File": "ghcr.io/kubeflow/katib/file-metrics-collector:latest",
    "TensorFlowEvent": "ghcr.io/kubeflow/katib/tfevent-metrics-collector:latest",
    "PrometheusMetric": "sampan.local/prometheus-metrics-collector:latest",
}
"""By the kind of collector, where `katib-config` says nothing else. The last one is no image at
all: upstream has the kind and none for it."""
_OURS = re.compile(
    r"(?:(?:.*/)?(?:kubeflow/katib|kubeflowkatib)/(file|tfevent)"
    r"|sampan\.local/(prometheus))-metrics-collector(?:[:@].*)?"
)

DB_MANAGER = "katib-db-manager.kubeflow:6789"
"""Where programs report metrics themselves, and collectors of other clusters do."""
METRICS_FILE = "/var/log/katib/metrics.log"
"""Where a program's output goes for the collector StdOut."""
MARKS = "/var/log/katib"
"""Where a program leaves its mark that writes no metrics into files."""
VOLUME = "metrics-volume"
SUGGESTION_VOLUME = "suggestion-volume"
TRIAL_NAME = "KATIB_TRIAL_NAME"
"""The variable of the primary container."""

COMPLETED, EARLY_STOPPED = "completed", "early-stopped"
MARK = ".pid"
"""What a file `<number of the shell's process>.pid` beside the metrics says."""
STOPPED, FAILED = "Training Container was Early Stopped", "Training Container was Failed"
"""What the shell says of a program that may be stopped, and ended."""
DEFAULT_FILTER = r"([\w|-]+)\s*=\s*([+-]?\d*(\.\d+)?([Ee][+-]?\d+)?)"
"""Finds metrics in a line, where an experiment has no filters."""
UNAVAILABLE = "unavailable"
"""The value of an objective that was not reported."""
NEVER = "0001-01-01T00:00:00Z"
"""The time of a metric whose line has none."""

ENTRYPOINT, CMD = "$(SAMPAN_IMAGE_ENTRYPOINT)", "$(SAMPAN_IMAGE_CMD)"
"""Stand in a command for what the image says: admission does not know images, the node does. (On
another cluster upstream's webhook asks the registry.)"""


class Log(Struct, frozen=True):
    """One value of a metric. `time` is RFC 3339 as the program wrote it, or `NEVER`; the value is
    the text that was found, which may be no number."""

    time: str
    metric: str
    value: str


class Batch(Struct, frozen=True, kw_only=True):
    """Values that a source has for a trial.

    source: one stream of values, such as the file of one attempt of a pod.
    first: how many values of this source were told before. After a crash a batch is told again,
        perhaps with more values behind it: what the store has already is not stored twice.
    final: nothing follows. With it `why` says what was not found or is no number, and in which
        line; "" when all is well.
    """

    source: str
    first: int
    logs: Sequence[Log]
    final: bool = False
    why: str = ""


class Observations(Protocol):
    """Who keeps what was reported of trials. A method returns when it is kept for good, and raises
    when it cannot be now; a trial that is gone is no fault."""

    async def report(self, namespace: str, trial: str, batch: Batch) -> None: ...

    async def retract(self, namespace: str, trial: str, source: str) -> None:
        """The program behind all sources that begin with this text has failed: what they told does
        not count. (Upstream's collectors report nothing before a program has succeeded.)"""
        ...

    async def stopped(self, namespace: str, trial: str) -> None:
        """The trial was stopped early: its status says so."""
        ...


def collector_of(container: Mapping[str, Any]) -> str:
    """`file`, `tfevent` or `prometheus` where a container is a collector that the node carries out;
    "" for any other one, a collector of the user's own among them."""
    if container.get("name") not in (LOGGER, COLLECTOR) or container.get("command"):
        return ""
    found = _OURS.fullmatch(str(container.get("image") or ""))
    return (found[1] or found[2]) if found else ""


def reports_itself(container: Mapping[str, Any]) -> bool:
    """Whether the program may report metrics by itself: it knows its trial, or it is told where the
    DB manager is, as collectors of the user's own are."""
    env = container.get("env") or ()
    words = [*(container.get("command") or ()), *(container.get("args") or ())]
    words += [str(each.get("value") or "") for each in env]
    host = DB_MANAGER.partition(":")[0]
    return any(each.get("name") == TRIAL_NAME for each in env) or any(host in w for w in words)


def from_image(
    words: Sequence[str], entrypoint: Sequence[str], command: Sequence[str]
) -> tuple[str, ...]:
    """A container's words with what its image says instead of `ENTRYPOINT` and `CMD`; () when it
    says nothing. Where the image's own command is a script for a shell, the script is taken."""
    if not any(ENTRYPOINT in word for word in words):
        return tuple(words)
    whole = [*entrypoint, *(command if any(CMD in word for word in words) else ())]
    if not whole:
        return ()
    shell, script = shell_of(list(entrypoint))
    first = " ".join(script if shell else entrypoint)
    last = " ".join(command)
    return tuple(word.replace(ENTRYPOINT, first).replace(CMD, last) for word in words)


def wrapped(words: Sequence[str], directory: str, *, stdout: str, stoppable: bool) -> str:
    """The script of a primary container: the words, unquoted, with their output in the file
    `stdout` ("": left alone), and the mark in the directory. `stoppable`: the trial may be stopped
    early, which is no failure. `$$$$` is what Kubernetes makes `$$` of, which the shell fills in.
    Upstream: pkg/webhook/v1beta1/pod/utils.go wrapWorkerContainer."""
    script = [*words]
    if stdout:
        script.append(f"1>{stdout} 2>&1")
    mark = posixpath.normpath(posixpath.join(directory, f"$$$${MARK}"))
    if stoppable:
        # Inside of $(…) Kubernetes leaves dollar signs alone.
        looked = posixpath.normpath(posixpath.join(directory, f"$${MARK}"))
        script.append(
            f"|| if test -f {mark} && [ $(head -n 1 {looked}) = {EARLY_STOPPED} ]; "
            f"then echo {STOPPED}; else echo {FAILED}; exit 1; fi"
        )
    script += ["&&", f"echo {COMPLETED} > {mark}"]
    return " ".join(script)


def shell_of(command: list[str]) -> tuple[list[str], list[str]]:
    """(the shell that a command begins with, what follows); [] where it begins with none."""
    if len(command) > 1 and command[0] in ("sh", "bash") and command[1] == "-c":
        return command[:2], command[2:]
    return [], command

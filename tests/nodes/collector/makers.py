"""Pods of trials as admission makes them, and a store of what was reported of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sampan.kinds.katib.pods import command, sidecar
from sampan.kinds.katib.pods.trial import TrialSpec
from sampan.kinds.katib.settings import Settings
from sampan.kinds.katib.types import read
from sampan.kube import katib
from sampan.kube.katib import Batch, Log


class Shelf:
    """`Observations` in memory, which store what they have already once, as they have to."""

    def __init__(self) -> None:
        self.logs: dict[str, list[Log]] = {}
        self.batches: list[Batch] = []
        self.final: list[Batch] = []
        self.stops = 0
        self.broken = 0

    async def report(self, namespace: str, trial: str, batch: Batch) -> None:
        assert (namespace, trial) == ("team", "t-1")
        if self.broken:
            self.broken -= 1
            raise OSError("the disk is full")
        self.batches.append(batch)
        have = self.logs.setdefault(batch.source, [])
        assert batch.first <= len(have)
        have += batch.logs[len(have) - batch.first :]
        if batch.final:
            self.final.append(batch)

    async def retract(self, namespace: str, trial: str, source: str) -> None:
        self.logs = {name: logs for name, logs in self.logs.items() if not name.startswith(source)}

    async def stopped(self, namespace: str, trial: str) -> None:
        self.stops += 1

    @property
    def rows(self) -> list[Log]:
        return [log for logs in self.logs.values() for log in logs]

    @property
    def values(self) -> list[tuple[str, str]]:
        """(metric, value) of all sources."""
        return [(log.metric, log.value) for log in self.rows]

    @property
    def why(self) -> str:
        (final,) = self.final
        return final.why


def trial(
    line: str,
    collector: str = "StdOut",
    *,
    metrics: Sequence[str] = ("loss",),
    rules: Sequence[str] = (),
    goal: str = "minimize",
    filters: Sequence[str] = (),
    get: Mapping[str, Any] | None = None,
    group: bool = True,
    **place: str,
) -> dict[str, Any]:
    """The spec of a pod that runs a shell line and has its metrics read. `rules` as the flag has
    them, `place` is of `fileSystemPath`. `group`: the
    line is one command."""
    parts = [rule.split(";") for rule in rules]
    source = {
        **({"fileSystemPath": place} if place else {}),
        **({"httpGet": get} if get else {}),
        **({"filter": {"metricsFormat": list(filters)}} if filters else {}),
    }
    spec = read(
        {
            "objective": {
                "type": goal,
                "objectiveMetricName": metrics[0],
                "additionalMetricNames": list(metrics[1:]),
            },
            "earlyStoppingRules": [
                {"name": name, "value": value, "comparison": how, "startStep": int(start)}
                for name, value, how, start in parts
            ],
            "metricsCollector": {"collector": {"kind": collector}, "source": source},
            "primaryContainerName": "main",
        },
        TrialSpec,
    )
    entry = Settings(None).collector(collector)
    made = sidecar.container("t-1", spec, entry, "there:6788")
    path, is_directory = sidecar.where(spec.metricsCollector, entry)
    directory = path if is_directory else path.rpartition("/")[0]
    main: dict[str, Any] = {
        "name": "main",
        "image": "busybox",
        "command": ["sh", "-c", f"({line})" if group else line],
    }
    command.wrap(
        main, directory, stdout=path if collector == "StdOut" else "", stoppable=bool(rules)
    )
    mount = {"volumeMounts": [{"name": katib.VOLUME, "mountPath": directory}]}
    return {
        "containers": [main | mount, made | mount],
        "volumes": [{"name": katib.VOLUME, "emptyDir": {}}],
        "shareProcessNamespace": True,
    }


def ended(status: dict[str, Any], name: str) -> dict[str, Any]:
    """The terminated state of a container."""
    (found,) = [each for each in status["containerStatuses"] if each["name"] == name]
    terminated: dict[str, Any] = found["state"]["terminated"]
    return terminated

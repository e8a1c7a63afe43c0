"""The audit trail: who did what to which object, and what was answered; one JSON object a line.

Told of each write, each way into a pod and each refusal, once it is answered. It holds names and no
contents. Upstream's counterpart is level Metadata of k8s.io/apiserver pkg/audit.
"""

from __future__ import annotations

import json
from pathlib import Path

from sampan.kube.access import Attributes, User
from sampan.kube.times import micro
from sampan.lib.clock import Clock
from sampan.lib.logs import Lines


class Trail:
    def __init__(self, path: Path, clock: Clock) -> None:
        self._lines = Lines(path)
        self._clock = clock

    def note(
        self, user: User | None, impersonator: User | None, asks: Attributes, code: int
    ) -> None:
        fields = {
            "time": micro(self._clock.now()),
            "user": user.name if user else "",
            "impersonator": impersonator.name if impersonator else "",
            "verb": asks.verb,
            "group": asks.group,
            "resource": asks.resource,
            "subresource": asks.subresource,
            "namespace": asks.namespace,
            "name": asks.name,
            "path": asks.path,
        }
        filled = {name: value for name, value in fields.items() if value}
        self._lines.write(json.dumps({**filled, "code": code}, ensure_ascii=False))

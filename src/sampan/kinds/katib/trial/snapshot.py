"""What a decision about a Trial looks at."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sampan.kinds.katib import phases
from sampan.kinds.katib.phases import Phase
from sampan.kinds.katib.trial.jobs import Finding
from sampan.kube.keys import Key, Manifest
from sampan.kube.plan import Unanswered
from sampan.kube.searching import ObservationAnswer
from sampan.kube.subject import Subject


class Attempt(Subject, frozen=True, kw_only=True):
    """A Trial with the object that it makes, called its job whatever its kind is.

    where: the job's key; None when the Trial does not say which. served: the cluster has its kind.
    forbidden: why no trial may make one of this kind, or no pod of it can be made; "" for nothing.
    job: as it is; None when there is none. finding: what its conditions say. answer: of the
    observations, None while it is not known or nobody asked. blame: what the pods of a job say
    that has failed, or is tried again. pause: seconds in which not to ask.
    """

    where: Key | None
    served: bool
    forbidden: str
    job: Manifest | None
    finding: Finding
    answer: ObservationAnswer | Unanswered | None
    blame: str
    pause: float
    now: datetime

    @property
    def spec(self) -> Mapping[str, Any]:
        return self.manifest.get("spec") or {}

    @property
    def phase(self) -> Phase:
        return phases.phase_of(self.manifest)

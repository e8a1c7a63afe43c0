"""What a decision about a Suggestion looks at."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from msgspec import Struct

from sampan.kinds.katib import conditions, restarts
from sampan.kinds.katib.settings import Entry
from sampan.kube import meta
from sampan.kube.conditions import is_true
from sampan.kube.keys import Manifest
from sampan.kube.plan import Unanswered
from sampan.kube.searching import SuggestAnswer
from sampan.kube.subject import Subject
from sampan.lib.search import checkpoints

Answer = SuggestAnswer | Unanswered | None


class Service(Struct, frozen=True, kw_only=True):
    """`entry`: of a service of the operator's own; None where we search ourselves. `claim`: the
    spec of the algorithm's volume."""

    entry: Entry | None
    claim: Manifest


class Request(Subject, frozen=True, kw_only=True):
    """A Suggestion. `found` are the objects of its facade that there are, by kind. `checked`:
    whether the algorithm takes the Experiment; `more`: the suggestions that are asked for. Both
    are None while they are not known, or not asked. `fault`: why it can be asked nothing."""

    experiment: Manifest | None
    service: Service | None
    found: Mapping[str, Manifest]
    checked: Answer
    more: Answer
    pause: float
    fault: str
    now: datetime

    @property
    def spec(self) -> Mapping[str, Any]:
        return self.manifest.get("spec") or {}

    @property
    def algorithm(self) -> str:
        return str((self.spec.get("algorithm") or {}).get("algorithmName") or "")

    @property
    def policy(self) -> str:
        return str(self.spec.get("resumePolicy") or "Never")

    @property
    def facade(self) -> str:
        """The name of the Deployment, the Service and the claim."""
        return facade_of(self.manifest)

    @property
    def has_claim(self) -> bool:
        """For what the algorithm keeps, or for what trials leave."""
        settings = (self.spec.get("algorithm") or {}).get("algorithmSettings") or ()
        leaves = any(each.get("name") == checkpoints.DIRECTORY and each.get("value")
                     for each in settings)  # fmt: skip
        return self.policy == "FromVolume" or leaves

    @property
    def suggested(self) -> list[Mapping[str, Any]]:
        return self.status.get("suggestions") or []

    @property
    def searching(self) -> bool:
        """Whether the Experiment goes on."""
        experiment = self.experiment
        return experiment is not None and not restarts.is_completed(experiment.get("status") or {})

    def holds(self, type: str) -> bool:
        return is_true(self.status.get("conditions"), type)


def facade_of(suggestion: Manifest) -> str:
    algorithm = ((suggestion.get("spec") or {}).get("algorithm") or {}).get("algorithmName") or ""
    return f"{meta.name_of(suggestion)}-{algorithm}"


def wants(suggestion: Manifest) -> tuple[int, int]:
    """How many suggestions there are, and how many there should be."""
    status = suggestion.get("status") or {}
    have = len(status.get("suggestions") or ())
    if is_true(status.get("conditions"), conditions.EXHAUSTED):
        return have, have
    return have, max(int((suggestion.get("spec") or {}).get("requests") or 0), have)

"""Searching: the words that the controllers of Katib share with what searches and what was seen.

The controller of a Suggestion asks for assignments (`SuggestQuestion`, source `SUGGESTIONS` of
`View.consult`), the controller of a Trial for what its metrics were (`ObservationQuestion`, source
`OBSERVATIONS`). Nothing here talks to anything.
"""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct

SUGGESTIONS = "katib.suggestions"
"""The source that answers a SuggestQuestion with a SuggestAnswer."""
OBSERVATIONS = "katib.observations"
"""The source that answers an ObservationQuestion with an ObservationAnswer."""


class SuggestQuestion(Struct, frozen=True, kw_only=True):
    """Assignments for trials number `have` to `want` of the Suggestion of this name and uid. With
    `want` 0, whether the algorithm takes the Experiment at all. Who answers reads the Experiment
    and its Trials at that moment. `endpoint` is the host:port of a service of the user's own."""

    namespace: str
    name: str
    uid: str
    have: int
    want: int
    endpoint: str = ""


class Rule(Struct, frozen=True, kw_only=True):
    """An early-stopping rule as Trials have it (`startStep` 0: from the first report)."""

    name: str
    value: str
    comparison: str
    startStep: int = 0


class Assignment(Struct, frozen=True, kw_only=True):
    name: str
    value: str


class Suggested(Struct, frozen=True, kw_only=True):
    """One entry of a Suggestion's `status.suggestions`; `name` is the trial's."""

    name: str
    parameterAssignments: tuple[Assignment, ...] = ()
    earlyStoppingRules: tuple[Rule, ...] = ()
    labels: Mapping[str, str] = {}


class Tried(Struct, frozen=True, kw_only=True):
    """A trial of an earlier Experiment: what it was given, and the metrics that count here, each
    as this Experiment's strategies take it."""

    name: str
    parameterAssignments: tuple[Assignment, ...] = ()
    metrics: tuple[Assignment, ...] = ()


class Earlier(Struct, frozen=True, kw_only=True):
    """What an earlier Experiment tried, as far as it is of this one's space: the `status.warmStart`
    of a Suggestion, on which its suggestions rest. `trialsSeen`: how many trials with metrics there
    were."""

    experiment: str
    uid: str
    trialsSeen: int
    trials: tuple[Tried, ...] = ()


class SuggestAnswer(Struct, frozen=True, kw_only=True):
    """`refused`: why the algorithm does not take the Experiment, for good. `settings`: what it
    wants to be told again. `over`: nothing is left to try, and what there is may be fewer.
    `ended`: that there is nothing more before another trial has ended, besides so many. `earlier`:
    what the answer rests on besides, where the Suggestion does not say that yet."""

    suggestions: tuple[Suggested, ...] = ()
    settings: Mapping[str, str] = {}
    over: bool = False
    ended: int | None = None
    earlier: Earlier | None = None
    refused: str = ""


class ObservationQuestion(Struct, frozen=True, kw_only=True):
    """What is known of a Trial's metrics after so many reports of them."""

    namespace: str
    trial: str
    uid: str
    reports: int


class Metric(Struct, frozen=True, kw_only=True):
    """All as texts, as they were reported; "unavailable" where there is none."""

    name: str
    min: str
    max: str
    latest: str


class ObservationAnswer(Struct, frozen=True, kw_only=True):
    """Those metrics of the Trial that were reported at all, in its own order. `why`: what was
    looked for and not found, such as a line that matches the filter, for people to read."""

    metrics: tuple[Metric, ...] = ()
    why: str = ""

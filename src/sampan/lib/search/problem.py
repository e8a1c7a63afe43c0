"""What an algorithm is given and what it answers.

Numbers of assignments are texts, in the form that a trial is given them. An algorithm reads trials
in the order of their creation, those that run included: their places are taken.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal, Protocol

from msgspec import Struct

Kind = Literal["double", "int", "discrete", "categorical"]
Distribution = Literal["uniform", "logUniform", "normal", "logNormal"]
State = Literal["created", "running", "succeeded", "failed", "stopped", "unavailable"]


class Refused(ValueError):
    """The problem is none for this algorithm; the message names the setting or the parameter."""


class Parameter(Struct, frozen=True, kw_only=True):
    """`min`, `max` and `step` of double and int; `choices` of discrete and categorical, as texts.
    `when`: it has a value only while the parameter of this name has one of these values."""

    name: str
    kind: Kind
    min: float | None = None
    max: float | None = None
    step: float | None = None
    choices: tuple[str, ...] = ()
    distribution: Distribution = "uniform"
    when: tuple[str, tuple[str, ...]] | None = None


class Objective(Struct, frozen=True, kw_only=True):
    metric: str
    minimize: bool = True
    goal: float | None = None


class Operation(Struct, frozen=True, kw_only=True):
    """A kind of layer that a network may have, with its own parameters."""

    kind: str
    parameters: tuple[Parameter, ...] = ()


class Architecture(Struct, frozen=True, kw_only=True):
    """What networks to search: `nasConfig` of an Experiment."""

    layers: int = 0
    inputs: tuple[int, ...] = ()
    outputs: tuple[int, ...] = ()
    operations: tuple[Operation, ...] = ()


class Problem(Struct, frozen=True, kw_only=True):
    """`settings` as the user wrote them, overlaid by what the algorithm last answered. `seed` is
    used where the settings have none. `constraints` name metrics: a trial is feasible where none
    of them is above 0. More than one objective is for algorithms that say they can."""

    name: str
    parameters: tuple[Parameter, ...] = ()
    objectives: tuple[Objective, ...] = ()
    settings: Mapping[str, str] = {}
    seed: int = 0
    max_trials: int | None = None
    parallel: int = 1
    architecture: Architecture | None = None
    constraints: tuple[str, ...] = ()


class Trial(Struct, frozen=True, kw_only=True):
    """`values`: one for each objective, None where it is not known. `reports`: the first
    objective's values in the order in which they came, each with its step. `since`: the start, in
    seconds; `seconds`: how long it took, 0 where that is not known."""

    name: str
    assignments: Mapping[str, str]
    state: State
    values: tuple[float | None, ...] = ()
    constraints: tuple[float | None, ...] = ()
    reports: tuple[tuple[float, float], ...] = ()
    labels: Mapping[str, str] = {}
    since: float = 0.0
    seconds: float = 0.0


class Suggestion(Struct, frozen=True, kw_only=True):
    """`name` of the trial, "" where any will do."""

    assignments: Mapping[str, str]
    name: str = ""
    labels: Mapping[str, str] = {}


class Answer(Struct, frozen=True, kw_only=True):
    """`settings`: what the algorithm wants to be told again. `over`: there is nothing left to try.
    Where it is not over, fewer suggestions than were asked for mean: no more before another trial
    has ended."""

    suggestions: tuple[Suggestion, ...] = ()
    settings: Mapping[str, str] = {}
    over: bool = False


class Algorithm(Protocol):
    """A module of `algorithms`."""

    def check(self, problem: Problem) -> None:
        """Raises Refused."""
        ...

    def suggest(self, problem: Problem, trials: Sequence[Trial], count: int) -> Answer: ...


class Rule(Struct, frozen=True, kw_only=True):
    """A trial ends early when, at its report number `start_step`, its best value of the metric
    compares so with this one."""

    name: str
    value: str
    comparison: Literal["equal", "less", "greater"]
    start_step: int = 0

"""The algorithms by the names that experiments give them; each is a module, loaded when it is asked
for, since some of them bring half a scientific library along."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Literal

MODULES: Mapping[str, str] = {
    "random": "random",
    "grid": "grid",
    "sobol": "sobol",
    "tpe": "tpe",
    "multivariate-tpe": "multivariate",
    "cmaes": "cmaes",
    "bayesianoptimization": "bayesianoptimization",
    "nsga-ii": "nsga",
    "hyperband": "hyperband",
    "asha": "asha",
    "pbt": "pbt",
    "enas": "enas",
    "darts": "darts",
}
"""Name -> module of this package."""

Ability = Literal["constraints", "conditions", "several objectives", "earlier trials"]
_NETWORKS = ("enas", "darts")
_ONE_OBJECTIVE = ("cmaes", "bayesianoptimization")
_GOING_ON = ("hyperband", "asha", "pbt")  # where trials go on from others of the same search


def _abilities(name: str) -> Iterator[Ability]:
    if name not in _NETWORKS:
        yield "constraints"
        yield "conditions"
        if name not in _ONE_OBJECTIVE:
            yield "several objectives"
        if name not in _GOING_ON:
            yield "earlier trials"


ABILITIES: Mapping[str, frozenset[Ability]] = {
    name: frozenset(_abilities(name)) for name in MODULES
}
"""What a problem may have besides parameters and one objective: `constraints`, parameters with
conditions (`when`), more objectives, and trials of another search before its own."""

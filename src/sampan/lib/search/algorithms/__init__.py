"""The algorithms by the names that experiments give them; each is a module, loaded when it is asked
for, since some of them bring half a scientific library along."""

from __future__ import annotations

from collections.abc import Mapping
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

Ability = Literal["constraints", "conditions"]
_NETWORKS = ("enas", "darts")
ABILITIES: Mapping[str, frozenset[Ability]] = {
    name: frozenset() if name in _NETWORKS else frozenset({"constraints", "conditions"})
    for name in MODULES
}
"""What a problem may have besides parameters and one objective: `constraints`, and parameters with
conditions (`when`)."""

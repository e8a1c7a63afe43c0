"""The algorithms by the names that experiments give them; each is a module, loaded when it is asked
for, since some of them bring half a scientific library along."""

from __future__ import annotations

from collections.abc import Mapping

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

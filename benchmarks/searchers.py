"""The regret of other libraries, in an environment that has them: `python -m benchmarks.searchers
NAME TRIALS SEED…` prints the median for each surface, as JSON."""

from __future__ import annotations

import json
import sys
from importlib import import_module
from statistics import median

from benchmarks.surfaces import SURFACES, Surface


def optuna(surface: Surface, trials: int, seed: int, name: str) -> float:
    library = import_module("optuna")
    library.logging.set_verbosity(library.logging.ERROR)
    sampler = (
        library.samplers.CmaEsSampler(seed=seed)
        if name == "cmaes"
        else library.samplers.TPESampler(seed=seed, multivariate=True)
    )
    study = library.create_study(sampler=sampler)
    for _ in range(trials):
        trial = study.ask()
        point = [trial.suggest_float(str(n), *ends) for n, ends in enumerate(surface.ranges)]
        study.tell(trial, surface.loss(point))
    return float(study.best_value) - surface.least


def hyperopt(surface: Surface, trials: int, seed: int, name: str) -> float:
    library, numpy = import_module("hyperopt"), import_module("numpy")
    space = [library.hp.uniform(str(n), *ends) for n, ends in enumerate(surface.ranges)]
    found = library.Trials()
    library.fmin(
        surface.loss, space, trials=found, max_evals=trials, verbose=False,
        algo=library.partial(library.tpe.suggest, n_startup_jobs=3),
        rstate=numpy.random.default_rng(seed),
    )  # fmt: skip
    return float(min(found.losses())) - surface.least


PEERS = {
    "tpe": ("hyperopt", hyperopt),
    "multivariate-tpe": ("optuna", optuna),
    "cmaes": ("optuna", optuna),
}
"""By our name of the algorithm: the library's, and what runs it."""


def main() -> None:
    name, trials, seeds = sys.argv[1], int(sys.argv[2]), [int(each) for each in sys.argv[3:]]
    run = PEERS[name][1]
    found = [[run(each, trials, seed, name) for seed in seeds] for each in SURFACES]
    print(json.dumps([median(each) for each in found]))


if __name__ == "__main__":
    main()

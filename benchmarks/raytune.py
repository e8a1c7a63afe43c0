"""Run by an interpreter that has Ray Tune: `python -P raytune.py default|reuse COUNT` prints the
trials a second of the benchmark's search, two at a time: without the start of Ray, and with it."""

import logging
import sys
import tempfile
import time

STARTED = time.perf_counter()

import ray  # noqa: E402  (a part of the start)
from ray import tune  # noqa: E402


def objective(given):  # type: ignore[no-untyped-def]
    tune.report({"loss": given["x"] ** 2 + given["y"] + (given["k"] - 3) ** 2})


def main() -> None:
    mode, count = sys.argv[1], int(sys.argv[2])
    with tempfile.TemporaryDirectory() as folder:
        ray.init(num_cpus=2, include_dashboard=False, logging_level=logging.ERROR)
        tuner = tune.Tuner(
            objective,
            param_space={
                "x": tune.uniform(-1, 1), "y": tune.uniform(-1, 1), "k": tune.randint(1, 6),
            },
            tune_config=tune.TuneConfig(
                num_samples=count, metric="loss", mode="min", max_concurrent_trials=2,
                reuse_actors=mode == "reuse",
            ),
            run_config=tune.RunConfig(storage_path=folder, verbose=0),
        )  # fmt: skip
        began = time.perf_counter()
        found = tuner.fit()
        ended = time.perf_counter()
        ray.shutdown()
    if found.num_errors or len(found) != count:
        sys.exit(f"{found.num_errors} of {len(found)} failed")
    print(count / (ended - began), count / (ended - STARTED))


if __name__ == "__main__":
    main()

"""`python -m conformance.kfp`: run each of upstream's pipelines unmodified; path, expected, got.

All of them in one namespace that has the Secrets, ConfigMaps and claims of `fixtures.yaml`, as
upstream's test cluster does. The exit status is 0 from 98 % on.
"""

from __future__ import annotations

import argparse
import fnmatch
import sys
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from conformance.argo.api import Api as Kubernetes
from conformance.argo.cluster import cluster
from conformance.kfp.api import Api
from conformance.kfp.cases import RUNNABLE, Case, listed
from conformance.kfp.run import Outcome, Surroundings, run
from sampan.kube.names import DEFAULT_USER_NAMESPACE
from sampan.lib import yaml

_CORPUS = Path(__file__).parents[3] / "shared" / "corpus" / "kfp"
_FIXTURES = Path(__file__).with_name("fixtures.yaml").read_text()
_GOOD = 0.98


def main() -> int:
    args = _arguments()
    cases = _cases(args)
    outcomes = _outcomes(args, cases)
    right = sum(each.good for each in outcomes)
    print(f"{right} of {len(outcomes)} cases as expected ({right / max(len(outcomes), 1):.1%})")
    return 0 if right >= _GOOD * len(outcomes) else 1


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m conformance.kfp")
    parser.add_argument("patterns", nargs="*", help="of paths; all where there are none")
    parser.add_argument("--corpus", type=Path, default=_CORPUS)
    parser.add_argument("--home", type=Path, help="use the Sampan that runs here")
    parser.add_argument("--at-once", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=120, help="for a run to end")
    parser.add_argument("--misses", action="store_true", help="print only what is not as expected")
    parser.add_argument("--kinds", default=",".join(RUNNABLE), help="classes of the table, or all")
    return parser.parse_args()


def _cases(args: argparse.Namespace) -> list[Case]:
    found = list(listed(args.corpus))
    if args.patterns:
        return [c for c in found if any(fnmatch.fnmatch(c.path, f"*{p}*") for p in args.patterns)]
    return [each for each in found if args.kinds == "all" or each.kind in args.kinds.split(",")]


def _outcomes(args: argparse.Namespace, cases: list[Case]) -> list[Outcome]:
    lock = threading.Lock()
    mark = f"{int(time.time()):x}"

    def one(numbered: tuple[int, Case]) -> Outcome:
        began = time.monotonic()
        outcome = run(around, f"case-{mark}-{numbered[0]}", numbered[1], args.seconds)
        if not (args.misses and outcome.good):
            with lock:
                print(outcome.line(time.monotonic() - began), flush=True)
        return outcome

    with (
        tempfile.TemporaryDirectory(prefix="sampan-kfp-") as work,
        ThreadPoolExecutor(args.at_once) as pool,
        cluster(args.home or Path(work) / "home", started=args.home is not None) as home,
    ):
        kubernetes = Kubernetes(home)
        for each in yaml.load_all(_FIXTURES):
            kubernetes.ensure(each, DEFAULT_USER_NAMESPACE)
        api = Api(f"{kubernetes.gateway}/pipeline", kubernetes.token)
        around = Surroundings(api, kubernetes, DEFAULT_USER_NAMESPACE)
        return list(pool.map(one, enumerate(cases)))


if __name__ == "__main__":
    sys.exit(main())

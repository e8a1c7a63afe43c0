"""`python -m conformance.katib`: run upstream's Experiments unmodified; path, expected, got.

Each in a namespace of its own, by the rules of upstream's end-to-end tests (`verify.py`). DIR is a
git directory of kubeflow/katib: with `--examples DIR` those that the table does not have are run as
well, with `--upstream DIR` upstream's own scripts run all of them instead, with the SDK in
`.venvs/katib`. What nobody can run here is listed with the reason, and counts for
nothing. The exit status is 0 when all others are as expected.
"""

from __future__ import annotations

import argparse
import contextlib
import fnmatch
import sys
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from conformance.argo.api import Api
from conformance.argo.cluster import cluster
from conformance.katib.cases import Case, listed, unlisted
from conformance.katib.run import Outcome, Runner, shortened
from conformance.katib.upstream import Upstream, scripts

_CORPUS = Path(__file__).parents[3] / "shared" / "corpus" / "katib"


def main() -> int:
    args = _arguments()
    with tempfile.TemporaryDirectory(prefix="sampan-katib-examples-") as work:
        found = [*listed(args.corpus)]
        if args.examples:
            found += unlisted(args.corpus, args.examples, Path(work))
        outcomes = _outcomes(args, [each for each in found if _is_asked(each, args.patterns)])
    run = [each for each in outcomes if each.good is not None]
    right = sum(bool(each.good) for each in run)
    print(f"{right} of {len(run)} cases as expected; {len(outcomes) - len(run)} cannot run here")
    return 0 if right == len(run) else 1


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m conformance.katib")
    parser.add_argument("patterns", nargs="*", help="of paths; all where there are none")
    parser.add_argument("--corpus", type=Path, default=_CORPUS)
    parser.add_argument("--home", type=Path, help="use the Sampan that runs here")
    parser.add_argument("--examples", type=Path, metavar="DIR", help="run those without a row, too")
    parser.add_argument("--upstream", type=Path, metavar="DIR", help="a git directory of katib")
    parser.add_argument("--at-once", type=int, default=2)
    parser.add_argument("--seconds", type=float, default=600, help="for an experiment to end")
    parser.add_argument("--misses", action="store_true", help="print only what is not as expected")
    return parser.parse_args()


def _is_asked(case: Case, patterns: list[str]) -> bool:
    return not patterns or any(fnmatch.fnmatch(case.path, f"*{each}*") for each in patterns)


def _outcomes(args: argparse.Namespace, cases: list[Case]) -> list[Outcome]:
    lock = threading.Lock()
    mark = f"{int(time.time()):x}"

    def one(numbered: tuple[int, Case]) -> Outcome:
        began = time.monotonic()
        outcome = runner.run(f"katib-{mark}-{numbered[0]}", numbered[1])
        if not (args.misses and outcome.good):
            with lock:
                print(shortened(outcome).line(time.monotonic() - began), flush=True)
        return outcome

    with (
        tempfile.TemporaryDirectory(prefix="sampan-katib-") as work,
        ThreadPoolExecutor(args.at_once) as pool,
        cluster(args.home or Path(work) / "home", started=args.home is not None) as home,
        scripts(args.upstream) if args.upstream else contextlib.nullcontext() as place,
    ):
        upstream = Upstream(place, home, args.seconds) if place else None
        runner = Runner(Api(home), args.seconds, upstream)
        return list(pool.map(one, enumerate(cases)))


if __name__ == "__main__":
    sys.exit(main())

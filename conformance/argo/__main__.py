"""`python -m conformance.argo`: run each of upstream's cases unmodified; path, expected, got.

Each case gets a namespace of its own with what upstream's test cluster has in every one (a service
account that may do things, the ConfigMaps and Secrets of `fixtures.yaml`) and the templates that
the file refers to. The table says how many are as expected; the exit status is 0 from 95 % on.
"""

from __future__ import annotations

import argparse
import fnmatch
import sys
import tempfile
import threading
import time
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from conformance.argo.api import Api
from conformance.argo.cases import Case, Library, examples, files, listed
from conformance.argo.cluster import cluster
from conformance.argo.run import Outcome, Surroundings, run
from conformance.argo.stand_ins import StandIns

_CORPUS = Path(__file__).parents[3] / "shared" / "corpus" / "argo"
_GOOD = 0.95


def main() -> int:
    args = _arguments()
    cases, library = _cases(args), Library()
    for path in sorted(args.corpus.rglob("*.yaml")) if args.corpus.is_dir() else ():
        library.add(str(path.relative_to(args.corpus)), path.read_text())
    if args.upstream:
        for folder in ("examples", "test/e2e"):
            for path, text in files(args.upstream, folder):
                library.add(path, text)
    outcomes = _outcomes(args, cases, library)
    good = sum(each.good for each in outcomes)
    tried = [each for each in outcomes if each.case.runnable]
    right = sum(each.good for each in tried)
    print(f"{right} of {len(tried)} runnable cases as expected ({right / len(tried):.1%}); "
          f"{good} of {len(outcomes)} in all")  # fmt: skip
    return 0 if right >= _GOOD * len(tried) else 1


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m conformance.argo")
    parser.add_argument("patterns", nargs="*", help="of paths; all where there are none")
    parser.add_argument("--corpus", type=Path, default=_CORPUS)
    parser.add_argument("--upstream", type=Path, help="a git directory of argo-workflows, in which "
                        "templates are looked for that the corpus lacks")  # fmt: skip
    parser.add_argument("--examples", action="store_true", help="run upstream's examples instead")
    parser.add_argument("--home", type=Path, help="use the Sampan that runs here")
    parser.add_argument("--at-once", type=int, default=4)
    parser.add_argument("--seconds", type=float, default=300, help="for a workflow to end")
    parser.add_argument("--misses", action="store_true", help="print only what is not as expected")
    parser.add_argument("--all", action="store_true", help="try what the table calls not runnable")
    return parser.parse_args()


def _cases(args: argparse.Namespace) -> list[Case]:
    found = list(examples(args.upstream) if args.examples else listed(args.corpus))
    if args.patterns:
        return [c for c in found if any(fnmatch.fnmatch(c.path, f"*{p}*") for p in args.patterns)]
    return [case for case in found if case.runnable or args.all]


def _outcomes(args: argparse.Namespace, cases: Iterable[Case], library: Library) -> list[Outcome]:
    lock = threading.Lock()

    def one(numbered: tuple[int, Case]) -> Outcome:
        began = time.monotonic()
        outcome = run(surroundings, f"case-{numbered[0]}", numbered[1], args.seconds)
        if not (args.misses and outcome.good):
            with lock:
                print(outcome.line(time.monotonic() - began), flush=True)
        return outcome

    with (
        tempfile.TemporaryDirectory(prefix="sampan-argo-") as work,
        ThreadPoolExecutor(args.at_once) as pool,
        cluster(args.home or Path(work) / "home", started=args.home is not None) as home,
    ):
        api = Api(home)
        servers = StandIns(api.ask)
        servers.start()
        servers.prepare()
        surroundings = Surroundings(api, library, servers)
        return list(pool.map(one, enumerate(cases)))


if __name__ == "__main__":
    sys.exit(main())

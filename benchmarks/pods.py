"""No-op pods from create to Succeeded, next to a bare loop that starts the same sandboxes."""

from __future__ import annotations

import json
import shutil
import subprocess
import time
import urllib.request
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor

from benchmarks import http
from benchmarks.program import Program, program
from benchmarks.table import Table

SANDBOX = [
    "bwrap", "--ro-bind", "/", "/", "--dev", "/dev", "--proc", "/proc", "--tmpfs", "/tmp",
    "--unshare-pid", "--unshare-ipc", "--unshare-uts", "--die-with-parent", "/bin/true",
]  # fmt: skip


def run(table: Table) -> None:
    sandboxed = shutil.which("bwrap") is not None
    floor = bare_rate(200) if sandboxed else None
    with program() as sampan:
        Pods(sampan, "warm").many(10)
        one = Pods(sampan, "one").one_by_one(40)
        table.at_most("no-op pod, create to Succeeded, p50", 1000 * one, "ms", 40)
        rate = Pods(sampan, "many").many(200)
        table.at_least(
            "no-op pods, 200 at once", rate, "/s", 60,
            floor=floor, floor_name="bare loop of the same sandbox",
        )  # fmt: skip
        few = Pods(sampan, "few").many(100)
        for batch in range(10):
            Pods(sampan, f"fill{batch}").many(500)
        many = Pods(sampan, "full").many(100)
        table.at_most("cost of a pod with 5,000 finished / with 350", few / many, "×", 1.2)


def bare_rate(count: int) -> float:
    """Sandboxes per second, two at a time."""
    start = time.perf_counter()
    with ThreadPoolExecutor(2) as two:
        list(two.map(lambda _: subprocess.run(SANDBOX, check=True), range(count)))
    return count / (time.perf_counter() - start)


NO_OP = {"image": "busybox", "command": ["true"]}


class Pods:
    """Creates pods and follows them with one watch, as a client would."""

    def __init__(
        self, sampan: Program, prefix: str, container: Mapping[str, object] = NO_OP
    ) -> None:
        self.sampan = sampan
        self.container = container
        self.prefix = prefix
        self.collection = f"{sampan.api}/api/v1/namespaces/default/pods"

    def manifest(self, number: int) -> bytes:
        container = {"name": "main", **self.container}
        return json.dumps(
            {
                "apiVersion": "v1",
                "kind": "Pod",
                "metadata": {"name": f"{self.prefix}-{number}", "labels": {"run": self.prefix}},
                "spec": {"restartPolicy": "Never", "containers": [container]},
            }
        ).encode()

    def create(self, numbers: range) -> None:
        first = numbers.start - 1
        done = http.drive(
            self.collection,
            self.sampan.ca,
            lambda n: http.request(
                "POST", self.collection, self.sampan.token, self.manifest(n + first)
            ),
            count=len(numbers),
            connections=min(4, len(numbers)),
        )
        if done.errors:
            raise SystemExit(f"{done.errors} pods could not be created")

    def watch(self):  # type: ignore[no-untyped-def]
        """A generator of (name, phase) as the pods change."""
        request = urllib.request.Request(
            f"{self.collection}?watch=true&labelSelector=run={self.prefix}",
            headers={"Authorization": f"Bearer {self.sampan.token}"},
        )
        tls = http.trusting(self.sampan.ca)
        with urllib.request.urlopen(request, context=tls, timeout=120) as stream:
            for line in stream:
                seen = json.loads(line)["object"]
                yield seen["metadata"]["name"], seen.get("status", {}).get("phase")

    def many(self, count: int) -> float:
        """Pods per second, all created at once."""
        start = time.perf_counter()
        with ThreadPoolExecutor(1) as side:
            creating = side.submit(self.create, range(1, count + 1))
            succeeded: set[str] = set()
            for name, phase in self.watch():
                if phase == "Succeeded":
                    succeeded.add(name)
                    if len(succeeded) == count:
                        break
            creating.result()
        return count / (time.perf_counter() - start)

    def one_by_one(self, count: int) -> float:
        """The median seconds from the create request to the Succeeded event."""
        events = self.watch()
        taken = []
        with ThreadPoolExecutor(1) as side:
            for number in range(1, count + 1):
                start = time.perf_counter()
                creating = side.submit(self.create, range(number, number + 1))
                wanted = (f"{self.prefix}-{number}", "Succeeded")
                while next(events) != wanted:
                    pass
                taken.append(time.perf_counter() - start)
                creating.result()
        return sorted(taken)[count // 2]

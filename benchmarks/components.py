"""Default components as pods: forked, started cold without pip, and as their command says.

The pods are plain ones with the SDK's own command, so this is what a step costs beside the pipeline
around it. A space behind `sh -ec`'s script is enough for it not to be recognised.
"""

from __future__ import annotations

import json
import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks import pipelines
from benchmarks.pods import Pods
from benchmarks.program import Program, program
from benchmarks.table import Table

_INPUT = {
    "inputs": {"parameterValues": {"name": "sampan"}},
    "outputs": {"outputFile": "/tmp/out/output_metadata.json", "parameters": {}},
}


def run(table: Table) -> None:
    compiled = json.loads(pipelines._sdk(pipelines._python(), "compile"))
    container = _container(compiled["one"])
    script = container["command"].index("-ec") + 1
    words = [*container["command"]]
    words[script] += " "
    literal = {**container, "command": words}
    with program() as sampan:
        Pods(sampan, "first", container).one_by_one(1)  # installs the SDK
        time.sleep(1)  # the interpreter that is kept has its imports to do, too
        forked = _median(sampan, "forked", container, 30)
        rate = Pods(sampan, "many", container).many(200)
        pip = _median(sampan, "pip", literal, 3)
    with tempfile.TemporaryDirectory(prefix="sampan-bench-") as made:
        home = Path(made)
        home.joinpath("config.yaml").write_text(json.dumps({"warm_python": False}))
        with program(home) as sampan:
            Pods(sampan, "first", container).one_by_one(1)
            cold = _median(sampan, "cold", container, 15)
    table.at_most("default component, forked, p50", forked, "ms", 40,
                  floor=cold, floor_name="the same, not forked")  # fmt: skip
    table.at_most("default component, not forked, p50", cold, "ms", 150,
                  floor=pip, floor_name="as its command says")  # fmt: skip
    table.at_least("default components, 200 at once, forked", rate, "/s", 60)


def _median(sampan: Program, prefix: str, container: dict[str, Any], count: int) -> float:
    return 1000 * Pods(sampan, prefix, container).one_by_one(count)


def _container(pipeline: Any) -> dict[str, Any]:
    """The container of a pipeline's one component."""
    spec = pipeline.get("pipeline_spec", pipeline)
    (executor,) = spec["deploymentSpec"]["executors"].values()
    found = executor["container"]
    args = [json.dumps(_INPUT) if word == "{{$}}" else word for word in found["args"]]
    return {"image": found["image"], "command": found["command"], "args": args}

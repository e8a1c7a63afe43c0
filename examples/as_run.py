"""Compile a pipeline.py of the SDK, and write run.yaml beside it: a Run for `kubectl apply`.

python examples/as_run.py examples/10-hello/pipeline.py [parameter=value …]

Needs kfp (and kfp-kubernetes, where the pipeline imports it); the Run needs neither.
"""

import runpy
import sys
import tempfile
from pathlib import Path

import yaml
from kfp import compiler
from kfp.dsl.base_component import BaseComponent
from kfp.dsl.graph_component import GraphComponent


def documents(pipeline: BaseComponent) -> list[dict]:
    """The IR, and what it says for Kubernetes."""
    with tempfile.TemporaryDirectory() as directory:
        package = Path(directory) / "pipeline.yaml"
        compiler.Compiler().compile(pipeline, str(package))
        return list(yaml.safe_load_all(package.read_text()))


def run_of(source: Path, parameters: dict[str, object]) -> dict:
    found = runpy.run_path(str(source)).values()
    pipeline = [each for each in found if isinstance(each, GraphComponent)][-1]
    spec, *platform = documents(pipeline)
    for component in spec["components"].values():
        for parameter in component.get("inputDefinitions", {}).get("parameters", {}).values():
            parameter.pop("description", None)
    name = spec["pipelineInfo"]["name"]
    about = {"displayName": spec["pipelineInfo"].get("displayName") or name}
    run = {
        "apiVersion": "pipelines.kubeflow.org/v2beta1",
        "kind": "Run",
        "metadata": {"name": name},
        "spec": {**about, "runtimeConfig": {"parameters": parameters}, "pipelineSpec": spec},
    }
    if platform:
        run["spec"]["platformSpec"] = platform[0]
    return run


if __name__ == "__main__":
    source = Path(sys.argv[1])
    given = dict(each.split("=", 1) for each in sys.argv[2:])
    parameters = {name: yaml.safe_load(text) for name, text in given.items()}
    text = yaml.safe_dump(run_of(source, parameters), sort_keys=False, width=110)
    (source.parent / "run.yaml").write_text(text)

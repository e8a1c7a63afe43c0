"""Each directory of examples/ is an acceptance test: apply its YAML, wait for its expect.yaml.

`expect.yaml` is a list of objects; each must become a subset of an object of the cluster, found by
name, or by `generateName`. A `logs` entry beside an object is what its pods must have printed.
"""

import json
import time

import pytest
import yaml

from support import ROOT, Sampan

pytestmark = pytest.mark.slow
EXAMPLES = sorted(path for path in (ROOT / "examples").glob("[0-9]*-*") if path.is_dir())
NAMESPACE = "kubeflow-user-example-com"


@pytest.fixture(scope="module")
def sampan(tmp_path_factory):
    program = Sampan(tmp_path_factory.mktemp("home"))
    program.up()
    yield program
    program.down()


def is_within(part, whole):
    if isinstance(part, dict):
        return isinstance(whole, dict) and all(
            key in whole and is_within(value, whole[key]) for key, value in part.items()
        )
    if isinstance(part, list):
        return isinstance(whole, list) and all(
            any(is_within(one, other) for other in whole) for one in part
        )
    return part == whole


def matching(sampan, expected):
    kind, group = expected["kind"].lower(), expected["apiVersion"].rpartition("/")[0]
    resource = f"{kind}s" + (f".{group.split('/')[0]}" if group else "")
    found = json.loads(sampan("get", resource, "-n", NAMESPACE, "-o", "json"))["items"]
    return [item for item in found if is_within(expected, item)]


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.name)
def test_example(sampan, example):
    for file in sorted(example.glob("*.yaml"), key=lambda path: (path.name != "pvc.yaml", path)):
        if file.name != "expect.yaml":
            sampan("apply", "-n", NAMESPACE, "-f", str(file))
    for expected in yaml.safe_load_all((example / "expect.yaml").read_text()):
        logs = expected.pop("logs", None)
        end = time.monotonic() + 60
        while not (found := matching(sampan, expected)):
            assert time.monotonic() < end, expected
            time.sleep(0.1)
        if logs is not None:
            name = found[0]["metadata"]["name"]
            assert sampan("logs", "-n", NAMESPACE, name, "-c", "main") == logs

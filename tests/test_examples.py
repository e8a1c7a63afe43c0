"""Each directory of examples/ is an acceptance test: apply its YAML, wait for its expect.yaml.

A `pipeline.yaml` is what the SDK has compiled; it is run by `sampan run`.
`expect.yaml` is a list of objects; each must become a subset of an object of the cluster, found by
name, or by `generateName`. A `logs` entry beside an object is what its pods must have printed.
"""

import json
import sys
import time

import pytest
import yaml

from support import ROOT, Sampan

pytestmark = pytest.mark.slow
EXAMPLES = sorted(path for path in (ROOT / "examples").glob("[0-9]*-*") if path.is_dir())
NAMESPACE = "kubeflow-user-example-com"
PIP = 300
"""Seconds for what installs packages."""


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
        if file.name == "pipeline.yaml":
            sampan("run", str(file), "--name", example.name[3:], "--follow", timeout=PIP)
        elif file.name != "expect.yaml":
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


def test_the_registered_model_leads_back_to_its_data(sampan):
    """By an HTTP client that knows nothing of Sampan."""
    example = ROOT / "examples" / "20-digits"
    sampan("run", str(example / "pipeline.yaml"), "--follow", timeout=PIP)
    command = [sys.executable, str(example / "lineage.py"), f"{sampan.state['gateway']}/pipeline"]
    rows = [line.split() for line in sampan.run(command).splitlines()]
    assert [row[0] for row in rows] == ["registered", "best", *["model"] * 3, "train", "digits"]
    assert [row[4] for row in rows] == ["register", "pick", *["fit"] * 3, "split", "load"]
    chosen = {row[1] for row in rows if "kind=neighbours" in row}
    assert chosen == {rows[0][1]}  # copies of one content
    assert rows[-1][5] == "images=1797"

"""A workflow of 200 steps and five `kill -9` of the control plane: the same status as without.

Each step appends its name to a file on a claim, so that one which ran twice or never is seen.
"""

import json
import random

import pytest

from support import MOUNT, VOLUME, Ledger, kill, until

pytestmark = pytest.mark.slow

LANES, LENGTH, KILLS = 10, 20, 5
STEPS = LANES * LENGTH


def task(lane, place):
    name = f"s-{lane}-{place}"
    given = {"parameters": [{"name": "line", "value": name}]}
    before = {"dependencies": [f"s-{lane}-{place - 1}"]} if place else {}
    return {"name": name, "template": "note", "arguments": given, **before}


WORKFLOW = {
    "apiVersion": "argoproj.io/v1alpha1",
    "kind": "Workflow",
    "metadata": {"name": "lanes"},
    "spec": {
        "entrypoint": "main",
        "volumes": [VOLUME],
        "templates": [
            {
                "name": "main",
                "dag": {"tasks": [task(lane, p) for lane in range(LANES) for p in range(LENGTH)]},
            },
            {
                "name": "note",
                "inputs": {"parameters": [{"name": "line"}]},
                "container": {
                    "image": "busybox",
                    "command": ["sh", "-c", "echo {{inputs.parameters.line}} >> /log/lines"],
                    "volumeMounts": [MOUNT],
                },
            },
        ],
    },
}


def start(sampan, namespace):
    ledger = Ledger(sampan, namespace)
    sampan.request("POST", f"/apis/argoproj.io/v1alpha1/namespaces/{namespace}/workflows", WORKFLOW)
    return ledger


def status(sampan, namespace):
    path = f"/apis/argoproj.io/v1alpha1/namespaces/{namespace}/workflows/lanes"
    return sampan.request("GET", path)[1].get("status") or {}


def done(sampan, namespace):
    nodes = (status(sampan, namespace).get("nodes") or {}).values()
    return sum(node["type"] == "Pod" and node["phase"] == "Succeeded" for node in nodes)


def gist(found):
    """What of a status does not depend on when things happened."""
    told = ("type", "phase", "message", "displayName", "templateName", "boundaryID", "inputs")
    nodes = {
        name: {**{key: node.get(key) for key in told}, "children": sorted(node.get("children", []))}
        for name, node in found["nodes"].items()
    }
    return {"phase": found["phase"], "progress": found["progress"], "nodes": nodes}


def test_five_kills_change_nothing_about_a_workflow_of_200_steps(own_sampan):
    own_sampan.up()
    start(own_sampan, "quiet")
    until(lambda: status(own_sampan, "quiet").get("phase") == "Succeeded", seconds=90)
    ledger = start(own_sampan, "rough")
    for at in sorted(random.sample(range(5, STEPS - 5), KILLS)):
        until(lambda at=at: done(own_sampan, "rough") >= at, seconds=90)
        kill(own_sampan)
        own_sampan.up()
    until(lambda: status(own_sampan, "rough").get("phase") == "Succeeded", seconds=90)
    rough, quiet = (gist(status(own_sampan, name)) for name in ("rough", "quiet"))
    assert json.dumps(rough, sort_keys=True) == json.dumps(quiet, sort_keys=True)
    assert rough["progress"] == f"{STEPS}/{STEPS}"
    assert ledger.lines() == {
        f"s-{lane}-{place}": 1 for lane in range(LANES) for place in range(LENGTH)
    }

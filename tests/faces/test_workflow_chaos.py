"""A workflow with a bit of everything under kill -9: the same end, every step exactly as often.

Retries, hooks, an exit handler, a loop, artifacts, a suspension, a mutex and a memoized step; each
notes itself on a claim, so that one which ran twice or never is seen.
"""

import random
import time

import pytest

from support import MOUNT, VOLUME, Ledger, kill, until

pytestmark = pytest.mark.slow

KILLS = 4


def note(name, line, script="", **fields):
    """A template that appends a line to the file on the claim."""
    return {
        "name": name,
        "container": {
            "image": "busybox",
            "command": ["sh", "-c"],
            "args": [f"echo {line} >> /log/lines\n{script}"],
            "volumeMounts": [MOUNT],
        },
        **fields,
    }


def given(**values):
    return {"parameters": [{"name": name, "value": value} for name, value in values.items()]}


def takes(*names):
    return {"parameters": [{"name": name} for name in names]}


MEMO = {"key": "known", "maxAge": "1h", "cache": {"configMap": {"name": "memo"}}}
FILE = {"name": "file", "from": "{{tasks.make.outputs.artifacts.file}}"}
TASKS = [
    {"name": "flaky", "template": "flaky"},
    {"name": "make", "template": "make", "onExit": "left"},
    {"name": "take", "depends": "make", "template": "take", "arguments": {"artifacts": [FILE]}},
    {"name": "loop", "template": "locked", "withSequence": {"count": "5"},
     "arguments": given(n="{{item}}")},
    {"name": "memo", "depends": "flaky", "template": "memo"},
    {"name": "again", "depends": "memo", "template": "memo"},
    {"name": "pause", "depends": "take && loop", "template": "pause"},
    {"name": "last", "depends": "pause && again", "template": "last"},
]  # fmt: skip
TEMPLATES = [
    {"name": "main", "dag": {"tasks": TASKS}},
    note("flaky", "flaky-{{retries}}", "[ {{retries}} -ge 2 ]",
         retryStrategy={"limit": "4", "retryPolicy": "Always"}),
    note("make", "make", "echo text > /tmp/file",
         outputs={"artifacts": [{"name": "file", "path": "/tmp/file"}]}),
    note("take", "take", "cat /tmp/in",
         inputs={"artifacts": [{"name": "file", "path": "/tmp/in"}]}),
    note("locked", "locked-{{inputs.parameters.n}}", "sleep 0.2", inputs=takes("n"),
         synchronization={"mutexes": [{"name": "one"}]}),
    note("memo", "memo", "echo 7 > /tmp/seven", memoize=MEMO, outputs={
        "parameters": [{"name": "seven", "valueFrom": {"path": "/tmp/seven"}}]}),
    {"name": "pause", "suspend": {"duration": "1"}},
    note("last", "last", "exit 3"),
    note("left", "left"),
    note("begun", "begun"),
    note("over", "over-{{workflow.status}}"),
]  # fmt: skip
WORKFLOW = {
    "apiVersion": "argoproj.io/v1alpha1",
    "kind": "Workflow",
    "metadata": {"name": "all"},
    "spec": {
        "entrypoint": "main",
        "onExit": "over",
        "hooks": {"begun": {"template": "begun", "expression": 'workflow.status == "Running"'}},
        "volumes": [VOLUME],
        "templates": TEMPLATES,
    },
}
NOTED = {
    *("flaky-0", "flaky-1", "flaky-2", "make", "take", "memo", "last", "left", "begun"),
    *(f"locked-{n}" for n in range(5)),
    "over-Failed",
}
WORKFLOWS = "/apis/argoproj.io/v1alpha1/namespaces/{}/workflows"


def start(sampan, namespace):
    ledger = Ledger(sampan, namespace)
    code, answer = sampan.request("POST", WORKFLOWS.format(namespace), WORKFLOW)
    assert code == 201, answer
    return ledger


def status(sampan, namespace):
    found = sampan.request("GET", f"{WORKFLOWS.format(namespace)}/all")[1].get("status") or {}
    return found


def is_over(sampan, namespace):
    return status(sampan, namespace).get("phase") in ("Succeeded", "Failed", "Error")


def gist(found):
    """What of a status does not depend on when things happened."""
    nodes = {
        (node["name"], node["type"], node["phase"], len(node.get("children") or ()))
        for node in found["nodes"].values()
    }
    return found["phase"], found.get("message"), found["progress"], sorted(nodes)


def test_kills_at_any_moment_change_nothing_about_a_workflow_of_everything(own_sampan):
    own_sampan.up()
    ledger = start(own_sampan, "quiet")
    until(lambda: is_over(own_sampan, "quiet"), 90)
    quiet = status(own_sampan, "quiet")
    assert quiet["phase"] == "Failed"
    assert ledger.lines() == dict.fromkeys(NOTED, 1)
    seed = time.time_ns()
    print("seed", seed)
    moments = random.Random(seed)
    ledger = start(own_sampan, "rough")
    for _ in range(KILLS):
        time.sleep(moments.uniform(0.0, 0.6))  # a moment like any other: nothing to wait for
        kill(own_sampan)
        own_sampan.up()
    until(lambda: is_over(own_sampan, "rough"), 90)
    assert ledger.lines() == dict.fromkeys(NOTED, 1)
    assert gist(status(own_sampan, "rough")) == gist(quiet)

"""`sampan wf` as people use it, against a running Sampan."""

import json

import pytest

pytestmark = pytest.mark.slow
WORKFLOW = """
apiVersion: argoproj.io/v1alpha1
kind: Workflow
metadata: {generateName: hello-}
spec:
  entrypoint: main
  arguments: {parameters: [{name: who, value: you}]}
  templates:
  - name: main
    steps:
    - - {name: one, template: say}
    - - {name: two, template: say}
      - {name: three, template: keep}
  - name: say
    container: {image: alpine, command: [echo, "hello {{workflow.parameters.who}}"]}
  - name: keep
    container: {image: alpine, command: [sh, -c, "echo kept > /tmp/out"]}
    outputs: {artifacts: [{name: out, path: /tmp/out, archive: {none: {}}}]}
"""
BROKEN = WORKFLOW.replace("template: keep", "template: none")
WAITING = """
apiVersion: argoproj.io/v1alpha1
kind: Workflow
metadata: {name: waits}
spec:
  entrypoint: main
  templates: [{name: main, suspend: {}}]
"""
CRON = """
apiVersion: argoproj.io/v1alpha1
kind: CronWorkflow
metadata: {name: nightly}
spec:
  schedules: ["0 3 * * *"]
  workflowSpec:
    entrypoint: main
    templates: [{name: main, container: {image: alpine, command: ["true"]}}]
"""


@pytest.fixture
def wf(sampan, namespace, tmp_path):
    def run(*words, text=None, check=True):
        if text is not None:
            path = tmp_path / "given.yaml"
            path.write_text(text)
            words = (*words, path)
        return sampan("wf", *map(str, words), "-n", namespace, check=check, timeout=90)

    return run


def test_a_workflows_life(wf, tmp_path):
    said = wf("submit", "-p", "who=me", "--log", text=WORKFLOW)
    name = said.split()[1]
    assert said.count(": hello me\n") == 2
    assert f"{name} Succeeded" in said
    got = wf("get", name)
    assert " ├───✔ one" in got
    assert " └─┬─✔ " in got
    assert wf("list", "-o", "name").split() == [name]
    assert wf("logs", "@latest", "--no-pod", "--grep", "hello").splitlines() == ["hello me"] * 2
    wf("cp", name, tmp_path / "here", "--artifact-name", "out")
    (copied,) = (tmp_path / "here").glob("*/out*")
    assert copied.read_text() == "kept\n"
    again = wf("resubmit", name, "--watch", "-o", "name").split()[0]
    assert json.loads(wf("get", again, "-o", "json"))["status"]["phase"] == "Succeeded"
    wf("delete", "--completed")
    assert wf("list", "-o", "name") == ""


def test_a_suspended_one_is_resumed_or_stopped(wf):
    wf("submit", text=WAITING)
    assert "● waits" in wf("get", "waits")
    wf("resume", "waits")
    assert "waits Succeeded" in wf("wait", "waits")
    wf("delete", "waits")
    wf("submit", text=WAITING)
    wf("stop", "waits", "--message", "enough")
    stopped = wf("wait", "waits", check=False)
    assert (stopped.returncode, "waits Failed" in stopped.stdout) == (1, True)
    refused = wf("terminate", "waits", check=False)
    assert "cannot shutdown a completed workflow" in refused.stderr
    retried = wf("retry", "waits", check=False)
    assert retried.returncode == 0, retried.stderr


def test_mistakes_are_told_in_a_line(wf):
    linted = wf("lint", text=BROKEN, check=False)
    assert linted.returncode == 1
    assert "templates.main.steps[1].three" in linted.stdout
    for words in (("submit",), ("submit", "--from", "pod/x"), ("get", "none"), ("delete",)):
        refused = wf(*words, check=False)
        assert refused.returncode == 1
        assert refused.stderr.startswith("sampan: ")
        assert refused.stderr.count("\n") == 1
    assert wf("submit", text=BROKEN, check=False).returncode == 1


def test_what_workflows_are_made_from(wf):
    wf("cron", "create", text=CRON)
    assert "0 3 * * *" in wf("cron", "list")
    wf("cron", "suspend", "nightly")
    assert "true" in wf("cron", "list")
    wf("cron", "update", text=CRON.replace("0 3", "5 3"))
    assert "5 3 * * *" in wf("cron", "get", "nightly")
    assert "Succeeded" in wf("submit", "--from", "cronwf/nightly", "-w")
    wf("cron", "delete", "nightly")
    template = WORKFLOW.replace("kind: Workflow", "kind: WorkflowTemplate")
    template = template.replace("generateName: hello-", "name: hello")
    wf("template", "lint", text=template)
    wf("template", "create", text=template)
    assert "hello" in wf("template", "list")
    assert "Succeeded" in wf("submit", "--from", "workflowtemplate/hello", "-p", "who=x", "-w")
    wf("template", "delete", "hello")
    assert wf("archive", "list").split()[0] == "NAME"

"""What an experiment may say, in upstream's words; what of it may change."""

from __future__ import annotations

import time
from copy import deepcopy
from typing import Any

import pytest

from kinds.katib.making import JOB, experiment, parameter, template
from kinds.toy import Toy
from sampan.kinds.katib.admit.webhook import RULES
from sampan.kube import names
from sampan.kube.errors import BadRequest
from sampan.kube.keys import Key, Manifest, key_of

RULE = RULES[names.KATIB_EXPERIMENT]
LABELS = {"katib.kubeflow.org/metrics-collector-injection": "enabled"}
OBJECTIVE = {"type": "minimize", "objectiveMetricName": "loss"}
DENIED = 'admission webhook "validator.experiment.katib.kubeflow.org" denied the request: '


def cluster(*known: Manifest, labels: dict[str, str] = LABELS) -> Toy:
    toy = Toy()
    about = {"name": "u", "labels": labels}
    namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": about}
    toy.objects = {Key(names.NAMESPACE, "", "u"): namespace}
    toy.objects |= {key_of(each): each for each in known}
    return toy


def refusal(manifest: Manifest, old: Manifest | None = None, at: Toy | None = None) -> str:
    """Why it is refused; "" when it is not."""
    new = deepcopy(manifest)
    assert RULE.default is not None
    assert RULE.admit is not None
    RULE.default(new)
    if old is not None:
        old = deepcopy(old)
        RULE.default(old)
    try:
        RULE.admit(at or cluster(), new, old)
    except BadRequest as fault:
        return fault.message.removeprefix(DENIED)
    return ""


def test_the_answer_is_that_of_a_webhook() -> None:
    assert RULE.admit is not None
    with pytest.raises(BadRequest, match=DENIED):
        RULE.admit(cluster(), experiment(objective=None), None)


def test_an_experiment_that_is_in_order() -> None:
    assert refusal(experiment()) == ""


def settings(document: str) -> Manifest:
    where = {"name": "katib-config", "namespace": "kubeflow"}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": where,
            "data": {"katib-config.yaml": document}}  # fmt: skip


@pytest.mark.parametrize(
    ("name", "right"),
    [
        ("a", True),
        ("a-1", True),
        ("a.b", True),
        ("1a", False),
        ("A", False),
        ("a" * 40, True),
        ("a" * 41, False),
    ],
)
def test_names(name: str, right: bool) -> None:
    """The end of upstream's pattern is open: so is ours."""
    fault = refusal(experiment(name))
    assert fault.startswith("metadata.name: Invalid value") is not right


@pytest.mark.parametrize(
    ("fields", "fault"),
    [
        (
            {"maxFailedTrialCount": -1},
            "spec.maxFailedTrialCount: Invalid value: -1: should not be less than 0",
        ),
        (
            {"maxTrialCount": 0, "parallelTrialCount": None},
            "spec.maxTrialCount: Invalid value: 0: must be greater than 0",
        ),
        (
            {"parallelTrialCount": 0},
            "spec.parallelTrialCount: Invalid value: 0: must be greater than 0",
        ),
        (
            {"maxFailedTrialCount": 5},
            "spec.maxFailedTrialCount: Invalid value: 5: should be less than or equal to "
            "spec.maxTrialCount",
        ),
        (
            {"parallelTrialCount": 5},
            "spec.parallelTrialCount: Invalid value: 5: should be less than or equal to "
            "spec.maxTrialCount",
        ),
        (
            {"maxTrialCount": 2000, "parallelTrialCount": 1001},
            "spec.parallelTrialCount: Invalid value: 1001: must be at most 1000",
        ),
        (
            {"maxTrialCount": 2**31},
            "spec.maxTrialCount: Invalid value: 2147483648: must be at most 2147483647",
        ),
        ({"objective": None}, "spec.objective: Required value: must be specified"),
        (
            {"objective": {**OBJECTIVE, "type": "up"}},
            'spec.objective.type: Invalid value: "up": must be minimize or maximize',
        ),
        (
            {"objective": {"type": "minimize"}},
            "spec.objective.objectiveMetricName: Required value: must be specified",
        ),
        (
            {"objective": {**OBJECTIVE, "additionalMetricNames": ["loss"]}},
            "should not contain spec.objective.objectiveMetricName",
        ),
        (
            {"objective": {**OBJECTIVE, "metricStrategies": [{"name": "loss", "value": "avg"}]}},
            'spec.objective.metricStrategies[0].value: Invalid value: "avg": must be one of min, '
            "max, latest",
        ),
        ({"algorithm": None}, "spec.algorithm: Required value: must be specified"),
        ({"algorithm": {}}, "spec.algorithm.algorithmName: Required value: must be specified"),
        (
            {"algorithm": {"algorithmName": "guess"}},
            'spec.algorithm.algorithmName: Invalid value: "guess": unable to get Suggestion '
            "config data for algorithm guess: failed to find suggestion config for algorithm: "
            "guess in ConfigMap: katib-config",
        ),
        (
            {"earlyStopping": {}},
            "spec.earlyStopping.algorithmName: Required value: must be specified",
        ),
        (
            {"earlyStopping": {"algorithmName": "never"}},
            "unable to get EarlyStopping config data for algorithm never",
        ),
        (
            {"resumePolicy": "Maybe"},
            'spec.resumePolicy: Invalid value: "Maybe": invalid ResumePolicyType',
        ),
        (
            {"parameters": None},
            "spec: Required value: spec.parameters or spec.nasConfig must be specified",
        ),
        ({"nasConfig": {}}, "only one of spec.parameters and spec.nasConfig can be specified"),
        (
            {"parallelTrialCount": "two"},
            "Expected `int | null`, got `str` - at `spec.parallelTrialCount`",
        ),
    ],
)
def test_fields(fields: dict[str, Any], fault: str) -> None:
    assert fault in refusal(experiment(**fields))


def test_equal_budgets_are_in_order() -> None:
    assert refusal(experiment(maxFailedTrialCount=4, parallelTrialCount=4)) == ""


def test_all_faults_are_told_at_once() -> None:
    fault = refusal(experiment(maxFailedTrialCount=-1, resumePolicy="Maybe"))
    assert fault.startswith("[spec.maxFailedTrialCount: ")
    assert fault.endswith("invalid ResumePolicyType]")


@pytest.mark.parametrize(
    ("given", "fault"),
    [
        (
            parameter(kind="real"),
            'spec.parameters[0].parameterType: Invalid value: "real": parameterType: real is not '
            "supported",
        ),
        (
            parameter(min="1", max="2", distribution="flat"),
            "feasibleSpace.distribution: Invalid value",
        ),
        (
            parameter(min="1", max="2", list=["1"]),
            "feasibleSpace.list is not supported for parameterType: double",
        ),
        (
            parameter(kind="int", step="1"),
            "feasibleSpace.max: Required value: feasibleSpace.max or feasibleSpace.min must be "
            "specified for parameterType: int",
        ),
        (
            parameter(kind="categorical", list=["a"], max="1"),
            "feasibleSpace .max, .min and .step is not supported for parameterType: categorical",
        ),
        (
            parameter(min=0.1, max=1),
            "Expected `str | null`, got `float` - at `spec.parameters[0].feasibleSpace.min`",
        ),
    ],
)
def test_parameters(given: dict[str, Any], fault: str) -> None:
    assert fault in refusal(experiment(parameters=[given]))


# -- templates ------------------------------------------------------------------------------------
def in_map(**fields: str) -> dict[str, Any]:
    source = {"configMapName": "c", "configMapNamespace": "u", "templatePath": "t", **fields}
    return template(trialSpec=None, configMap=source, successCondition="a", failureCondition="b")


def listed(*pairs: tuple[str, str]) -> dict[str, Any]:
    return template(trialParameters=[{"name": a, "reference": b} for a, b in pairs])


@pytest.mark.parametrize(
    ("given", "fault"),
    [
        (None, "spec.trialTemplate: Required value: must be specified"),
        (
            template(primaryContainerName=None),
            "spec.trialTemplate.primaryContainerName: Required value: must be specified",
        ),
        (
            template(trialSpec={**JOB, "kind": "Workflow"}),
            "spec.trialTemplate: Required value: successCondition and failureCondition must be "
            "specified",
        ),
        (
            template(successCondition="status.@reverse"),
            "spec.trialTemplate.successCondition: Invalid value",
        ),
        (
            template(trialParameters=None),
            "spec.trialTemplate.trialParameters: Required value: must be specified",
        ),
        (
            template(trialSpec=None, successCondition="a", failureCondition="b"),
            "spec.trialTemplate.TrialSource: Required value",
        ),
        (
            {**in_map(), "trialSpec": JOB},
            "only one of spec.trialTemplate.trialSpec or spec.trialTemplate.configMap can be "
            "specified",
        ),
        (
            in_map(templatePath=""),
            "spec.trialTemplate.configMap: Required value: configMapName, configMapNamespace and "
            "templatePath must be specified",
        ),
        (in_map(), "unable to parse spec.trialTemplate: configMap not found"),
        (listed(("x", "")), "spec.trialTemplate.trialParameters[0]: Invalid value"),
        (listed(("{x}", "x")), "name must not contain '{' or '}'"),
        (listed(("x", "x"), ("x", "y")), "parameter name x can't be duplicated"),
        (listed(("x", "x"), ("y", "x")), "parameter reference x can't be duplicated"),
        (listed(("x", "y")), "parameter reference y does not exist in spec.parameters: x"),
        (
            listed(("x", "x"), ("z", "${trialSpec.Name}")),
            "parameter name: z in spec.trialParameters not found in spec.trialTemplate",
        ),
        (
            listed(),
            "parameters: [${trialParameters.x}] in spec.trialTemplate not found in "
            "spec.trialParameters",
        ),
        (
            template(trialSpec={**JOB, "metadata": {"name": "j"}}),
            "metadata.name and metadata.namespace in spec.trialTemplate must be omitted",
        ),
        (
            template(trialSpec={**JOB, "apiVersion": ""}),
            "APIVersion and Kind in spec.trialTemplate must be specified",
        ),
    ],
)
def test_templates(given: Any, fault: str) -> None:
    assert fault in refusal(experiment(trialTemplate=given))


def test_metadata_may_be_referred_to() -> None:
    job = {**JOB, "metadata": {"annotations": {"of": "${trialParameters.name}"}}}
    fields = template(
        trialSpec=job,
        trialParameters=[
            {"name": "x", "reference": "x"},
            {"name": "name", "reference": "${trialSpec.Name}"},
        ],
    )
    assert refusal(experiment(trialTemplate=fields)) == ""


def test_templates_of_config_maps_are_read() -> None:
    text = "apiVersion: batch/v1\nkind: Job\nx: ${trialParameters.x}\n"
    known = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "c", "namespace": "u"}}
    at = cluster({**known, "data": {"t": text}})
    assert refusal(experiment(trialTemplate=in_map()), at=at) == ""
    at = cluster({**known, "data": {"t": text + "y: {'a': 1} b"}})
    assert "to unstructured" in refusal(experiment(trialTemplate=in_map()), at=at)


def many(count: int, **fields: str) -> dict[str, Any]:
    """An experiment with so many parameters."""
    names = [f"p{number}" for number in range(count)]
    container = {"name": "main", "image": "i", "args": [f"${{trialParameters.{n}}}" for n in names]}
    pod = {"spec": {"containers": [container], "restartPolicy": "Never"}}
    made = template(
        trialParameters=[{"name": name, "reference": name, **fields} for name in names],
        trialSpec={**JOB, "spec": {"template": pod}},
    )
    return experiment(parameters=[parameter(name) for name in names], trialTemplate=made)


def test_ten_thousand_parameters_are_read_in_a_moment() -> None:
    began = time.thread_time()
    assert refusal(many(10_000)) == ""
    assert time.thread_time() - began < 2.0


def test_of_ten_thousand_mistakes_some_are_told() -> None:
    said = refusal(many(10_000, reference="none"))
    assert said.startswith("[spec.trialTemplate.trialParameters[0].reference")
    assert len(said) < 1_000_000


GRANT = {
    "apiVersion": "rbac.authorization.k8s.io/v1",
    "kind": "RoleBinding",
    "metadata": {"annotations": {"x": "${trialParameters.x}"}},
    "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "admin"},
}


def test_trials_make_no_kinds_that_their_authors_might_not() -> None:
    asked = template(trialSpec=GRANT, successCondition="a", failureCondition="b")
    said = refusal(experiment(trialTemplate=asked))
    assert 'no trial may make kind "RoleBinding" in group "rbac.authorization.k8s.io"' in said
    document = "init: {controller: {trialResources: [RoleBinding.v1.rbac.authorization.k8s.io]}}"
    assert refusal(experiment(trialTemplate=asked), at=cluster(settings(document))) == ""


def test_what_is_in_a_job_is_read_by_the_server() -> None:
    assert RULE.contains is not None
    found = list(RULE.contains(cluster(), experiment()))
    assert [each.manifest["kind"] for each in found] == ["Job"]
    assert "test-value" in str(found[0].manifest)
    assert "invalid spec.trialTemplate: why" in found[0].refused("why").message
    other = template(trialSpec={**JOB, "kind": "Workflow"})
    assert not list(RULE.contains(cluster(), experiment(trialTemplate=other)))


def test_a_container_of_ones_own_is_read_by_the_server() -> None:
    assert RULE.contains is not None
    own = {"collector": {"kind": "Custom", "customCollector": {"name": 5}}}
    found = list(RULE.contains(cluster(), experiment(metricsCollectorSpec=own)))
    assert [each.manifest["kind"] for each in found] == ["Pod", "Job"]
    assert found[0].manifest["spec"] == {"containers": [{"name": 5}]}
    assert "collector.customCollector: why" in found[0].refused("why").message


# -- collectors -----------------------------------------------------------------------------------
def collector(kind: str, **source: Any) -> dict[str, Any]:
    return {"collector": {"kind": kind}, **({"source": source} if source else {})}


def path(**fields: str) -> dict[str, Any]:
    return {"fileSystemPath": fields}


TWO = ["(a)=(b)"]


@pytest.mark.parametrize(
    ("given", "fault"),
    [
        (collector("StdOut"), ""),
        (collector("Push"), ""),
        (collector("File"), ""),
        (collector("TensorFlowEvent"), ""),
        (collector("PrometheusMetric"), ""),
        (
            collector(
                "PrometheusMetric",
                httpGet={
                    "path": "/m?x=1",
                    "port": "9090",
                    "host": "localhost",
                    "scheme": "HTTPS",
                    "httpHeaders": [{"name": "Authorization", "value": "Bearer a"}],
                },
            ),
            "",
        ),
        (collector("StdOut", filter={"metricsFormat": TWO}), ""),
        (collector("None"), "invalid metrics collector kind: None"),
        (collector("File", **path(path="rel")), "file path where metrics file exists is required"),
        (
            collector("File", **path(kind="Directory")),
            "file path where metrics file exists is required",
        ),
        (
            collector("File", **path(format="CSV")),
            "format of metrics file is required for metrics collector",
        ),
        (
            collector("File", **path(format="JSON"), filter={}),
            "filter must be nil when format of metrics file is json",
        ),
        (
            collector("TensorFlowEvent", **path(path="rel")),
            "directory path where tensorflow event files exist is required",
        ),
        (
            collector("TensorFlowEvent", **path(format="TEXT")),
            'fileSystemPath.format: Invalid value: "TEXT": must be empty',
        ),
        (
            collector("PrometheusMetric", httpGet={"port": "web", "path": "m"}),
            "must be a positive integer value for metrics collector kind: PrometheusMetric",
        ),
        (
            collector("PrometheusMetric", httpGet={"path": "m"}),
            "path is invalid for metrics collector kind: PrometheusMetric",
        ),
        *(
            (collector("PrometheusMetric", httpGet=given), f"httpGet.{fault}")
            for given, fault in (
                ({"host": "10.0.0.1"}, 'host: Invalid value: "10.0.0.1": must be empty or'),
                ({"port": 65536}, 'port: Invalid value: "65536": must be between 1 and 65535'),
                ({"scheme": "GOPHER"}, 'scheme: Invalid value: "GOPHER": must be HTTP or HTTPS'),
                ({"path": "/a b"}, 'path: Invalid value: "/a b": must be of printable'),
                ({"httpHeaders": [{"name": "a:b"}]}, "httpHeaders[0].name: Invalid value"),
                (
                    {"httpHeaders": [{"name": "a", "value": "b\r\nc: d"}]},
                    "httpHeaders[0].value: Invalid value",
                ),
            )
        ),
        (
            collector("PrometheusMetric", filter={}),
            'source.filter: Invalid value: "": must be empty: metrics are found by their names',
        ),
        (
            collector("Custom"),
            "customCollector: Required value: metrics collector kind: Custom is required",
        ),
        (
            {"collector": {"kind": "Custom", "customCollector": {"name": "c"}}},
            "customCollector.image: Required value",
        ),
        (
            collector("Custom", **path(path="rel", kind="File")),
            ".spec.metricsCollectorSpec.source is invalid",
        ),
        (collector("File", filter={"metricsFormat": ["(a"]}), "invalid filter: "),
        (
            collector("File", filter={"metricsFormat": [r"(\w+): ((\d+,?)+)"]}),
            "a filter that repeats a repetition is not read",
        ),
        (
            collector("StdOut", filter={"metricsFormat": ["(a)"]}),
            "two top subexpressions are required",
        ),
    ],
)
def test_collectors(given: dict[str, Any], fault: str) -> None:
    found = refusal(experiment(metricsCollectorSpec=given))
    assert fault in found
    assert bool(found) == bool(fault)


@pytest.mark.parametrize(
    ("metric", "fault"),
    [
        ('loss{split="test"}', ""),
        ("Validation-accuracy", 'objectiveMetricName: Invalid value: "Validation-accuracy": '),
        ('loss{split="a;b"}', "must not contain ';'"),
    ],
)
def test_names_of_series(metric: str, fault: str) -> None:
    objective = {"type": "minimize", "objectiveMetricName": metric}
    given = experiment(objective=objective, metricsCollectorSpec=collector("PrometheusMetric"))
    found = refusal(given)
    assert fault in found
    assert bool(found) == bool(fault)
    own = "runtime: {metricsCollectors: [{kind: PrometheusMetric, image: prom:1}]}"
    assert refusal(given, at=cluster(settings(own))) == ""


# -- the cluster ----------------------------------------------------------------------------------
@pytest.mark.parametrize("labels", [{}, {next(iter(LABELS)): "disabled"}])
def test_the_namespace_has_to_be_open_for_experiments(labels: dict[str, str]) -> None:
    assert refusal(experiment(), at=cluster(labels=labels)) == (
        'Cannot create the Experiment "square" in namespace "u": the namespace lacks label '
        '"katib.kubeflow.org/metrics-collector-injection: enabled"'
    )


def test_algorithms_and_collectors_of_the_operators_own() -> None:
    given = experiment(
        algorithm={"algorithmName": "guess"},
        earlyStopping={"algorithmName": "never"},
        metricsCollectorSpec=collector("PrometheusMetric"),
    )
    document = (
        "runtime:\n  suggestions: [{algorithmName: guess, image: guess:1}]\n"
        "  earlyStoppings: [{algorithmName: never, image: never:1}]\n"
        "  metricsCollectors: [{kind: PrometheusMetric, image: prom:1}]\n"
    )
    assert refusal(given, at=cluster(settings(document))) == ""
    without = "runtime: {suggestions: [{algorithmName: guess}]}"
    assert "required value for image" in refusal(given, at=cluster(settings(without)))
    assert "failed to find" in refusal(given, at=cluster(settings("{")))


def test_a_volume_of_before_is_in_the_way() -> None:
    volume = {"apiVersion": "v1", "kind": "PersistentVolume",
              "metadata": {"name": "square-random-u"}}  # fmt: skip
    made = experiment(resumePolicy="FromVolume")
    assert "PV: square-random-u is not deleted" in refusal(made, at=cluster(volume))
    assert refusal(made, made, at=cluster(volume)) == ""


# -- changes --------------------------------------------------------------------------------------
def ended(reason: str = "ExperimentMaxTrialsReached", **spec: Any) -> Manifest:
    condition = {"type": "Succeeded", "status": "True", "reason": reason}
    return {**experiment(**spec), "status": {"conditions": [condition], "trials": 4}}


def test_the_budget_may_change() -> None:
    new = experiment(maxTrialCount=9, parallelTrialCount=3, maxFailedTrialCount=1)
    assert refusal(new, experiment()) == ""


def test_nothing_else_may_change() -> None:
    fault = refusal(
        experiment(algorithm={"algorithmName": "random", "algorithmSettings": []}), experiment()
    )
    assert fault == (
        "spec: Forbidden: only spec.parallelTrialCount, spec.maxTrialCount and "
        "spec.maxFailedTrialCount are editable"
    )


def test_more_trials_than_there_are() -> None:
    old = {**experiment(), "status": {"trials": 4}}
    fault = "spec.maxTrialCount: Invalid value: 4: must be greater than status.trials count"
    assert refusal(experiment(maxFailedTrialCount=1), old) == fault
    assert refusal(experiment(), old) == "", "what does not change the spec is no restart"


def test_what_ended_goes_on_only_if_its_search_was_kept() -> None:
    again = {"maxTrialCount": 9}
    for policy in ("LongRunning", "FromVolume"):
        assert refusal(experiment(resumePolicy=policy, **again), ended(resumePolicy=policy)) == ""
    assert "Experiment can be restarted if" in refusal(experiment(**again), ended())
    reached = ended("ExperimentGoalReached", resumePolicy="LongRunning")
    new = experiment(resumePolicy="LongRunning", **again)
    assert "Experiment can be restarted if" in refusal(new, reached)


def test_who_holds_what_is_deleted_may_let_go() -> None:
    going = experiment(objective=None)
    going["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z"
    assert refusal(going, going) == ""


@pytest.mark.parametrize("held", [{"suspend": True}, {"shutdown": "Stop"}])
def test_what_is_searched_may_be_held_whatever_its_budget(held: dict[str, Any]) -> None:
    old = {**experiment(), "status": {"trials": 4}}
    assert refusal(experiment(**held), old) == ""
    assert refusal(experiment(), {**experiment(**held), "status": {"trials": 4}}) == ""
    for over in (ended(), ended(resumePolicy="LongRunning")):
        new = {**over["spec"], **held}
        fault = "spec: Forbidden: the Experiment has ended, and cannot be suspended or shut down"
        assert refusal(experiment(**new), over) == fault


def test_how_to_shut_down() -> None:
    for word in ("Stop", "Terminate"):
        assert refusal(experiment(shutdown=word)) == ""
    assert refusal(experiment(shutdown="now")) == (
        'spec.shutdown: Unsupported value: "now": supported values: "Stop", "Terminate"'
    )
    assert "suspend" in refusal(experiment(suspend="yes"))

"""Pods of trials at admission. Re-expressed from upstream's inject_webhook_test.go."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import pytest

from kinds.toy import Toy
from sampan.kinds.katib.pods.webhook import RULES
from sampan.kube import katib, names
from sampan.kube.errors import BadRequest, InternalError
from sampan.kube.keys import Key, Manifest, key_of

LABELS = {names.LABEL_KATIB_EXPERIMENT: "exp", "team": "a"}
STDOUT = {"collector": {"kind": "StdOut"}}


def trial(**spec: Any) -> Manifest:
    given = {
        "objective": {"type": "maximize", "objectiveMetricName": "accuracy",
                      "additionalMetricNames": ["loss"]},
        "metricsCollector": STDOUT,
        "primaryContainerName": "main",
        **spec,
    }  # fmt: skip
    return {
        "apiVersion": "kubeflow.org/v1beta1",
        "kind": "Trial",
        "metadata": {"name": "exp-1", "namespace": "u", "labels": LABELS},
        "spec": {field: value for field, value in given.items() if value is not None},
    }


def owner(manifest: Manifest) -> dict[str, Any]:
    about = {"name": manifest["metadata"]["name"], "uid": f"uid of {manifest['kind']}"}
    return {"apiVersion": manifest["apiVersion"], "kind": manifest["kind"], **about}


def owned(api: str, kind: str, above: Manifest, name: str = "exp-1") -> Manifest:
    about = {"name": name, "namespace": "u", "ownerReferences": [owner(above)]}
    return {"apiVersion": api, "kind": kind, "metadata": about}


def pod(above: Manifest, **container: Any) -> Manifest:
    main = {"name": "main", "image": "i", "command": ["python", "a.py"], "args": ["--lr=1"]}
    made = owned("v1", "Pod", above, "exp-1-x")
    return {**made, "spec": {"containers": [main | container, {"name": "other", "image": "i"}]}}


class World(Toy):
    def __init__(self, *objects: Manifest, label: str = "enabled", **settings: str) -> None:
        super().__init__()
        home = {"name": "u", "labels": {names.LABEL_COLLECTS_METRICS: label}}
        listed = [{"name": name, "value": value} for name, value in settings.items()]
        algorithm = {"algorithmName": "pbt", "algorithmSettings": listed}
        about = {
            "apiVersion": "kubeflow.org/v1beta1",
            "metadata": {"name": "exp", "namespace": "u"},
        }
        for each in (
            {"apiVersion": "v1", "kind": "Namespace", "metadata": home},
            {**about, "kind": "Experiment"},
            {**about, "kind": "Suggestion", "spec": {"algorithm": algorithm}},
            *objects,
        ):
            self.objects[key_of(each)] = each

    def inject(self, manifest: Manifest) -> Manifest:
        given = deepcopy(manifest)
        inject = RULES[names.POD].inject
        assert inject is not None
        changed = inject(self, given)
        assert changed == (given != manifest)
        return given


def injected(spec: dict[str, Any] | None = None, **container: Any) -> Manifest:
    above = trial(**(spec or {}))
    job = owned("batch/v1", "Job", above)
    return World(above, job).inject(pod(job, **container))


def by_name(manifest: Manifest) -> dict[str, dict[str, Any]]:
    return {each["name"]: each for each in manifest["spec"]["containers"]}


def test_a_pod_of_a_trial_is_read() -> None:
    found = injected()
    assert found["metadata"]["labels"] == {**LABELS, names.LABEL_TRIAL: "exp-1"}
    spec, there = found["spec"], by_name(found)
    assert spec["shareProcessNamespace"] is True
    assert spec["volumes"] == [{"name": "metrics-volume", "emptyDir": {}}]
    mount = {"name": "metrics-volume", "mountPath": "/var/log/katib"}
    assert there["main"]["volumeMounts"] == there["metrics-logger-and-collector"]["volumeMounts"]
    assert there["main"]["volumeMounts"] == [mount]
    assert there["other"] == {"name": "other", "image": "i"}
    assert there["main"]["command"] == ["sh", "-c"]
    assert there["main"]["args"] == [
        "python a.py --lr=1 1>/var/log/katib/metrics.log 2>&1"
        " && echo completed > /var/log/katib/$$$$.pid"
    ]
    field = {"fieldRef": {"fieldPath": "metadata.labels['katib.kubeflow.org/trial']"}}
    assert there["main"]["env"] == [{"name": "KATIB_TRIAL_NAME", "valueFrom": field}]


def test_the_collector_is_upstreams() -> None:
    collector = by_name(injected())["metrics-logger-and-collector"]
    assert collector["image"] == "ghcr.io/kubeflow/katib/file-metrics-collector:latest"
    assert collector["imagePullPolicy"] == "IfNotPresent"
    assert collector["resources"]["requests"] == {
        "cpu": "50m", "memory": "10Mi", "ephemeral-storage": "500Mi"
    }  # fmt: skip
    assert collector["args"] == [
        "-t", "exp-1", "-m", "accuracy;loss", "-o-type", "maximize",
        "-s-db", "katib-db-manager.kubeflow:6789",
        "-path", "/var/log/katib/metrics.log", "-format", "TEXT",
    ]  # fmt: skip
    assert katib.collector_of(collector) == "file"


def collector(kind: str, **source: Any) -> dict[str, Any]:
    return {"collector": {"kind": kind}, **({"source": source} if source else {})}


FILTERS = ["{mn1: ([a-b]), mv1: [0-9]}", "{mn2: ([a-b]), mv2: ([0-9])}"]


@pytest.mark.parametrize(
    ("given", "rules", "args"),
    [
        (collector("File", fileSystemPath={"path": "/t/p", "format": "TEXT"},
                   filter={"metricsFormat": FILTERS}), None,
         ["-path", "/t/p", "-f", ";".join(FILTERS), "-format", "TEXT"]),
        (collector("File", fileSystemPath={"path": "/t/p", "format": "JSON"}), None,
         ["-path", "/t/p", "-format", "JSON"]),
        (collector("TensorFlowEvent", fileSystemPath={"path": "/t"}), None, ["-path", "/t"]),
        (STDOUT, [{"name": "accuracy", "value": "0.6", "comparison": "less", "startStep": 5},
                  {"name": "loss", "value": "2", "comparison": "greater"}],
         ["-path", "/var/log/katib/metrics.log", "-format", "TEXT",
          "-stop-rule", "accuracy;0.6;less;5", "-stop-rule", "loss;2;greater;0",
          "-s-earlystop", "exp-pbt.u:6788"]),
    ],
)  # fmt: skip
def test_arguments_of_the_collector(
    given: dict[str, Any], rules: list[Any] | None, args: list[str]
) -> None:
    found = injected({"metricsCollector": given, "earlyStoppingRules": rules})
    assert found["spec"]["containers"][-1]["args"][8:] == args


GET = {"path": "/metrics", "port": 8080, "httpHeaders": [{"name": "A", "value": "b"}]}


def test_a_program_that_is_asked_leaves_a_mark_too() -> None:
    found = injected({"metricsCollector": collector("PrometheusMetric", httpGet=GET)})
    there = by_name(found)
    assert there["metrics-collector"]["args"][8:] == [
        "-path", "/var/log/katib", "-url", "http://localhost:8080/metrics", "-header", "A: b"
    ]  # fmt: skip
    assert katib.collector_of(there["metrics-collector"]) == "prometheus"
    assert there["main"]["args"] == [
        "python a.py --lr=1 && echo completed > /var/log/katib/$$$$.pid"
    ]


def test_an_image_of_the_operators_own_is_asked_as_upstream_would() -> None:
    above = trial(metricsCollector=collector("PrometheusMetric", httpGet=GET))
    document = "runtime: {metricsCollectors: [{kind: PrometheusMetric, image: prom:1}]}"
    settings = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "katib-config", "namespace": "kubeflow"},
        "data": {"katib-config.yaml": document},
    }
    job = owned("batch/v1", "Job", above)
    there = by_name(World(above, job, settings).inject(pod(job)))
    assert there["metrics-collector"]["image"] == "prom:1"
    assert there["metrics-collector"]["args"][8:] == []
    assert there["main"]["command"] == ["python", "a.py"]
    assert katib.collector_of(there["metrics-collector"]) == ""


def test_a_trial_that_may_be_stopped_has_a_command_for_it() -> None:
    rule = {"name": "accuracy", "value": "0.6", "comparison": "less"}
    (script,) = by_name(injected({"earlyStoppingRules": [rule]}))["main"]["args"]
    assert "|| if test -f /var/log/katib/$$$$.pid && [ $(head -n 1 /var/log/katib/$$.pid)" in script


def test_a_collector_of_the_users_own_runs_as_it_is() -> None:
    own = {"name": "mine", "image": "c", "args": ["x"]}
    place = {"path": "/a/b.log", "kind": "File"}
    given = {
        "collector": {"kind": "Custom", "customCollector": own},
        "source": {"fileSystemPath": place},
    }
    there = by_name(injected({"metricsCollector": given}))
    mount = {"name": "metrics-volume", "mountPath": "/a"}
    assert there["mine"] == {**own, "volumeMounts": [mount]}
    assert there["main"]["volumeMounts"] == [mount]
    assert there["main"]["command"] == ["python", "a.py"]


def test_a_program_that_reports_itself_has_its_name_only() -> None:
    found = injected({"metricsCollector": collector("Push")})
    assert list(by_name(found)) == ["main", "other"]
    assert found["metadata"]["labels"][names.LABEL_TRIAL] == "exp-1"
    assert by_name(found)["main"]["env"][0]["name"] == "KATIB_TRIAL_NAME"
    assert by_name(found)["main"]["command"] == ["python", "a.py"]


@pytest.mark.parametrize(
    ("asked", "given", "primary"),
    [
        ({"a": "1", "b": "2"}, {"a": "1", "b": "2", "c": "3"}, True),
        ({"a": "1", "b": "2"}, {"a": "1"}, False),
        ({"a": "1"}, {"a": "x"}, False),
        (None, {}, True),
        ({}, {}, True),
    ],
)
def test_only_primary_pods_are_read(
    asked: dict[str, str] | None, given: dict[str, str], primary: bool
) -> None:
    above = trial(primaryPodLabels=asked)
    made = pod(above)
    made["metadata"]["labels"] = given
    assert (len(by_name(World(above).inject(made))) == 3) == primary


def test_owners_are_followed_whatever_they_are() -> None:
    above = trial()
    other = {"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "j", "namespace": "u"}}
    workflow = owned("argoproj.io/v1alpha1", "Workflow", above)
    step = owned("example.com/v1", "Step", workflow, "s")
    made = pod(other)
    made["metadata"]["ownerReferences"].append(owner(step))
    world = World(above, other, workflow, step)
    assert len(by_name(world.inject(made))) == 3
    assert world.inject(pod(other)) == pod(other)


def test_owners_in_a_circle_end() -> None:
    one = owned("a.com/v1", "A", {**trial(), "kind": "B", "apiVersion": "b.com/v1"})
    two = owned("b.com/v1", "B", one)
    assert World(one, two).inject(pod(one)) == pod(one)


def test_other_namespaces_are_left_alone() -> None:
    above = trial()
    assert World(above, label="disabled").inject(pod(above)) == pod(above)


def test_the_directory_of_an_algorithm_is_mounted() -> None:
    above = trial()
    world = World(above, suggestion_trial_dir="/opt/ckpt")
    found = world.inject(pod(above))
    claim = {"persistentVolumeClaim": {"claimName": "exp-pbt"}}
    assert found["spec"]["volumes"][0] == {"name": "suggestion-volume", **claim}
    mount = {"name": "suggestion-volume", "mountPath": "/opt/ckpt", "subPath": "exp/exp-1"}
    assert by_name(found)["main"]["volumeMounts"][0] == mount
    assert "initContainers" not in found["spec"]


def test_the_checkpoint_of_a_parent_is_copied_by_the_program_s_own_image() -> None:
    above = trial()
    above["metadata"]["labels"] = {**LABELS, names.LABEL_PARENT: "exp-0"}
    found = World(above, suggestion_trial_dir="/opt/ckpt").inject(pod(above, image="mine"))
    (heir,) = found["spec"]["initContainers"]
    assert (heir["image"], heir["command"][:2]) == ("mine", ["sh", "-c"])
    parent, own = heir["volumeMounts"]
    assert (parent["subPath"], parent["readOnly"]) == ("exp/exp-0", True)
    assert own["subPath"] == "exp/exp-1"
    assert heir["command"][2] == f"cp -a {parent['mountPath']}/. {own['mountPath']}/"


def test_a_parent_without_checkpoints_is_a_label_only() -> None:
    above = trial()
    above["metadata"]["labels"] = {**LABELS, names.LABEL_PARENT: "exp-0"}
    assert "initContainers" not in World(above).inject(pod(above))["spec"]


@pytest.mark.parametrize(
    ("spec", "said"),
    [
        ({"primaryContainerName": "train"},
         "Unable to find primary container train in mutated pod containers [main other]"),
        ({"metricsCollector": collector("File")}, "needs source.fileSystemPath.path"),
        ({"metricsCollector": collector("PrometheusMetric")},
         "needs source.httpGet.port and path"),
        ({"metricsCollector": collector("Guess")},
         "failed to find metrics collector config for kind: Guess"),
        ({"objective": None}, "spec.objective must be specified"),
        ({"metricsCollector": {"collector": {"kind": "Custom",
                                             "customCollector": {"name": "other"}}}},
         "a container has the name of the collector: other"),
        ({"metricsCollector": collector("File", fileSystemPath={"path": "/out.log"})},
         "a volume for metrics in / would hide the files of the program"),
        ({"primaryPodLabels": 5}, "Expected `object"),
    ],
)  # fmt: skip
def test_a_pod_that_cannot_be_read_is_refused(spec: dict[str, Any], said: str) -> None:
    with pytest.raises(BadRequest) as refused:
        injected(spec)
    assert "mutator.pod.katib.kubeflow.org" in refused.value.message
    assert said in refused.value.message


def test_a_volume_in_the_way_is_told_of() -> None:
    mount = {"name": "data", "mountPath": "/var/log/katib"}
    with pytest.raises(BadRequest, match="container main has a volume at /var/log/katib, where"):
        injected(volumeMounts=[mount])


@pytest.mark.parametrize(
    ("kind", "path", "place"),
    [
        ("File", "/m/../n//out.log", "/n"),
        ("File", "/m/out.log", "/m"),
        ("TensorFlowEvent", "/m/../n/", "/n"),
        ("TensorFlowEvent", "/m/", "/m/"),
    ],
)
def test_where_metrics_lie(kind: str, path: str, place: str) -> None:
    given = collector(kind, fileSystemPath={"path": path, "format": "TEXT"})
    found = by_name(injected({"metricsCollector": given}))["main"]
    assert [each["mountPath"] for each in found["volumeMounts"]] == [place]
    assert f"> {place.rstrip('/')}/$$$$.pid" in found["args"][0]


def test_a_trial_that_is_gone_has_no_pods() -> None:
    above = trial()
    with pytest.raises(InternalError, match='"exp-1" not found'):
        World().inject(pod(above))
    world = World(above)
    del world.objects[Key(names.SUGGESTION, "u", "exp")]
    with pytest.raises(BadRequest, match=r'suggestions.kubeflow.org "exp" not found'):
        world.inject(pod(above))

"""Metrics of trials by Katib's own SDK, and what gRPC's own library sees of our services.

Runs in the SDK's environment, with `grpc_proxy` as `sampan env` says. Prints `ok NAME` for each
fact that held. Usage: python metrics_tour.py NAMESPACE
"""

import sys
import time

import grpc
import pytest
from google.protobuf.descriptor_pool import DescriptorPool
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import (
    ProtoReflectionDescriptorDatabase,
)
from kubeflow.katib import KatibClient, katib_api_pb2, katib_api_pb2_grpc
from kubeflow.katib.constants import constants

NAMESPACE = sys.argv[1]
CLIENT = KatibClient(namespace=NAMESPACE)
REPORT = """
import kubeflow.katib as katib
for step in range(3):
    katib.report_metrics({"loss": 1 / (step + 1), "accuracy": step})
"""


def ok(name):
    print("ok", name, flush=True)


def trial(name, **pod):
    """One whose program reports by itself."""
    metrics = ({"name": "loss", "value": "min"}, {"name": "accuracy", "value": "latest"})
    container = {
        "name": "main",
        "image": "katib-sdk",
        "command": ["python", "-c", REPORT],
        "env": [{"name": "KATIB_TRIAL_NAME", "value": name}],
    }
    template = {"spec": {"restartPolicy": "Never", "containers": [container], **pod}}
    return {
        "apiVersion": "kubeflow.org/v1beta1",
        "kind": "Trial",
        "metadata": {"name": name, "namespace": NAMESPACE},
        "spec": {
            "objective": {
                "type": "minimize",
                "objectiveMetricName": "loss",
                "additionalMetricNames": ["accuracy"],
                "metricStrategies": list(metrics),
            },
            "parameterAssignments": [],
            "metricsCollector": {"collector": {"kind": "Push"}},
            "primaryContainerName": "main",
            "successCondition": 'status.conditions.#(type=="Complete")#|#(status=="True")#',
            "failureCondition": 'status.conditions.#(type=="Failed")#|#(status=="True")#',
            "runSpec": {
                "apiVersion": "batch/v1",
                "kind": "Job",
                "spec": {"backoffLimit": 0, "template": template},
            },
        },
    }


def played(name, **pod):
    """The Trial when it is over."""
    where = ("kubeflow.org", "v1beta1", NAMESPACE, "trials")
    CLIENT.custom_api.create_namespaced_custom_object(*where, trial(name, **pod))
    end = time.monotonic() + 60
    while time.monotonic() < end:
        found = CLIENT.custom_api.get_namespaced_custom_object(*where, name)
        types = {
            each["type"]
            for each in found.get("status", {}).get("conditions", ())
            if each["status"] == "True"
        }
        if types & {"Succeeded", "Failed", "MetricsUnavailable"}:
            return found
        time.sleep(0.1)
    raise AssertionError(found)


def metrics(name, **pod):
    found = played(name, **pod)
    said = {each["name"]: each for each in found["status"]["observation"]["metrics"]}
    assert (said["loss"]["min"], said["loss"]["max"]) == (str(1 / 3), "1.0"), found
    assert said["accuracy"]["latest"] == "2"
    log = CLIENT.get_trial_metrics(name)
    assert [each.metric.value for each in log if each.metric.name == "accuracy"] == ["0", "1", "2"]


def reflection(channel):
    """Every message that the SDK knows is the same here."""
    database = ProtoReflectionDescriptorDatabase(channel)
    services = {"api.v1.beta1." + name for name in ("DBManager", "Suggestion", "EarlyStopping")}
    assert services <= set(database.get_services()), database.get_services()
    pool = DescriptorPool(database)
    for name, service in katib_api_pb2.DESCRIPTOR.services_by_name.items():
        ours = pool.FindServiceByName(f"api.v1.beta1.{name}")
        assert [each.name for each in ours.methods] == [each.name for each in service.methods]
    for name, message in katib_api_pb2.DESCRIPTOR.message_types_by_name.items():
        same(pool.FindMessageTypeByName(f"api.v1.beta1.{name}"), message)
    for name, enum in katib_api_pb2.DESCRIPTOR.enum_types_by_name.items():
        values = pool.FindEnumTypeByName(f"api.v1.beta1.{name}").values_by_name
        assert {each: values[each].number for each in values} == {
            each: enum.values_by_name[each].number for each in enum.values_by_name
        }


def same(ours, theirs):
    assert fields(ours) == fields(theirs), theirs.full_name
    assert set(ours.nested_types_by_name) == set(theirs.nested_types_by_name)
    for name, inner in theirs.nested_types_by_name.items():
        same(ours.nested_types_by_name[name], inner)


def fields(message):
    return {
        (
            each.number, each.name, each.type, each.label, each.json_name,
            each.message_type and each.message_type.full_name,
            each.enum_type and each.enum_type.full_name,
        )
        for each in message.fields
    }  # fmt: skip


def suggestions(channel):
    """As a controller of Katib asks for them, with all kinds of fields set."""
    pb = katib_api_pb2
    space = pb.FeasibleSpace(min="0.1", max="1", distribution=pb.LOG_UNIFORM)
    parameter = pb.ParameterSpec(name="lr", parameter_type=pb.DOUBLE, feasible_space=space)
    spec = pb.ExperimentSpec(
        parameter_specs=pb.ExperimentSpec.ParameterSpecs(parameters=[parameter]),
        objective=pb.ObjectiveSpec(type=pb.MINIMIZE, goal=0.1, objective_metric_name="loss"),
        algorithm=pb.AlgorithmSpec(algorithm_name="random"),
        max_trial_count=5,
    )
    stub = katib_api_pb2_grpc.SuggestionStub(channel)
    experiment = pb.Experiment(name="e", spec=spec)
    stub.ValidateAlgorithmSettings(pb.ValidateAlgorithmSettingsRequest(experiment=experiment))
    asked = pb.GetSuggestionsRequest(experiment=experiment, current_request_number=3)
    found = stub.GetSuggestions(asked).parameter_assignments
    values = [float(each.assignments[0].value) for each in found]
    assert len(set(values)) == 3
    assert all(0.1 <= value <= 1 for value in values)
    setting = spec.algorithm.algorithm_settings.add(name="nonsense", value="1")
    asked = pb.Experiment(name="e", spec=spec)
    with pytest.raises(grpc.RpcError) as refused:
        stub.ValidateAlgorithmSettings(pb.ValidateAlgorithmSettingsRequest(experiment=asked))
    assert refused.value.code() == grpc.StatusCode.INVALID_ARGUMENT
    assert setting.name in refused.value.details()


def main():
    metrics("networked")
    ok("report_metrics")
    metrics("hosted", hostNetwork=True)
    ok("report_metrics of a pod without a network of its own")
    channel = grpc.insecure_channel(constants.DEFAULT_DB_MANAGER_ADDRESS)
    health = health_pb2_grpc.HealthStub(channel).Check(health_pb2.HealthCheckRequest())
    assert health.status == health_pb2.HealthCheckResponse.SERVING
    ok("health")
    reflection(channel)
    ok("reflection")
    suggestions(channel)
    ok("suggestions")
    ok("all")


if __name__ == "__main__":
    main()

"""Every method of kfp.Client and of the generated clients behind it, one after the other."""

import json
import sys
from pathlib import Path

import kfp
import kfp_server_api as api
import pytest
import yaml
from kfp import compiler, dsl

HOST, TOKEN, PLACE = sys.argv[1:]
CLIENT = kfp.Client(host=HOST, existing_token=TOKEN)


@dsl.component
def double(number: int) -> int:
    print("doubling", number)
    return 2 * number


@dsl.component
def fail():
    raise SystemExit(3)


@dsl.pipeline(name="doubler", description="doubles")
def doubler(number: int = 21) -> int:
    return double(number=number).output


@dsl.pipeline(name="failer")
def failer():
    fail()


def experiments():
    name = "tour experiment"
    made = CLIENT.create_experiment(name, description="of the tour")
    assert CLIENT.create_experiment(name).experiment_id == made.experiment_id
    assert CLIENT.get_experiment(experiment_name=name).experiment_id == made.experiment_id
    assert CLIENT.get_experiment(experiment_id=made.experiment_id).description == "of the tour"
    listed = CLIENT.list_experiments(page_size=2, sort_by="created_at desc")
    # Both may be of one second, which has no order.
    assert {each.display_name for each in listed.experiments} == {name, "Default"}
    CLIENT.archive_experiment(made.experiment_id)
    assert CLIENT.get_experiment(made.experiment_id).storage_state == "ARCHIVED"
    CLIENT.unarchive_experiment(made.experiment_id)
    other = CLIENT.create_experiment("soon gone")
    CLIENT.delete_experiment(other.experiment_id)
    with pytest.raises(ValueError, match="No experiment is found"):
        CLIENT.get_experiment(experiment_name="soon gone")
    return made.experiment_id


def pipelines():
    package = f"{PLACE}/doubler.yaml"
    compiler.Compiler().compile(doubler, package)
    made = CLIENT.upload_pipeline(package, pipeline_name="tour pipeline", description="d")
    assert CLIENT.get_pipeline_id("tour pipeline") == made.pipeline_id
    assert CLIENT.get_pipeline_id("nobody") is None
    assert CLIENT.get_pipeline(made.pipeline_id).description == "d"
    by_function = CLIENT.upload_pipeline_from_pipeline_func(doubler, pipeline_name="by function")
    second = CLIENT.upload_pipeline_version(
        package, "two", pipeline_name="tour pipeline", description="second"
    )
    third = CLIENT.upload_pipeline_version_from_pipeline_func(
        doubler, "three", pipeline_id=made.pipeline_id
    )
    assert CLIENT.get_pipeline_version(made.pipeline_id, second.pipeline_version_id).description
    listed = CLIENT.list_pipeline_versions(made.pipeline_id, sort_by="name desc")
    assert [each.name for each in listed.pipeline_versions] == ["two", "tour pipeline", "three"]
    CLIENT.delete_pipeline_version(made.pipeline_id, third.pipeline_version_id)
    CLIENT.delete_pipeline_version(
        by_function.pipeline_id,
        CLIENT.list_pipeline_versions(by_function.pipeline_id)
        .pipeline_versions[0]
        .pipeline_version_id,
    )
    CLIENT.delete_pipeline(by_function.pipeline_id)
    names = [each.name for each in CLIENT.list_pipelines(page_size=10).pipelines]
    assert names == ["tour pipeline"]
    return made.pipeline_id, second.pipeline_version_id


def runs(experiment, pipeline, version):
    started = CLIENT.run_pipeline(
        experiment, "tour run", params={"number": 4}, pipeline_id=pipeline, version_id=version
    )
    done = CLIENT.wait_for_run_completion(started.run_id, timeout=60, sleep_duration=0.2)
    assert done.state == "SUCCEEDED", done.error
    assert done.pipeline_version_reference.pipeline_version_id == version
    assert {each.display_name for each in done.run_details.task_details} >= {"double"}
    CLIENT.terminate_run(started.run_id)
    CLIENT.archive_run(started.run_id)
    assert CLIENT.get_run(started.run_id).storage_state == "ARCHIVED"
    CLIENT.unarchive_run(started.run_id)
    by_package = CLIENT.create_run_from_pipeline_package(
        f"{PLACE}/doubler.yaml", arguments={"number": 5}, experiment_name="by package"
    )
    assert by_package.wait_for_run_completion(timeout=60).state == "SUCCEEDED"
    failed = CLIENT.create_run_from_pipeline_func(
        failer, arguments={}, experiment_id=experiment, enable_caching=False
    )
    assert failed.wait_for_run_completion(timeout=60).state == "FAILED"
    listed = CLIENT.list_runs(experiment_id=experiment, sort_by="created_at desc", page_size=1)
    assert (len(listed.runs), listed.total_size) == (1, 2)
    succeeded = {"operation": "EQUALS", "key": "state", "stringValue": "SUCCEEDED"}
    found = CLIENT.list_runs(
        experiment_id=experiment, filter=json.dumps({"predicates": [succeeded]})
    )
    assert [each.run_id for each in found.runs] == [started.run_id]
    CLIENT.runs.run_service_retry_run(failed.run_id)
    assert failed.wait_for_run_completion(timeout=60).state == "FAILED"
    CLIENT.delete_run(failed.run_id)
    refused(404, lambda: CLIENT.get_run(failed.run_id))
    return started.run_id


def recurring_runs(experiment, pipeline, version):
    made = CLIENT.create_recurring_run(
        experiment, "tour schedule", cron_expression="0 0 0 1 1 *", enabled=False,
        pipeline_id=pipeline, version_id=version, params={"number": 1},
    )  # fmt: skip
    id = made.recurring_run_id
    CLIENT.enable_recurring_run(id)
    assert CLIENT.get_recurring_run(id).status == "ENABLED"
    CLIENT.disable_recurring_run(id)
    assert CLIENT.get_recurring_run(id).status == "DISABLED"
    listed = CLIENT.list_recurring_runs(experiment_id=experiment)
    assert [each.display_name for each in listed.recurring_runs] == ["tour schedule"]
    CLIENT.delete_recurring_run(id)


def generated(pipeline):
    assert CLIENT.healthzs.healthz_service_get_healthz().multi_user is False
    assert CLIENT.get_kfp_healthz().multi_user is False
    both = api.V2beta1CreatePipelineAndVersionRequest(
        pipeline=api.V2beta1Pipeline(display_name="generated"),
        pipeline_version=api.V2beta1PipelineVersion(pipeline_spec=_documents()),
    )
    made = CLIENT.pipelines.pipeline_service_create_pipeline_and_version(both)
    assert CLIENT.pipelines.pipeline_service_get_pipeline_by_name("generated") == made
    refused(400, lambda: CLIENT.pipelines.pipeline_service_delete_pipeline(made.pipeline_id))
    CLIENT.pipelines.pipeline_service_delete_pipeline(made.pipeline_id, cascade=True)
    renamed = CLIENT.pipelines.pipeline_service_update_pipeline(
        pipeline, api.V2beta1Pipeline(display_name="Renamed", tags={"a": "b"})
    )
    assert (renamed.display_name, renamed.tags) == ("Renamed", {"a": "b"})
    refused(400, lambda: CLIENT.runs.run_service_list_runs(page_size=-1))


def _documents():
    return yaml.safe_load(Path(PLACE, "doubler.yaml").read_text())


def refused(code, ask):
    with pytest.raises(api.ApiException) as raised:
        ask()
    assert raised.value.status == code


def main():
    experiment = experiments()
    pipeline, version = pipelines()
    run = runs(experiment, pipeline, version)
    recurring_runs(experiment, pipeline, version)
    generated(pipeline)
    CLIENT.delete_run(run)
    CLIENT.delete_experiment(experiment)
    print("ok all")


main()

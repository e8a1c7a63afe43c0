"""ExecutorInput, and what becomes of commands."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kinds.pipelines.ir.making import RUN, artifact, dag, parameters, pipeline, task
from sampan.kinds.pipelines.ir import executor_input, locations
from sampan.kinds.pipelines.ir.faults import Unresolved
from sampan.kinds.pipelines.ir.filling import LONGEST
from sampan.kinds.pipelines.ir.placeholders import Placeholders
from sampan.kinds.pipelines.ir.resolve import Values

ROOT = locations.task_root(f"{RUN.pipeline_root}/?region=x", "p", "run-id", "it", "salt")
LOCAL = "/minio/mlpipeline/v2/artifacts/p/run-id/it/salt"
OUTPUTS = {
    "parameters": {"sum": {"parameterType": "NUMBER_INTEGER"}},
    "artifacts": {
        "model": {"artifactType": {"schemaTitle": "system.Model", "schemaVersion": "0.0.1"},
                  "metadata": {"k": "v"}},
    },
}  # fmt: skip
DEFAULT = {"parameterType": "STRING", "defaultValue": "d", "isOptional": True}


def built(inputs: Values, **definitions: Any) -> dict[str, Any]:
    component = {**parameters(**definitions), "outputDefinitions": OUTPUTS}
    read = pipeline(dag(it=task("comp")), comp=component)
    return executor_input.build(read.component("comp"), inputs, task_root=ROOT)


def placeholders(inputs: Values, **definitions: Any) -> Placeholders:
    return Placeholders(built(inputs, **definitions), inputs, RUN, "it", "task-id")


def test_a_program_is_told_inputs_defaults_and_where_outputs_go() -> None:
    given_ = Values(
        {"x": 1}, {"data": (artifact("data", metadata={"rows": 3}, digest="sha256:1"),)}
    )
    assert built(given_, x="NUMBER_INTEGER", y=DEFAULT) == {
        "inputs": {
            "parameterValues": {"x": 1, "y": "d"},
            "artifacts": {
                "data": {
                    "artifacts": [
                        {
                            "name": "data",
                            "type": {"schemaTitle": "system.Dataset", "schemaVersion": "0.0.1"},
                            "uri": "minio://mlpipeline/data",
                            "metadata": {"rows": 3},
                        }
                    ]
                }
            },
        },
        "outputs": {
            "parameters": {"sum": {"outputFile": "/tmp/kfp/outputs/sum"}},
            "artifacts": {
                "model": {
                    "artifacts": [
                        {
                            "name": "model",
                            "uri": f"{ROOT}/model",
                            "type": {"schemaTitle": "system.Model", "schemaVersion": "0.0.1"},
                            "metadata": {"k": "v"},
                        }
                    ]
                }
            },
            "outputFile": f"{LOCAL}/output_metadata.json",
        },
    }


def test_parameters_may_speak_of_others() -> None:
    reference = "{{$.inputs.parameters['channel']}}"
    found = built(Values({"channel": 1.5, "x": f"<{reference}>", "y": [{"z": reference}],
                          "channel2": reference}), x="STRING")  # fmt: skip
    assert found["inputs"]["parameterValues"] == {
        "channel": 1.5, "x": "<1.5>", "y": [{"z": "1.5"}], "channel2": "1.5",
    }  # fmt: skip


def test_parameters_may_not_make_each_other_endless() -> None:
    big = {"big": "x" * (LONGEST // 5), "x": "{{$.inputs.parameters['big']}}" * 1000}
    with pytest.raises(Unresolved, match=f"beyond {LONGEST}"):
        built(Values(big), x="STRING")


@pytest.mark.parametrize(
    "begun", ["{{$.inputs.parameters['", "{{$.inputs.artifacts['a", "{{$", "{{$.outputs."]
)
def test_placeholders_that_never_end_take_no_time(begun: str) -> None:
    text = begun * (2_000_000 // len(begun))
    began = time.process_time()
    assert placeholders(Values({"x": text})).text(text) == text
    assert time.process_time() - began < 5


def test_the_log_may_be_an_artifact() -> None:
    read = pipeline(dag(it=task("comp")), comp={})
    found = executor_input.build(
        read.component("comp"), Values(), task_root=ROOT, publish_logs=True
    )
    assert found["outputs"]["artifacts"]["executor-logs"]["artifacts"][0]["uri"].endswith(
        "/executor-logs"
    )


@pytest.mark.parametrize(
    ("template", "expected"),
    [
        ("plain {{item}}", "plain {{item}}"),
        ("a{{$.inputs.parameters['x']}}b{{$.inputs.parameters['y']}}", "a1bd"),
        ("{{$.inputs.parameters[''x'']}}", "1"),
        ("{{$.inputs.parameters['list']}}", '[1,"a"]'),
        ("{{$.inputs.parameters['null']}}", ""),
        ("{{$.inputs.artifacts['data'].uri}}", "minio://mlpipeline/data"),
        ("{{$.inputs.artifacts['data'].path}}", "/minio/mlpipeline/data"),
        ("{{$.inputs.artifacts['data'].name}}", "data"),
        ("{{$.inputs.artifacts['data'].metadata['rows']}}", "3"),
        ("{{$.inputs.artifacts['data'].metadata}}", '{"rows":3}'),
        ("{{$.inputs.artifacts['web'].path}}", "{{$.inputs.artifacts['web'].path}}"),
        ("{{$.inputs.artifacts['custom'].path}}", "/minio/mlpipeline/custom"),
        ("{{$.inputs.artifacts['absent'].path}}", "{{$.inputs.artifacts['absent'].path}}"),
        ("{{$.outputs.artifacts['model'].uri}}", f"{ROOT}/model"),
        ("{{$.outputs.artifacts['model'].path}}", f"{LOCAL}/model"),
        ("{{$.outputs.parameters['sum'].output_file}}", "/tmp/kfp/outputs/sum"),
        ("{{$.outputs.output_file}}", f"{LOCAL}/output_metadata.json"),
        ("{{$.pipeline_job_uuid}}-{{$.pipeline_task_uuid}}", "run-id-task-id"),
        ("{{$.inputs.parameters['tag']}}", "{{$.pipeline_job_uuid}}"),
    ],
)
def test_placeholders(template: str, expected: str) -> None:
    given_ = Values(
        {"x": 1, "list": [1, "a"], "null": None, "tag": "{{$.pipeline_job_uuid}}"},
        {
            "data": (artifact("data", metadata={"rows": 3}),),
            "web": (artifact("web", uri="https://x/y"),),
            "custom": (artifact("custom", customPath="/mnt/x"),),
        },
    )
    assert placeholders(given_, y=DEFAULT).text(template) == expected


def test_the_whole_input_is_json_and_may_be_escaped() -> None:
    made = placeholders(Values({"x": 'say "hi"'}))
    assert json.loads(made.text("{{$}}")) == built(Values({"x": 'say "hi"'}))
    quoted = made.text('{"payload": "{{$.json_escape[1]}}"}')
    assert json.loads(json.loads(quoted)["payload"]) == built(Values({"x": 'say "hi"'}))
    one = made.text("\"{{$.inputs.parameters['x'].json_escape[1]}}\"")
    assert json.loads(one) == 'say "hi"'


def test_a_list_of_artifacts_is_json() -> None:
    made = placeholders(Values({}, {"all": (artifact("one"), artifact("two"))}))
    found = json.loads(made.text("{{$.inputs.artifacts['all']}}"))
    assert [each["name"] for each in found] == ["one", "two"]


def if_present(name: str, then: Any, else_: Any = None) -> dict[str, Any]:
    return {"IfPresent": {"InputName": name, "Then": then, "Else": else_}}


X = "{{$.inputs.parameters['x']}}"


@pytest.mark.parametrize(
    ("structure", "words"),
    [
        pytest.param(if_present("x", ["--x", X], ["none"]), ["--x", "1"], id="then"),
        pytest.param(if_present("z", ["--z"], ["--no-z", X]), ["--no-z", "1"], id="else"),
        pytest.param(if_present("z", ["--z"]), [], id="no-else"),
        pytest.param(if_present("null", "a", "b"), ["b"], id="null"),
        pytest.param(if_present("y", "a", "b"), ["b"], id="default"),
        pytest.param(if_present("data", "a", "b"), ["a"], id="artifact"),
        pytest.param({"Concat": ["a-", X, "-b"]}, ["a-1-b"], id="concat"),
        pytest.param({"Concat": ["a", if_present("z", "z"), {"Concat": [X, X]}]}, ["a11"],
                     id="nested"),
        pytest.param(if_present("x", {"Concat": ["-", X]}), ["-1"], id="concat-in-then"),
        pytest.param(if_present("x", [if_present("z", "z", "no"), "e"]), ["no", "e"], id="in-list"),
    ],
)  # fmt: skip
def test_structures(structure: dict[str, Any], words: list[str]) -> None:
    made = placeholders(Values({"x": 1, "null": None}, {"data": (artifact("data"),)}), y=DEFAULT)
    assert made.words(["first", json.dumps(structure), "last"]) == ["first", *words, "last"]


@pytest.mark.parametrize(
    ("template", "message"),
    [
        pytest.param("{{$.inputs.parameters['absent']}}",
                     'parameter "absent" not found in executor input', id="absent"),
        pytest.param('{"IfPresent": [', "failed to parse IfPresent JSON", id="broken"),
        pytest.param('{"IfPresent": {"InputName": "x", "Then": 3}}', "unexpected type", id="type"),
        pytest.param('{"Concat": ' * 5000 + "[]" + "}" * 5000, "", id="deep"),
        pytest.param("{{$.inputs.parameters['big']}}" * 10, f"beyond {LONGEST}", id="bomb"),
    ],
)  # fmt: skip
def test_what_cannot_be_filled_in(template: str, message: str) -> None:
    made = placeholders(Values({"x": 1, "big": "x" * (LONGEST // 5)}))
    with pytest.raises(Unresolved) as caught:
        made.words([template])
    assert message in caught.value.message


@given(st.text(), st.text())
def test_what_is_inserted_is_never_read_again(value: str, around: str) -> None:
    if "{{$" in around or around.lstrip().startswith("{") or "{{$.inputs.parameters['" in value:
        return
    made = placeholders(Values({"x": value}))
    assert made.words([f"<{around}{X}{around}"]) == [f"<{around}{value}{around}"]


@pytest.mark.parametrize(
    ("uri", "metadata", "path"),
    [
        ("gs://b/k", {}, "/gcs/b/k"),
        ("s3://b/k", {}, "/s3/b/k"),
        ("oci://r/i:1", {}, "/oci/r_i:1/models"),
        ("/abs/path", {}, "/abs/path"),
        ("https://x", {}, ""),
        ("minio://b/k", {"_kfp_workspace": True}, "/kfp-workspace/.artifacts/minio/b/k"),
    ],
)
def test_where_a_program_finds_an_artifact(uri: str, metadata: dict[str, Any], path: str) -> None:
    assert locations.path_of({"uri": uri, "metadata": metadata}) == path

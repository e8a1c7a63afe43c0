"""Pipelines of the tests."""

from sampan.lib import yaml

SPEC = {
    "pipelineInfo": {"name": "hello"},
    "schemaVersion": "2.1.0",
    "sdkVersion": "kfp-2.17.0",
    "root": {"dag": {"tasks": {"t": {"componentRef": {"name": "c"}, "taskInfo": {"name": "t"}}}}},
    "components": {"c": {"executorLabel": "e"}},
    "deploymentSpec": {"executors": {"e": {"container": {"image": "busybox", "command": ["ls"]}}}},
}
TEXT = yaml.dump(SPEC).encode()
PLATFORM = {"platforms": {"kubernetes": {"deploymentSpec": {"executors": {}}}}}
_PARAMETERS = {
    "text": {"parameterType": "STRING"},
    "count": {"parameterType": "NUMBER_INTEGER", "defaultValue": 3},
}
WITH_PARAMETERS = {
    **SPEC,
    "root": {**SPEC["root"], "inputDefinitions": {"parameters": _PARAMETERS}},
}

"""What `kubectl explain experiment.spec` says of each field. Pure.

Descriptions only: the schema made of them refuses nothing and drops nothing, as upstream's, whose
CRDs say nothing at all; what a field may be is checked by `admit`. So types are told in words.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sampan.kube.keys import Manifest

_SPACE = "What values there are, as texts."
_PARAMETER = {
    "name": "Stands in trialTemplate.trialParameters as reference.",
    "parameterType": "double, int, discrete or categorical.",
    "feasibleSpace": _SPACE,
    "feasibleSpace.min": 'A text with a number, such as "0.01"; of double and int.',
    "feasibleSpace.max": "A text with a number; of double and int.",
    "feasibleSpace.step": "A text with a number; of double and int.",
    "feasibleSpace.list": "A list of texts; of discrete and categorical.",
    "feasibleSpace.distribution": "uniform (the default), logUniform, normal or logNormal.",
}
_ALGORITHM = {
    "algorithmName": "Its name; docs/algorithms.md has all of them with their settings.",
    "algorithmSettings": "A list.",
    "algorithmSettings.name": "Of the setting.",
    "algorithmSettings.value": "A text.",
}


def _below(field: str, said: Mapping[str, str]) -> dict[str, str]:
    return {f"{field}.{name}": text for name, text in said.items()}


EXPERIMENT: Mapping[str, str] = {
    "parameters": "A list: what is searched. Either this or nasConfig.",
    **_below("parameters", _PARAMETER),
    "objective": "What is measured.",
    "objective.type": "minimize or maximize.",
    "objective.goal": "A number; the Experiment has succeeded when a trial is as good.",
    "objective.objectiveMetricName": "The metric, as the collector finds it.",
    "objective.additionalMetricNames": "A list of other metrics that are kept.",
    "objective.metricStrategies": "A list: which of a metric's values counts.",
    "objective.metricStrategies.name": "Of the metric.",
    "objective.metricStrategies.value": "min, max or latest; by default the best.",
    "algorithm": "What searches.",
    **_below("algorithm", _ALGORITHM),
    "earlyStopping": "What ends trials that are worse than others: medianstop, median or asha.",
    **_below("earlyStopping", _ALGORITHM),
    "trialTemplate": "What a trial runs.",
    "trialTemplate.trialSpec": "An object of any kind that the cluster serves, such as a Job, with "
    "${trialParameters.NAME} in its texts.",
    "trialTemplate.configMap": "Where that object is written; instead of trialSpec.",
    "trialTemplate.configMap.configMapName": "Its name.",
    "trialTemplate.configMap.configMapNamespace": "Its namespace.",
    "trialTemplate.configMap.templatePath": "The key in its data.",
    "trialTemplate.trialParameters": "A list: what stands for ${trialParameters.NAME}.",
    "trialTemplate.trialParameters.name": "NAME.",
    "trialTemplate.trialParameters.description": "For people.",
    "trialTemplate.trialParameters.reference": "A parameter's name, or ${trialSpec.Name}, "
    "Namespace, Kind, APIVersion, Labels[KEY] or Annotations[KEY].",
    "trialTemplate.primaryContainerName": "The container whose metrics are read.",
    "trialTemplate.primaryPodLabels": "Labels of the pods whose metrics are read; by default all.",
    "trialTemplate.successCondition": "A gjson path in the object: there is something when the "
    "trial has succeeded. Known for Jobs and kinds of training.",
    "trialTemplate.failureCondition": "The same of a failure.",
    "trialTemplate.retain": "Whether the object and its pods stay when the trial has ended.",
    "parallelTrialCount": "Trials at once; 3 by default.",
    "maxTrialCount": "Trials after which the Experiment has succeeded.",
    "maxFailedTrialCount": "Failed trials from which on it has failed.",
    "metricsCollectorSpec": "Where metrics are read; by default what the program prints.",
    "metricsCollectorSpec.collector": "What reads them.",
    "metricsCollectorSpec.collector.kind": "StdOut, File, TensorFlowEvent, PrometheusMetric, "
    "Custom or Push.",
    "metricsCollectorSpec.collector.customCollector": "A container; of kind Custom.",
    "metricsCollectorSpec.source": "Where it looks.",
    "metricsCollectorSpec.source.fileSystemPath": "A file or directory.",
    "metricsCollectorSpec.source.fileSystemPath.path": "An absolute path in the container.",
    "metricsCollectorSpec.source.fileSystemPath.kind": "File or Directory.",
    "metricsCollectorSpec.source.fileSystemPath.format": "TEXT or JSON, of a File.",
    "metricsCollectorSpec.source.filter": "Another form of lines than name=value.",
    "metricsCollectorSpec.source.filter.metricsFormat": "A list of regular expressions with two "
    "groups, a name and a value.",
    "metricsCollectorSpec.source.httpGet": "What PrometheusMetric asks.",
    "metricsCollectorSpec.source.httpGet.path": "By default /metrics.",
    "metricsCollectorSpec.source.httpGet.port": "By default 8080.",
    "metricsCollectorSpec.source.httpGet.host": "Empty or localhost: always the pod.",
    "metricsCollectorSpec.source.httpGet.scheme": "HTTP or HTTPS.",
    "metricsCollectorSpec.source.httpGet.httpHeaders": "A list.",
    "metricsCollectorSpec.source.httpGet.httpHeaders.name": "Of the header.",
    "metricsCollectorSpec.source.httpGet.httpHeaders.value": "A text.",
    "nasConfig": "A network that is searched by enas or darts, instead of parameters.",
    "nasConfig.graphConfig": "Its size.",
    "nasConfig.graphConfig.numLayers": "A whole number.",
    "nasConfig.graphConfig.inputSizes": "A list of whole numbers.",
    "nasConfig.graphConfig.outputSizes": "A list of whole numbers.",
    "nasConfig.operations": "A list: what a layer may be.",
    "nasConfig.operations.operationType": "Such as convolution.",
    "nasConfig.operations.parameters": "A list, as spec.parameters.",
    **_below("nasConfig.operations.parameters", _PARAMETER),
    "resumePolicy": "Whether raising maxTrialCount goes on with what has ended: Never (the "
    "default), LongRunning or FromVolume.",
    "suspend": "While true no trials begin. Sampan's own.",
    "shutdown": "Stop ends it when the trials that run have ended, Terminate deletes them. "
    "Sampan's own.",
}
"""Of the fields of `spec`, by their paths."""


def experiment() -> Manifest:
    """The schema of an Experiment."""
    spec = _open("What is searched, how, and for how long.")
    for path, text in EXPERIMENT.items():
        at = spec
        for name in path.split(".")[:-1]:
            at = at["properties"][name]
        at.setdefault("properties", {})[path.rpartition(".")[2]] = _open(text)
    return {**_open("A search for the best parameters."), "type": "object",
            "properties": {"spec": spec}}  # fmt: skip


def _open(text: str) -> dict[str, Any]:
    return {"description": text, "x-kubernetes-preserve-unknown-fields": True}

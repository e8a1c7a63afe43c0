"""Katib: Experiment, Suggestion and Trial (kubeflow.org); OptimizationJob (trainer.kubeflow.org).

An Experiment asks its Suggestion for assignments and makes a Trial of each; a Trial makes what its
template says and judges it by its conditions and by the metrics that were reported. What searches
is `lib.search`, asked through `View.consult`: no pod is started for it. An OptimizationJob has an
Experiment of its own search.
Upstream: kubeflow/katib.
"""

from __future__ import annotations

from sampan.kinds.katib import crds, roles, words
from sampan.kinds.katib.admit import shapes, webhook
from sampan.kinds.katib.experiment.controller import EXPERIMENT
from sampan.kinds.katib.optimization.controller import OPTIMIZATION_JOB
from sampan.kinds.katib.pods import webhook as pods
from sampan.kinds.katib.suggestion.controller import SUGGESTION
from sampan.kinds.katib.trial.controller import TRIAL
from sampan.kube.component import Component

COMPONENT = Component(
    name="katib",
    controllers=(EXPERIMENT, SUGGESTION, TRIAL, OPTIMIZATION_JOB),
    crds=crds.load(),
    objects=roles.objects(),
    rules={**webhook.RULES, **shapes.RULES, **pods.RULES},
    figures=words.now,
)

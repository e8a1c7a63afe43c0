"""Katib: Experiment, Suggestion and Trial (kubeflow.org).

An Experiment asks its Suggestion for assignments and makes a Trial of each; a Trial makes what its
template says and judges it by its conditions and by the metrics that were reported. What searches
is `lib.search`, asked through `View.consult`: no pod is started for it.
Upstream: kubeflow/katib.
"""

from __future__ import annotations

from sampan.kinds.katib import crds, roles
from sampan.kube.component import Component

COMPONENT = Component(name="katib", crds=crds.load(), objects=roles.objects())

"""Workloads: Jobs, ReplicaSets, Deployments and StatefulSets.

Each controller is a pair of pure functions; pods come from `sampan.kube.podspec` and are run by a
node. DaemonSets, CronJobs, autoscalers and disruption budgets are not here.
Upstream: kubernetes pkg/controller and pkg/apis of the groups apps and batch.
"""

from __future__ import annotations

from sampan.kinds.workloads.admit import RULES
from sampan.kinds.workloads.cronjob import CRON_JOB
from sampan.kinds.workloads.deployment import DEPLOYMENT
from sampan.kinds.workloads.job import JOB, LEFT_BEHIND
from sampan.kinds.workloads.replicaset import REPLICA_SET
from sampan.kinds.workloads.statefulset import STATEFUL_SET
from sampan.kube.component import Component

COMPONENT = Component(
    name="workloads",
    controllers=(JOB, CRON_JOB, LEFT_BEHIND, REPLICA_SET, DEPLOYMENT, STATEFUL_SET),
    rules=RULES,
)

"""Workloads: what makes pods and keeps them: groups apps and batch, ReplicationControllers, and
what governs how many there are: budgets of disruption, autoscalers.

Each controller is a pair of pure functions; pods come from `sampan.kube.podspec` and are run by a
node. Upstream: kubernetes pkg/controller and pkg/apis of the groups apps and batch.
"""

from __future__ import annotations

from sampan.kinds.workloads.admit import RULES
from sampan.kinds.workloads.autoscaling.autoscaler import AUTOSCALER
from sampan.kinds.workloads.budget import BUDGET
from sampan.kinds.workloads.cronjob import CRON_JOB
from sampan.kinds.workloads.daemonset import DAEMON_SET
from sampan.kinds.workloads.deployment import DEPLOYMENT
from sampan.kinds.workloads.job import JOB, LEFT_BEHIND
from sampan.kinds.workloads.kin import ADOPTION
from sampan.kinds.workloads.replicaset import REPLICA_SET, REPLICATION_CONTROLLER
from sampan.kinds.workloads.statefulset import STATEFUL_SET
from sampan.kube.component import Component

COMPONENT = Component(
    name="workloads",
    controllers=(
        JOB,
        LEFT_BEHIND,
        CRON_JOB,
        REPLICA_SET,
        REPLICATION_CONTROLLER,
        DEPLOYMENT,
        STATEFUL_SET,
        DAEMON_SET,
        ADOPTION,
        BUDGET,
        AUTOSCALER,
    ),
    rules=RULES,
)

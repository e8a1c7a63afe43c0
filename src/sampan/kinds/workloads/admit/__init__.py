"""Admission of workloads: defaults and validation, one file per kind."""

from __future__ import annotations

from collections.abc import Mapping

from sampan.kinds.workloads.admit import (
    autoscaler,
    budget,
    cronjob,
    daemonset,
    deployment,
    job,
    replicaset,
    replicationcontroller,
    statefulset,
)
from sampan.kube import names
from sampan.kube.component import Rules

RULES: Mapping[str, Rules] = {
    names.JOB: job.RULES,
    names.CRON_JOB: cronjob.RULES,
    names.REPLICA_SET: replicaset.RULES,
    names.REPLICATION_CONTROLLER: replicationcontroller.RULES,
    names.DAEMON_SET: daemonset.RULES,
    names.POD_DISRUPTION_BUDGET: budget.RULES,
    names.HORIZONTAL_POD_AUTOSCALER: autoscaler.RULES,
    names.DEPLOYMENT: deployment.RULES,
    names.STATEFUL_SET: statefulset.RULES,
}

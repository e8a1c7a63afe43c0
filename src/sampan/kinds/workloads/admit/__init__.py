"""Admission of workloads: defaults and validation, one file per kind."""

from __future__ import annotations

from collections.abc import Mapping

from sampan.kinds.workloads.admit import cronjob, deployment, job, replicaset, statefulset
from sampan.kube import names
from sampan.kube.component import Rules

RULES: Mapping[str, Rules] = {
    names.JOB: job.RULES,
    names.CRON_JOB: cronjob.RULES,
    names.REPLICA_SET: replicaset.RULES,
    names.DEPLOYMENT: deployment.RULES,
    names.STATEFUL_SET: statefulset.RULES,
}

"""Short ways to write workloads."""

from __future__ import annotations

from typing import Any

from sampan.kube.keys import Key, Manifest

LABELS = {"app": "web"}


def pod_spec(image: str = "web:1", **fields: Any) -> dict[str, Any]:
    return {"containers": [{"name": "main", "image": image}], **fields}


def template(image: str = "web:1", **fields: Any) -> dict[str, Any]:
    return {"metadata": {"labels": dict(LABELS)}, "spec": pod_spec(image, **fields)}


def _made(api_version: str, kind: str, name: str, spec: dict[str, Any]) -> Manifest:
    return {
        "apiVersion": api_version,
        "kind": kind,
        "metadata": {"name": name, "namespace": "u"},
        "spec": spec,
    }


def job(**spec: Any) -> Manifest:
    body = {"template": {"spec": pod_spec(restartPolicy="Never")}, **spec}
    return _made("batch/v1", "Job", "j", body)


def cron_job(**spec: Any) -> Manifest:
    """A CronJob named `tick`, each minute."""
    job = {"template": {"spec": pod_spec(restartPolicy="Never")}}
    template = {"metadata": {"labels": {"from": "template"}}, "spec": job}
    body = {"schedule": "* * * * *", "jobTemplate": template, **spec}
    return _made("batch/v1", "CronJob", "tick", body)


def serving(kind: str, *, image: str = "web:1", **spec: Any) -> Manifest:
    """A ReplicaSet, Deployment or StatefulSet named `web`."""
    body = {"selector": {"matchLabels": dict(LABELS)}, "template": template(image), **spec}
    return _made("apps/v1", kind, "web", body)


def node(name: str, *, taints: tuple[str, ...] = (), **labels: str) -> Manifest:
    """A Node; `taints` are effects."""
    found = [{"key": "dedicated", "value": "x", "effect": effect} for effect in taints]
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {"name": name, "labels": labels},
        "spec": {"taints": found} if found else {},
    }


DAEMON_SET = Key("DaemonSet.apps", "u", "web")
CRON_JOB = Key("CronJob.batch", "u", "tick")
JOB = Key("Job.batch", "u", "j")
REPLICA_SET = Key("ReplicaSet.apps", "u", "web")
DEPLOYMENT = Key("Deployment.apps", "u", "web")
STATEFUL_SET = Key("StatefulSet.apps", "u", "web")

"""The same objects through the `kubernetes` client. Runs in the client's own environment.

Prints `ok NAME` for each fact that held; any exception ends it with a non-zero code.
Usage: python tour.py KUBECONFIG NAMESPACE
"""

import sys
import time

from kubernetes import client, config, utils, watch
from kubernetes.client.exceptions import ApiException
from kubernetes.stream import stream

LABELS = {"app": "tour"}


def container(*command):
    return {"name": "main", "image": "busybox", "command": list(command)}


def ok(name):
    print("ok", name, flush=True)


def until(check, seconds=30):
    """Poll as users of this client do; it has no wait."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if check():
            return
        time.sleep(0.05)
    raise AssertionError("never became true")


def field(answer, name):
    """Of a model (client 30), or of the plain object that client 37 gives for a deletion."""
    return answer[name] if isinstance(answer, dict) else getattr(answer, name)


def missing(read):
    try:
        read()
    except ApiException as error:
        return error.status == 404
    return False


def refusal(write):
    """What a write is refused with; "" when it is not."""
    try:
        write()
    except ApiException as error:
        return error.body if error.status == 403 else ""
    return ""


def config_maps(core, namespace):
    body = client.V1ConfigMap(
        metadata=client.V1ObjectMeta(name="c", labels=LABELS), data={"a": "1"}
    )
    core.create_namespaced_config_map(namespace, body)
    core.patch_namespaced_config_map("c", namespace, {"data": {"b": "2"}})
    found = core.read_namespaced_config_map("c", namespace)
    assert found.data == {"a": "1", "b": "2"}, found.data
    found.data = {"only": "this"}
    assert core.replace_namespaced_config_map("c", namespace, found).data == {"only": "this"}
    listed = core.list_namespaced_config_map(namespace, label_selector="app=tour")
    assert [item.metadata.name for item in listed.items] == ["c"]
    status = core.delete_namespaced_config_map("c", namespace)
    assert field(status, "status") == "Success", status
    assert missing(lambda: core.read_namespaced_config_map("c", namespace))
    ok("config maps")


def pods(core, namespace):
    body = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "p", "labels": LABELS},
        "spec": {
            "terminationGracePeriodSeconds": 1,
            "containers": [container("sh", "-c", "echo said; exec sleep 1000")],
        },
    }
    core.create_namespaced_pod(namespace, body)
    until(lambda: core.read_namespaced_pod_status("p", namespace).status.phase == "Running")
    until(lambda: core.read_namespaced_pod_log("p", namespace) == "said\n")
    said = stream(
        core.connect_get_namespaced_pod_exec, "p", namespace, command=["echo", "hi"],
        stdout=True, stderr=True, stdin=False, tty=False,
    )  # fmt: skip
    assert said == "hi\n", said
    ended = stream(
        core.connect_get_namespaced_pod_exec, "p", namespace, command=["sh", "-c", "exit 3"],
        stdout=True, stderr=True, stdin=False, tty=False, _preload_content=False,
    )  # fmt: skip
    ended.run_forever(timeout=10)
    assert ended.returncode == 3, ended.returncode
    deleted = core.delete_namespaced_pod("p", namespace)
    assert field(deleted, "kind") == "Pod", deleted
    ok("pods")


def workloads(namespace):
    apps, batch = client.AppsV1Api(), client.BatchV1Api()
    template = {
        "metadata": {"labels": LABELS},
        "spec": {"terminationGracePeriodSeconds": 1, "containers": [container("sleep", "1000")]},
    }
    spec = {"replicas": 1, "selector": {"matchLabels": LABELS}, "template": template}
    apps.create_namespaced_deployment(namespace, {"metadata": {"name": "d"}, "spec": spec})
    until(lambda: apps.read_namespaced_deployment("d", namespace).status.ready_replicas == 1)
    apps.patch_namespaced_deployment_scale("d", namespace, {"spec": {"replicas": 2}})
    until(lambda: apps.read_namespaced_deployment("d", namespace).status.ready_replicas == 2)
    apps.delete_namespaced_deployment("d", namespace)
    apps.create_namespaced_stateful_set(
        namespace, {"metadata": {"name": "s"}, "spec": {**spec, "serviceName": "s"}}
    )
    until(lambda: apps.read_namespaced_stateful_set("s", namespace).status.ready_replicas == 1)
    apps.delete_namespaced_stateful_set("s", namespace)
    job = {"restartPolicy": "Never", "containers": [container("true")]}
    batch.create_namespaced_job(
        namespace, {"metadata": {"name": "j"}, "spec": {"template": {"spec": job}}}
    )
    until(lambda: batch.read_namespaced_job("j", namespace).status.succeeded == 1)
    batch.delete_namespaced_job("j", namespace, propagation_policy="Foreground")
    ok("workloads")


def custom(namespace):
    group = f"{namespace}.example.com"
    crd = {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"boats.{group}"},
        "spec": {
            "group": group,
            "scope": "Namespaced",
            "names": {
                "plural": "boats",
                "singular": "boat",
                "kind": "Boat",
                "listKind": "BoatList",
            },
            "versions": [
                {
                    "name": "v1",
                    "served": True,
                    "storage": True,
                    "schema": {
                        "openAPIV3Schema": {
                            "type": "object",
                            "properties": {
                                "spec": {
                                    "type": "object",
                                    "properties": {"oars": {"type": "integer"}},
                                }
                            },
                        }
                    },
                }
            ],
        },
    }
    extensions, objects = client.ApiextensionsV1Api(), client.CustomObjectsApi()
    extensions.create_custom_resource_definition(crd)
    where = (group, "v1", namespace, "boats")

    until(lambda: not missing(lambda: objects.list_namespaced_custom_object(*where)))
    boat = {"apiVersion": f"{group}/v1", "kind": "Boat", "metadata": {"name": "b"}}
    objects.create_namespaced_custom_object(*where, {**boat, "spec": {"oars": 2}})
    objects.patch_namespaced_custom_object(*where, "b", {"spec": {"oars": 4}})
    assert objects.get_namespaced_custom_object(*where, "b")["spec"] == {"oars": 4}
    later = objects.list_namespaced_custom_object(*where, async_req=True).get()
    assert len(later["items"]) == 1
    objects.delete_namespaced_custom_object(*where, "b")
    extensions.delete_custom_resource_definition(f"boats.{group}")
    ok("custom objects")


def watching(core, namespace):
    names = []
    version = core.list_namespaced_config_map(namespace).metadata.resource_version
    for name in ("w1", "w2"):
        utils.create_from_dict(
            client.ApiClient(),
            {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}},
            namespace=namespace,
        )
    watcher = watch.Watch()
    for event in watcher.stream(
        core.list_namespaced_config_map, namespace, resource_version=version, timeout_seconds=10
    ):
        names.append((event["type"], event["object"].metadata.name))
        if len(names) == 2:
            watcher.stop()
    assert names == [("ADDED", "w1"), ("ADDED", "w2")], names
    ok("watch")


def policy(core, namespace):
    quota = {"metadata": {"name": "q"}, "spec": {"hard": {"count/secrets": "1"}}}
    core.create_namespaced_resource_quota(namespace, quota)
    core.create_namespaced_secret(namespace, {"metadata": {"name": "one"}})
    second = {"metadata": {"name": "two"}}
    said = refusal(lambda: core.create_namespaced_secret(namespace, second))
    assert "exceeded quota: q, requested: count/secrets=1" in said, said
    until(lambda: core.read_namespaced_resource_quota("q", namespace).status.used
          == {"count/secrets": "1"})  # fmt: skip
    wish = client.AuthenticationV1TokenRequest(
        spec=client.V1TokenRequestSpec(audiences=["pipelines"], expiration_seconds=700)
    )
    made = core.create_namespaced_service_account_token("default", namespace, wish)
    spec = client.V1TokenReviewSpec(token=made.status.token, audiences=["pipelines", "other"])
    review = client.AuthenticationV1Api().create_token_review(client.V1TokenReview(spec=spec))
    assert review.status.authenticated
    assert review.status.audiences == ["pipelines"], review
    attributes = {"verb": "list", "resource": "pods", "namespace": namespace}
    question = client.V1SelfSubjectAccessReview(
        spec=client.V1SelfSubjectAccessReviewSpec(resource_attributes=attributes)
    )
    rights = client.AuthorizationV1Api()
    assert rights.create_self_subject_access_review(question).status.allowed
    ok("policy")


WEB = """
import http.server, os
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(f"{self.command} {self.path}".encode())
    do_POST = do_GET
http.server.HTTPServer((os.environ["IP"], 8765), Handler).serve_forever()
"""


def proxies(core, namespace):
    address = {"name": "IP", "valueFrom": {"fieldRef": {"fieldPath": "status.podIP"}}}
    web = {"name": "main", "image": "python:3.11", "command": ["python", "-c", WEB],
           "env": [address], "ports": [{"containerPort": 8765}],
           "readinessProbe": {"tcpSocket": {"port": 8765}, "periodSeconds": 1}}  # fmt: skip
    spec = {"containers": [web], "terminationGracePeriodSeconds": 0}
    meta = {"name": "web", "labels": {"app": "web"}}
    core.create_namespaced_pod(namespace, {"metadata": meta, "spec": spec})
    service = {"selector": {"app": "web"}, "ports": [{"port": 80, "targetPort": 8765}]}
    core.create_namespaced_service(namespace, {"metadata": {"name": "web"}, "spec": service})
    until(lambda: [
        address
        for found in core.list_namespaced_endpoints(namespace).items
        for subset in found.subsets or ()
        for address in subset.addresses or ()
    ])  # fmt: skip
    through = core.connect_get_namespaced_pod_proxy_with_path("web", namespace, "a/b")
    assert through == "GET /a/b", through
    through = core.connect_post_namespaced_service_proxy_with_path("web", namespace, "c")
    assert through == "POST /c", through
    metrics = client.CustomObjectsApi().list_namespaced_custom_object(
        "metrics.k8s.io", "v1beta1", namespace, "pods", label_selector="app=web")  # fmt: skip
    assert [each["containers"][0]["name"] for each in metrics["items"]] == ["main"]
    added = {"spec": {"ephemeralContainers": [
        {"name": "added", "image": "busybox", "command": ["true"]}]}}  # fmt: skip
    core.patch_namespaced_pod_ephemeralcontainers("web", namespace, added)
    until(lambda: [
        status.state.terminated
        for status in core.read_namespaced_pod("web", namespace).status.ephemeral_container_statuses
        or ()
    ])  # fmt: skip
    ok("proxies")


def two_versions(core, namespace):
    target = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "none"}
    spec = {"maxReplicas": 3, "targetCPUUtilizationPercentage": 50, "scaleTargetRef": target}
    old, new = client.AutoscalingV1Api(), client.AutoscalingV2Api()
    made = old.create_namespaced_horizontal_pod_autoscaler(
        namespace, {"metadata": {"name": "h"}, "spec": spec})  # fmt: skip
    assert made.spec.target_cpu_utilization_percentage == 50
    read = new.read_namespaced_horizontal_pod_autoscaler("h", namespace)
    assert read.spec.metrics[0].resource.target.average_utilization == 50
    event = {
        "metadata": {"name": "e"}, "eventTime": "2026-01-01T00:00:00.000000Z", "action": "a",
        "reason": "r", "type": "Normal", "note": "a boat", "reportingController": "x.y/z",
        "reportingInstance": "i", "regarding": {"namespace": namespace},
    }  # fmt: skip
    assert client.EventsV1Api().create_namespaced_event(namespace, event).note == "a boat"
    assert core.read_namespaced_event("e", namespace).message == "a boat"
    ok("two versions")


def main():
    kubeconfig, namespace = sys.argv[1:]
    config.load_kube_config(kubeconfig)
    core = client.CoreV1Api()
    core.create_namespace({"metadata": {"name": namespace}})
    account = "default"
    until(lambda: account in [a.metadata.name for a in core.list_namespaced_service_account(
        namespace).items])  # fmt: skip
    assert client.VersionApi().get_code().major == "1"
    config_maps(core, namespace)
    watching(core, namespace)
    pods(core, namespace)
    workloads(namespace)
    custom(namespace)
    policy(core, namespace)
    proxies(core, namespace)
    two_versions(core, namespace)
    core.delete_namespace(namespace)
    ok("all")


if __name__ == "__main__":
    main()

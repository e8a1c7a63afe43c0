"""Admission of the core kinds: what is filled in, what is refused, what may not change."""

from __future__ import annotations

import copy
from base64 import b64encode
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import pytest

from sampan.kinds.core.admit import RULES
from sampan.kinds.core.admit.pods import qos_class
from sampan.kube import meta, names
from sampan.kube.errors import Forbidden, Invalid
from sampan.kube.keys import Key, Manifest, key_of
from sampan.testing.memory import START


class Seen:
    """A view of a few objects."""

    def __init__(self, *manifests: Manifest) -> None:
        self._objects = {key_of(each): each for each in manifests}

    def get(self, key: Key) -> Manifest | None:
        return self._objects.get(key)

    def select(
        self, kind: str, namespace: str = "", labels: Mapping[str, Any] | None = None
    ) -> Sequence[Manifest]:
        return [each for key, each in sorted(self._objects.items()) if key.kind == kind]

    def owned(self, owner: Manifest, kind: str) -> Sequence[Manifest]:
        return ()

    def dependents(self, uid: str) -> Sequence[Manifest]:
        return ()

    def contents(self, namespace: str) -> Sequence[Manifest]:
        return ()

    def has_kind(self, kind: str) -> bool:
        return True

    def now(self) -> datetime:
        return START


def make(kind: str, name: str = "it", namespace: str = "u", **fields: Any) -> Manifest:
    object_kind, _, group = kind.partition(".")
    where: dict[str, Any] = {"name": name}
    if namespace:
        where["namespace"] = namespace
    where |= fields.pop("metadata", {})
    version = f"{group}/v1" if group else "v1"
    return {"apiVersion": version, "kind": object_kind, "metadata": where, **fields}


def admitted(
    manifest: Manifest, old: Manifest | None = None, *cluster: Manifest
) -> tuple[Manifest, list[str]]:
    """The manifest as it would be stored, and what is wrong with it."""
    new = copy.deepcopy(manifest)
    rules = RULES[key_of(new).kind]
    if rules.default:
        rules.default(new)
    if rules.prepare:
        rules.prepare(new, old)
    found = [str(each) for each in rules.validate(new, old)] if rules.validate else []
    if rules.admit and not found:
        rules.admit(Seen(*cluster), new, old)
        if rules.default:
            rules.default(new)
    return new, found


def stored(manifest: Manifest, *cluster: Manifest) -> Manifest:
    new, found = admitted(manifest, None, *cluster)
    assert found == []
    return new


def pod(**spec: Any) -> Manifest:
    spec = {"containers": [{"name": "main", "image": "busybox"}]} | spec
    return make(names.POD, spec=spec)


def account(name: str = "default", **fields: Any) -> Manifest:
    return make(names.SERVICE_ACCOUNT, name, **fields)


# -- pods -----------------------------------------------------------------------------------------


def test_a_pod_gets_the_token_of_its_account() -> None:
    spec = stored(pod(), account())["spec"]
    assert spec["serviceAccountName"] == spec["serviceAccount"] == "default"
    (volume,) = spec["volumes"]
    (mount,) = spec["containers"][0]["volumeMounts"]
    assert volume["name"] == mount["name"]
    assert volume["name"].startswith("kube-api-access-")
    assert mount["mountPath"] == "/var/run/secrets/kubernetes.io/serviceaccount"
    token, authority, namespace = volume["projected"]["sources"]
    assert token == {"serviceAccountToken": {"expirationSeconds": 3607, "path": "token"}}
    assert authority["configMap"]["name"] == "kube-root-ca.crt"
    assert namespace["downwardAPI"]["items"][0]["fieldRef"]["fieldPath"] == "metadata.namespace"


@pytest.mark.parametrize(
    ("spec", "given", "volumes"),
    [
        pytest.param({"automountServiceAccountToken": False}, account(), 0, id="pod-says-no"),
        pytest.param({}, account(automountServiceAccountToken=False), 0, id="account-says-no"),
        pytest.param(
            {"automountServiceAccountToken": True},
            account(automountServiceAccountToken=False), 1, id="pod-wins",
        ),
    ],
)  # fmt: skip
def test_a_token_is_mounted_unless_somebody_says_no(
    spec: dict[str, Any], given: Manifest, volumes: int
) -> None:
    assert len(stored(pod(**spec), given)["spec"].get("volumes", ())) == volumes


def test_a_mount_at_the_place_of_the_token_is_kept() -> None:
    mount = {"name": "mine", "mountPath": names.ACCOUNT_PATH}
    container = {"name": "main", "image": "busybox", "volumeMounts": [mount]}
    spec = stored(pod(containers=[container], volumes=[{"name": "mine"}]), account())["spec"]
    assert [each["name"] for each in spec["volumes"]] == ["mine"]


def test_an_account_that_is_missing_is_forbidden() -> None:
    with pytest.raises(Forbidden) as caught:
        admitted(pod(serviceAccountName="x"))
    assert str(caught.value) == (
        'pods "it" is forbidden: error looking up service account u/x: serviceaccount "x" not found'
    )


def test_the_default_account_may_come_a_moment_later() -> None:
    assert stored(pod())["spec"]["serviceAccountName"] == "default"


def test_pull_secrets_come_from_the_account() -> None:
    secrets = [{"name": "registry"}]
    assert stored(pod(), account(imagePullSecrets=secrets))["spec"]["imagePullSecrets"] == secrets


def test_priority_comes_from_its_class() -> None:
    urgent = make(names.PRIORITY_CLASS, "urgent", "", value=7, preemptionPolicy="Never")
    spec = stored(pod(priorityClassName="urgent"), account(), urgent)["spec"]
    assert (spec["priority"], spec["preemptionPolicy"]) == (7, "Never")
    assert stored(pod(), account())["spec"]["priority"] == 0
    with pytest.raises(Forbidden, match="no PriorityClass with name none was found"):
        admitted(pod(priorityClassName="none"))


def test_a_default_class_is_for_pods_that_name_none() -> None:
    usual = make(names.PRIORITY_CLASS, "usual", "", value=5, globalDefault=True)
    spec = stored(pod(), account(), usual)["spec"]
    assert (spec["priorityClassName"], spec["priority"]) == ("usual", 5)
    assert spec["preemptionPolicy"] == "PreemptLowerPriority"
    with pytest.raises(Forbidden, match="PriorityClass usual is already marked as default"):
        stored(make(names.PRIORITY_CLASS, "other", "", value=6, globalDefault=True), usual)
    stored(usual, usual)


@pytest.mark.parametrize(
    ("spec", "fault"),
    [
        ({"priority": 3}, "the integer value of priority .3. must not be provided"),
        ({"preemptionPolicy": "Never"}, "the string value of PreemptionPolicy .Never. must not"),
    ],
)
def test_a_pod_does_not_set_its_own_priority(spec: dict[str, Any], fault: str) -> None:
    with pytest.raises(Forbidden, match=fault):
        admitted(pod(**spec))


@pytest.mark.parametrize(
    ("name", "value", "fault"),
    [
        ("mine", 10**9 + 1, "value: Forbidden: maximum allowed value of a user defined priority"),
        ("system-mine", 1, "metadata.name: Forbidden: priority class names with 'system-' prefix"),
    ],
)
def test_a_bad_priority_class_is_refused(name: str, value: int, fault: str) -> None:
    _, (problem,) = admitted(make(names.PRIORITY_CLASS, name, "", value=value))
    assert problem.startswith(fault)


def test_pods_start_pending() -> None:
    assert stored(pod(), account())["status"] == {"phase": "Pending", "qosClass": "BestEffort"}


def resources(requests: dict[str, str], limits: dict[str, str]) -> dict[str, Any]:
    return {"containers": [{"resources": {"requests": requests, "limits": limits}}]}


@pytest.mark.parametrize(
    ("requests", "limits", "qos"),
    [
        ({}, {}, "BestEffort"),
        ({"cpu": "0"}, {}, "BestEffort"),
        ({"cpu": "1"}, {}, "Burstable"),
        ({"cpu": "1", "memory": "1Gi"}, {"cpu": "1000m", "memory": "1024Mi"}, "Guaranteed"),
        ({"cpu": "1", "memory": "1Gi"}, {"cpu": "2", "memory": "1Gi"}, "Burstable"),
        ({"cpu": "1"}, {"cpu": "1"}, "Burstable"),
    ],
)
def test_qos_class(requests: dict[str, str], limits: dict[str, str], qos: str) -> None:
    spec = resources(requests, limits)
    assert qos_class(spec) == qos
    assert qos_class({"containers": [{}], "resources": spec["containers"][0]["resources"]}) == qos


def test_faults_of_a_pod_are_all_named() -> None:
    _, found = admitted(pod(containers=[{"name": "A"}], restartPolicy="X"))
    assert [each.partition(": ")[0] for each in found] == [
        "spec.containers[0].name",
        "spec.containers[0].image",
        "spec.restartPolicy",
    ]


def changed(manifest: Manifest, **spec: Any) -> Manifest:
    return {**manifest, "spec": {**manifest["spec"], **spec}}


STAYS = {"operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 300}
NOT_READY = {"key": "node.kubernetes.io/not-ready", **STAYS}
UNREACHABLE = {"key": "node.kubernetes.io/unreachable", **STAYS}


@pytest.mark.parametrize(
    ("given", "added"),
    [
        pytest.param([], [NOT_READY, UNREACHABLE], id="nothing-said"),
        pytest.param([{"key": "a"}], [NOT_READY, UNREACHABLE], id="something-else-said"),
        pytest.param([{"key": NOT_READY["key"]}], [UNREACHABLE], id="one-said"),
        pytest.param([{"operator": "Exists"}], [], id="all-said"),
        pytest.param([{"operator": "Exists", "effect": "NoSchedule"}], [NOT_READY, UNREACHABLE]),
    ],
)
def test_a_pod_stays_a_while_on_a_failing_node(given: list[Any], added: list[Any]) -> None:
    spec = stored(pod(tolerations=given), account())["spec"]
    assert spec["tolerations"] == [*given, *added]


def test_a_toleration_may_be_added_later() -> None:
    old = stored(pod(), account())
    more = [*old["spec"]["tolerations"], {"key": "a"}]
    assert admitted(changed(old, tolerations=more), old)[1] == []
    fewer = changed(old, tolerations=more[1:])
    assert [each.partition(": ")[0] for each in admitted(fewer, old)[1]] == ["spec.tolerations"]


@pytest.mark.parametrize(
    ("spec", "fields"),
    [
        pytest.param({"activeDeadlineSeconds": 5}, [], id="a-deadline"),
        pytest.param({"nodeName": "n"}, ["spec"], id="another-node"),
        pytest.param({"restartPolicy": "Never"}, ["spec"], id="another-policy"),
    ],
)
def test_updates_of_a_pod(spec: dict[str, Any], fields: list[str]) -> None:
    old = stored(pod(), account())
    _, found = admitted(changed(old, **spec), old)
    assert [each.partition(": ")[0] for each in found] == fields


def test_an_image_may_change_but_not_the_command() -> None:
    old = stored(pod(), account())
    new = copy.deepcopy(old)
    new["spec"]["containers"][0]["image"] = "busybox:2"
    assert admitted(new, old)[1] == []
    new["spec"]["containers"][0]["command"] = ["true"]
    assert "pod updates may not change fields other than" in admitted(new, old)[1][0]


# -- services -------------------------------------------------------------------------------------


def service(name: str = "web", **spec: Any) -> Manifest:
    return make(names.SERVICE, name, spec={"ports": [{"port": 80}]} | spec)


def test_a_service_gets_an_address_of_its_own() -> None:
    first = stored(service())
    again = stored(service())
    second = stored(service("other"), first)
    spec = first["spec"]
    assert spec["clusterIP"] == again["spec"]["clusterIP"], "the name decides"
    assert spec["clusterIP"].startswith("10.96.")
    assert spec["clusterIPs"] == [spec["clusterIP"]]
    assert second["spec"]["clusterIP"] != spec["clusterIP"]
    assert (spec["type"], spec["sessionAffinity"], spec["ipFamilies"]) == (
        "ClusterIP",
        "None",
        ["IPv4"],
    )
    assert spec["ports"] == [{"port": 80, "protocol": "TCP", "targetPort": 80}]


def test_an_address_that_is_taken_is_passed_over() -> None:
    first = stored(service())
    squatter = copy.deepcopy(first)
    squatter["metadata"]["name"] = "squatter"
    address = stored(service(), squatter)["spec"]["clusterIP"]
    assert address != first["spec"]["clusterIP"]


def test_the_api_has_the_first_address() -> None:
    api = make(names.SERVICE, "kubernetes", "default", spec={"ports": [{"port": 443}]})
    assert stored(api)["spec"]["clusterIP"] == "10.96.0.1"


@pytest.mark.parametrize("address", ["10.0.0.1", "192.168.0.1"])
def test_an_address_outside_the_network_is_refused(address: str) -> None:
    with pytest.raises(Invalid, match="the provided IP is not in"):
        admitted(service(clusterIP=address))


def test_an_address_stays() -> None:
    old = stored(service())
    kept, found = admitted(service(), old, old)
    assert (found, kept["spec"]["clusterIP"]) == ([], old["spec"]["clusterIP"])
    _, found = admitted(service(clusterIP="10.96.7.7"), old, old)
    assert found == ['spec.clusterIPs[0]: Invalid value: "10.96.7.7": may not change once set']


def test_node_ports_are_given_once_and_kept() -> None:
    old = stored(service(type="NodePort"))
    port = old["spec"]["ports"][0]["nodePort"]
    assert 30000 <= port <= 32767
    assert admitted(service(type="NodePort"), old, old)[0]["spec"]["ports"][0]["nodePort"] == port
    taken = service("other", type="NodePort", ports=[{"port": 80, "nodePort": port}])
    with pytest.raises(Invalid, match="provided port is taken"):
        admitted(taken, None, old)


@pytest.mark.parametrize(
    ("spec", "field"),
    [
        pytest.param({"ports": []}, "spec.ports", id="no-ports"),
        pytest.param({"ports": [{"port": 0}]}, "spec.ports[0].port", id="port-0"),
        pytest.param({"ports": [{"port": 1}, {"port": 2}]}, "spec.ports[0].name", id="unnamed"),
        pytest.param({"type": "Magic"}, "spec.type", id="type"),
        pytest.param({"type": "ExternalName", "ports": []}, "spec.externalName", id="external"),
        pytest.param({"ipFamilies": ["IPv6"]}, "spec.ipFamilies[0]", id="ipv6"),
        pytest.param({"clusterIP": "x"}, "spec.clusterIPs[0]", id="no-address"),
        pytest.param({"selector": {"a b": "c"}}, "spec.selector", id="selector"),
        pytest.param(
            {"sessionAffinity": "ClientIP",
             "sessionAffinityConfig": {"clientIP": {"timeoutSeconds": 86_401}}},
            "spec.sessionAffinityConfig.clientIP.timeoutSeconds", id="affinity",
        ),
        pytest.param(
            {"ports": [{"port": 1, "nodePort": 30001}]}, "spec.ports[0].nodePort", id="node-port"
        ),
    ],
)  # fmt: skip
def test_faults_of_a_service(spec: dict[str, Any], field: str) -> None:
    assert admitted(service(**spec))[1][0].partition(": ")[0] == field


def test_affinity_lasts_three_hours_unless_the_service_says_otherwise() -> None:
    sticky = stored(service(sessionAffinity="ClientIP"))
    assert sticky["spec"]["sessionAffinityConfig"] == {"clientIP": {"timeoutSeconds": 10_800}}
    sticky["spec"]["sessionAffinity"] = "None"
    assert "sessionAffinityConfig" not in stored(sticky)["spec"]


@pytest.mark.parametrize("kind", ["ClusterIP", "ExternalName"])
def test_another_type_drops_what_it_has_no_use_for(kind: str) -> None:
    old = stored(service(type="LoadBalancer", loadBalancerClass="example.com/vip"))
    new = copy.deepcopy(old)
    new["spec"] |= {"type": kind, "externalName": "example.com"}
    kept, found = admitted(new, old, old)
    assert found == []
    assert "nodePort" not in kept["spec"]["ports"][0]
    outside = {"externalTrafficPolicy", "allocateLoadBalancerNodePorts", "loadBalancerClass"}
    assert not outside & kept["spec"].keys()
    assert ("clusterIP" in kept["spec"]) is (kind == "ClusterIP")


def test_a_volume_that_no_pod_can_mount_is_kept_with_a_warning() -> None:
    spec = {"accessModes": ["ReadWriteOnce"], "capacity": {"storage": "1"}}
    source = {"csi": {"driver": "d", "volumeHandle": "h"}}
    warn = RULES[names.PERSISTENT_VOLUME].warn
    assert warn is not None
    remote = stored(make(names.PERSISTENT_VOLUME, namespace="", spec=spec | source))
    (text,) = warn(remote)
    assert text.startswith("spec.csi: no pod of this cluster can mount it")
    here = make(names.PERSISTENT_VOLUME, namespace="", spec=spec | {"local": {"path": "/a"}})
    assert warn(stored(here)) == []


def test_a_headless_service_has_no_address() -> None:
    spec = stored(service(clusterIP="None", ports=[]))["spec"]
    assert (spec["clusterIP"], spec["clusterIPs"]) == ("None", ["None"])


# -- config ---------------------------------------------------------------------------------------


def test_a_secret_encodes_its_strings() -> None:
    secret = stored(make(names.SECRET, stringData={"a": "é"}, data={"b": "Y\r\ng==\n"}))
    assert secret["data"] == {"a": b64encode("é".encode()).decode(), "b": "Yg=="}
    assert (secret["type"], "stringData" in secret) == ("Opaque", False)


@pytest.mark.parametrize(
    ("manifest", "field"),
    [
        pytest.param(make(names.SECRET, data={"a": "%"}), "data[a]", id="secret-not-base64"),
        pytest.param(make(names.SECRET, data={"a/b": ""}), "data[a/b]", id="secret-key"),
        pytest.param(
            make(names.SECRET, type="kubernetes.io/tls", data={"tls.crt": ""}),
            "data[tls.key]", id="secret-tls",
        ),
        pytest.param(
            make(names.SECRET, type="kubernetes.io/service-account-token"),
            "metadata.annotations[kubernetes.io/service-account.name]", id="secret-account",
        ),
        pytest.param(
            make(names.SECRET, data={"a": "A" * (3 << 19)}), "data", id="secret-too-big"
        ),
        pytest.param(make(names.CONFIG_MAP, data={"a b": ""}), "data[a b]", id="config-key"),
        pytest.param(
            make(names.CONFIG_MAP, data={"a": ""}, binaryData={"a": ""}), "data[a]",
            id="config-twice",
        ),
        pytest.param(make(names.CONFIG_MAP, data={"a": "x" * (1 << 20), "b": "y"}), "", id="big"),
    ],
)  # fmt: skip
def test_faults_of_config(manifest: Manifest, field: str) -> None:
    assert admitted(manifest)[1][0].partition(": ")[0] == field


@pytest.mark.parametrize("kind", [names.CONFIG_MAP, names.SECRET])
def test_what_is_immutable_stays(kind: str) -> None:
    old = stored(make(kind, immutable=True, data={"a": "YQ=="}))
    assert admitted({**old, "metadata": {**old["metadata"], "labels": {"x": "y"}}}, old)[1] == []
    assert admitted({**old, "data": {}}, old)[1][0].startswith("data: Forbidden")
    assert admitted({**old, "immutable": False}, old)[1][0].startswith("immutable: Forbidden")


def test_the_type_of_a_secret_stays() -> None:
    old = stored(make(names.SECRET))
    assert admitted({**old, "type": "x"}, old)[1] == [
        'type: Invalid value: "x": field is immutable'
    ]


# -- storage --------------------------------------------------------------------------------------


def claim(size: str = "1Gi", **spec: Any) -> Manifest:
    spec = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": size}}} | spec
    return make(names.PERSISTENT_VOLUME_CLAIM, spec=spec)


def storage_class(name: str, since: str = "1", *, default: bool = True, **fields: Any) -> Manifest:
    where: dict[str, Any] = {"creationTimestamp": since}
    if default:
        where["annotations"] = {names.ANNOTATION_DEFAULT_CLASS: "true"}
    return make(names.STORAGE_CLASS, name, "", metadata=where, provisioner="p", **fields)


def test_a_claim_gets_the_newest_default_class() -> None:
    classes = (
        storage_class("a", "1"),
        storage_class("b", "2"),
        storage_class("c", "3", default=False),
    )
    new = stored(claim(), *classes)
    assert new["spec"]["storageClassName"] == "b"
    assert new["metadata"]["finalizers"] == [names.FINALIZER_PVC]
    assert new["status"] == {"phase": "Pending"}


@pytest.mark.parametrize("said", ["", "a"])
def test_a_claim_that_says_its_class_keeps_it(said: str) -> None:
    new = stored(claim(storageClassName=said), storage_class("b"))
    assert new["spec"]["storageClassName"] == said


@pytest.mark.parametrize(
    ("manifest", "field"),
    [
        pytest.param(claim(accessModes=[]), "spec.accessModes", id="no-mode"),
        pytest.param(claim(accessModes=["X"]), "spec.accessModes", id="unknown-mode"),
        pytest.param(claim("x"), "spec.resources.requests[storage]", id="no-quantity"),
        pytest.param(claim("-1"), "spec.resources.requests[storage]", id="negative"),
        pytest.param(claim(resources={}), "spec.resources.requests[storage]", id="no-size"),
        pytest.param(claim(dataSource={"kind": "x"}), "spec.dataSource.name", id="source"),
        pytest.param(
            claim(dataSourceRef={"kind": "PersistentVolumeClaim", "name": "c"}),
            "spec.dataSourceRef", id="clone",
        ),
        pytest.param(
            claim(volumeAttributesClassName="x"), "spec.volumeAttributesClassName", id="unsupported"
        ),
        pytest.param(claim(volumeMode="X"), "spec.volumeMode", id="volume-mode"),
        pytest.param(
            make(names.PERSISTENT_VOLUME, namespace="", spec={"accessModes": ["ReadWriteOnce"],
                 "capacity": {"storage": "1"}, "nfs": {"server": "x"}}),
            "spec.nfs.path", id="volume-part",
        ),
        pytest.param(
            make(names.PERSISTENT_VOLUME, namespace="", spec={"accessModes": ["ReadWriteOnce"],
                 "capacity": {"storage": "1"}}), "spec", id="volume-type",
        ),
        pytest.param(
            make(names.PERSISTENT_VOLUME, namespace="", spec={"accessModes": ["ReadWriteOnce"],
                 "capacity": {"storage": "1"}, "hostPath": {"path": "/a/../b"}}),
            "spec.hostPath.path", id="volume-path",
        ),
        pytest.param(make(names.STORAGE_CLASS, namespace=""), "provisioner", id="no-provisioner"),
    ],
)  # fmt: skip
def test_faults_of_storage(manifest: Manifest, field: str) -> None:
    assert admitted(manifest)[1][0].partition(": ")[0] == field


def test_a_claim_of_a_snapshot_is_kept_with_a_warning() -> None:
    snapshot = {"apiGroup": "snapshot.storage.k8s.io", "kind": "VolumeSnapshot", "name": "s"}
    warn = RULES[names.PERSISTENT_VOLUME_CLAIM].warn
    assert warn is not None
    assert warn(stored(claim())) == []
    (text,) = warn(stored(claim(dataSource=snapshot)))
    assert "makes volumes empty" in text


def test_a_claim_is_fixed_but_for_its_volume() -> None:
    old = stored(claim(storageClassName="a"))
    assert admitted(changed(old, volumeName="v"), old)[1] == []
    assert admitted(changed(old, accessModes=["ReadWriteMany"]), old)[1][0].startswith("spec: ")


def test_a_bound_claim_grows_when_its_class_may() -> None:
    old = stored(claim(storageClassName="a", volumeName="v"))
    bigger = changed(old, resources={"requests": {"storage": "2Gi"}})
    smaller = changed(old, resources={"requests": {"storage": "1Mi"}})
    assert admitted(bigger, old, storage_class("a", allowVolumeExpansion=True))[1] == []
    with pytest.raises(Forbidden, match="only dynamically provisioned pvc can be resized"):
        admitted(bigger, old, storage_class("a"))
    assert "can not be less" in admitted(smaller, old)[1][0]


# -- the rest -------------------------------------------------------------------------------------


def test_a_namespace_is_made_complete() -> None:
    new = stored(make(names.NAMESPACE, "u", ""))
    assert new["metadata"]["labels"] == {"kubernetes.io/metadata.name": "u"}
    assert (new["spec"], new["status"]) == ({"finalizers": ["kubernetes"]}, {"phase": "Active"})
    update, _ = admitted({**new, "spec": {"finalizers": []}}, new)
    assert update["spec"] == {"finalizers": ["kubernetes"]}, "only the subresource may"


def test_a_namespace_is_a_label() -> None:
    assert admitted(make(names.NAMESPACE, "a.b", ""))[1][0].startswith("metadata.name: Invalid")


@pytest.mark.parametrize(
    ("about", "namespace", "fine"),
    [("u", "u", True), ("v", "u", False), ("", "default", True), ("", "u", False)],
)
def test_an_event_lies_beside_its_object(about: str, namespace: str, fine: bool) -> None:
    event = make(names.EVENT, namespace=namespace, involvedObject={"namespace": about})
    assert (admitted(event)[1] == []) is fine


ROLE_REF = {"apiGroup": names.GROUP_RBAC, "kind": "Role", "name": "r"}


def binding(kind: str = names.ROLE_BINDING, **fields: Any) -> Manifest:
    return make(kind, **({"roleRef": dict(ROLE_REF)} | fields))


def test_a_binding_gets_its_groups() -> None:
    subjects = [
        {"kind": "User", "name": "a"},
        {"kind": "ServiceAccount", "name": "b", "namespace": "u"},
    ]
    new = stored(binding(roleRef={"kind": "Role", "name": "r"}, subjects=subjects))
    assert new["roleRef"] == ROLE_REF
    assert [each.get("apiGroup") for each in new["subjects"]] == [names.GROUP_RBAC, None]


def test_a_role_reference_stays() -> None:
    old = stored(binding())
    _, found = admitted({**old, "roleRef": {**ROLE_REF, "name": "other"}}, old)
    assert "cannot change roleRef" in found[0]


@pytest.mark.parametrize(
    ("manifest", "field"),
    [
        pytest.param(binding(names.CLUSTER_ROLE_BINDING), "roleRef.kind", id="role-for-all"),
        pytest.param(binding(roleRef={"kind": "Role"}), "roleRef.name", id="no-name"),
        pytest.param(
            binding(subjects=[{"kind": "ServiceAccount", "name": "a"}]), "subjects[0].namespace",
            id="account-without-namespace",
        ),
        pytest.param(binding(subjects=[{"kind": "X", "name": "a"}]), "subjects[0].kind", id="kind"),
        pytest.param(make(names.ROLE, rules=[{}]), "rules[0].verbs", id="no-verbs"),
        pytest.param(
            make(names.ROLE, rules=[{"verbs": ["get"], "nonResourceURLs": ["/x"]}]),
            "rules[0].nonResourceURLs", id="url-in-a-namespace",
        ),
        pytest.param(
            make(names.CLUSTER_ROLE, rules=[{"verbs": ["get"], "apiGroups": [""]}]),
            "rules[0].resources", id="no-resources",
        ),
        pytest.param(
            make(names.CLUSTER_ROLE, aggregationRule={}),
            "aggregationRule.clusterRoleSelectors", id="made-of-nothing",
        ),
        pytest.param(
            make(names.CLUSTER_ROLE, aggregationRule={"clusterRoleSelectors": [
                {"matchExpressions": [{"key": "a", "operator": "Like"}]}]}),
            "aggregationRule.clusterRoleSelectors[0]", id="bad-selector",
        ),
    ],
)  # fmt: skip
def test_faults_of_access(manifest: Manifest, field: str) -> None:
    assert admitted(manifest)[1][0].partition(": ")[0] == field


@pytest.mark.parametrize("manifest", [pod(), service(), claim(), binding(), make(names.SECRET)])
def test_admission_of_what_was_admitted_changes_nothing(manifest: Manifest) -> None:
    first = stored(manifest, account())
    again, found = admitted(first, first, first)
    assert (again, found) == (first, [])
    assert meta.name_of(again) == meta.name_of(manifest)


@pytest.mark.parametrize(
    ("spec", "count"),
    [
        pytest.param({"ports": [{"port": 80, "protocol": "TCP"}]}, 0, id="plain"),
        pytest.param({"ports": [{"port": 80, "protocol": "SCTP"}]}, 1, id="sctp"),
        pytest.param({"externalIPs": ["192.0.2.7"]}, 1, id="external-ips"),
    ],
)
def test_who_asks_for_more_than_the_network_does_is_told(spec: dict[str, Any], count: int) -> None:
    warn = RULES[names.SERVICE].warn
    assert warn is not None
    said = warn({"spec": spec})
    assert len(said) == count
    assert all("has no effect here" in each for each in said)

"""Policy with real clients: quotas, limits, rights and who may hand them out."""

import json
from base64 import b64decode, b64encode

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from support import kubectls

pytestmark = pytest.mark.slow
KUBECTLS = kubectls()
NEWEST = list(KUBECTLS.values())[-1:]
EDGES = [pytest.param(path, id=name) for name, path in [*KUBECTLS.items()][1::5]]

POD = {
    "apiVersion": "v1",
    "kind": "Pod",
    "metadata": {"name": "p"},
    "spec": {
        "terminationGracePeriodSeconds": 1,
        "containers": [{"name": "m", "image": "busybox", "command": ["sleep", "1000"]}],
    },
}
ROLE = """
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: rec, namespace: HERE}
rules: [{apiGroups: [""], resources: [pods], verbs: [get]}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: rec, namespace: HERE}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: NAME}
subjects: [{apiGroup: rbac.authorization.k8s.io, kind: User, name: carol}]
"""


@pytest.fixture
def kubectl(sampan, namespace):
    """The newest kubectl in the test's namespace; answers with what it printed, errors too."""
    if not NEWEST:
        pytest.skip("there is no kubectl here")

    def run(*words, text=None, path=NEWEST[0]):
        done = sampan.run([path, "-n", namespace, *words], check=False, text=text)
        return done.stdout + done.stderr

    return run


def test_a_quota_and_a_limit_range_as_kubectl_shows_them(kubectl):
    kubectl("create", "quota", "q", "--hard=pods=1,limits.cpu=1")
    limits = {"type": "Container", "default": {"cpu": "200m"}, "max": {"cpu": "500m"}}
    manifest = {"apiVersion": "v1", "kind": "LimitRange", "metadata": {"name": "l"}}
    kubectl("create", "-f", "-", text=json.dumps({**manifest, "spec": {"limits": [limits]}}))
    assert "created" in kubectl("create", "-f", "-", text=json.dumps(POD))
    refused = kubectl("run", "second", "--image=busybox")
    assert (
        'pods "second" is forbidden: exceeded quota: q, requested: pods=1, used: pods=1,'
        " limited: pods=1"
    ) in refused
    kubectl("wait", "quota/q", "--for=jsonpath={.status.used.limits\\.cpu}=200m", "--timeout=10s")
    shown = kubectl("describe", "quota", "q")
    assert [line.split() for line in shown.splitlines()[-2:]] == [
        ["limits.cpu", "200m", "1"],
        ["pods", "1", "1"],
    ]
    assert "Container   cpu" in kubectl("describe", "limitrange", "l")
    kubectl("delete", "pod", "p")
    kubectl("wait", "quota/q", "--for=jsonpath={.status.used.pods}=0", "--timeout=10s")
    assert kubectl("get", "quota", "q", "-o", "jsonpath={.status.used.pods}") == "0"


def test_an_admin_of_a_namespace_hands_out_what_he_has(kubectl):
    kubectl("create", "rolebinding", "ada", "--clusterrole=admin", "--user=ada")
    ada = ("--as", "ada")
    assert "created" in kubectl(*ada, "create", "role", "r", "--verb=get", "--resource=pods")
    refused = kubectl(*ada, "create", "role", "s", "--verb=get", "--resource=nodes")
    assert 'user "ada" (groups=["system:authenticated"]) is attempting to grant RBAC' in refused
    assert '{APIGroups:[""], Resources:["nodes"], Verbs:["get"]}' in refused
    bind = ("create", "rolebinding", "bob", "--user=bob")
    assert "attempting to grant" in kubectl(*ada, *bind, "--clusterrole=cluster-admin")
    assert "created" in kubectl(*ada, *bind, "--clusterrole=edit")
    assert kubectl("auth", "can-i", "create", "pods", "--as", "bob").strip() == "yes"
    assert kubectl("auth", "can-i", "create", "roles", "--as", "bob").startswith("no")
    listed = kubectl("auth", "can-i", "--list", "--as", "bob")
    assert "selfsubjectrulesreviews.authorization.k8s.io" in listed
    assert "deployments.apps" in listed


def test_a_label_makes_view_see_a_custom_resource(kubectl):
    part = {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "ClusterRole",
        "metadata": {
            "name": "gadgets-view",
            "labels": {"rbac.authorization.k8s.io/aggregate-to-view": "true"},
        },
        "rules": [{"apiGroups": ["example.com"], "resources": ["gadgets"], "verbs": ["get"]}],
    }
    kubectl("apply", "-f", "-", text=json.dumps(part))
    for role in ("view", "edit", "admin"):
        found = "--for=jsonpath={.rules[?(@.apiGroups[0]=='example.com')].resources[0]}=gadgets"
        said = kubectl("wait", f"clusterrole/{role}", found, "--timeout=10s")
        assert "condition met" in said
    kubectl("delete", "clusterrole", "gadgets-view")


@pytest.mark.parametrize("path", EDGES)
def test_reconcile_replaces_a_binding_whose_role_is_another(kubectl, namespace, path):
    text = ROLE.replace("HERE", namespace)
    for name in ("rec", "other"):
        said = kubectl("auth", "reconcile", "-f", "-", text=text.replace("NAME", name), path=path)
        assert "rolebinding.rbac.authorization.k8s.io/rec reconciled" in said
    assert kubectl("get", "rolebinding", "rec", "-o", "jsonpath={.roleRef.name}") == "other"


@pytest.mark.parametrize("path", EDGES)
def test_a_certificate_is_asked_for_and_approved(kubectl, namespace, path):
    """It is named after the namespace, because requests belong to the whole cluster."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "jane")])
    made = x509.CertificateSigningRequestBuilder().subject_name(subject).sign(key, hashes.SHA256())
    request = {
        "apiVersion": "certificates.k8s.io/v1",
        "kind": "CertificateSigningRequest",
        "metadata": {"name": namespace},
        "spec": {
            "signerName": "kubernetes.io/kube-apiserver-client",
            "usages": ["client auth"],
            "request": b64encode(made.public_bytes(serialization.Encoding.PEM)).decode(),
        },
    }
    kubectl("create", "-f", "-", text=json.dumps(request), path=path)
    assert kubectl("get", "csr", namespace, path=path).split()[-1] == "Pending"
    assert "approved" in kubectl("certificate", "approve", namespace, path=path)
    issued = "--for=jsonpath={.status.certificate}"
    kubectl("wait", f"csr/{namespace}", issued, "--timeout=10s")
    shown = kubectl("get", "csr", namespace, "-o", "jsonpath={.status.certificate}", path=path)
    found = x509.load_pem_x509_certificate(b64decode(shown))
    assert found.public_key() == key.public_key()
    kubectl("delete", "csr", namespace)

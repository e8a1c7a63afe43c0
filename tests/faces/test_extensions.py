"""Extending the cluster, with unmodified kubectls: definitions with rules, a webhook that runs in a
pod behind a service, an admission policy."""

import base64
import json
import time

import pytest

from sampan.apiserver import certificates
from sampan.lib.clock import SystemClock

pytestmark = pytest.mark.slow

DEFINITION = """
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: PLURAL.sea.example.com}
spec:
  group: sea.example.com
  scope: Namespaced
  names: {plural: PLURAL, kind: KIND}
  versions:
  - name: v1
    served: true
    storage: true
    additionalPrinterColumns:
    - {name: Sails, type: integer, jsonPath: .spec.sails}
    - {name: Masts, type: integer, jsonPath: .spec.masts, priority: 1}
    selectableFields: [{jsonPath: .spec.sails}]
    schema:
      openAPIV3Schema:
        type: object
        properties:
          spec:
            type: object
            required: [sails]
            properties:
              sails: {type: integer, description: How many there are}
              masts: {type: integer, default: 1}
            x-kubernetes-validations:
            - {rule: self.sails >= self.masts, message: each mast needs a sail}
            - rule: self.masts == oldSelf.masts
              messageExpression: "'had ' + string(oldSelf.masts)"
"""

SERVER = """
import http.server, json, os, ssl
class Handler(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        request = json.loads(self.rfile.read(int(self.headers["content-length"])))["request"]
        colour = (request["object"].get("data") or {}).get("colour")
        response = {"uid": request["uid"], "allowed": colour != "grey",
                    "status": {"message": "grey is no colour"}, "warnings": ["looked at by a pod"]}
        body = json.dumps({"kind": "AdmissionReview", "apiVersion": "admission.k8s.io/v1",
                           "response": response}).encode()
        self.send_response(200)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
server = http.server.ThreadingHTTPServer((os.environ["POD_IP"], 8443), Handler)
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain("/certs/tls.crt", "/certs/tls.key")
server.socket = context.wrap_socket(server.socket, server_side=True)
server.serve_forever()
"""


def until(attempt):
    """What the command answers once it works: a pod that is ready is not yet an endpoint."""
    end = time.monotonic() + 20
    while (done := attempt()).returncode:
        assert time.monotonic() < end, done.stderr
    return done


def only(namespace):
    return {"matchLabels": {"kubernetes.io/metadata.name": namespace}}


def test_a_definition_with_rules(kubectl):
    plural = f"ships{kubectl.minor}"
    text = DEFINITION.replace("PLURAL", plural).replace("KIND", plural.title())

    def ship(**spec):
        return json.dumps({
            "apiVersion": "sea.example.com/v1", "kind": plural.title(),
            "metadata": {"name": "s"}, "spec": spec,
        })  # fmt: skip

    def refused(text):
        return kubectl("apply", "-f", "-", text=text, check=False).stderr

    assert "undefined field 'oars'" in refused(text.replace("self.masts,", "self.oars,"))
    kubectl("apply", "-f", "-", text=text)
    explained = kubectl("explain", f"{plural}.spec")
    assert "How many there are" in explained
    assert "each mast needs a sail" in refused(ship(sails=1, masts=2))
    assert 'unknown field "spec.oars"' in refused(ship(sails=1, oars=2))
    kubectl("apply", "-f", "-", text=ship(sails=2))
    assert "had 1" in refused(ship(sails=2, masts=2))
    kubectl("apply", "--server-side", "--force-conflicts", "-f", "-", text=ship(sails=3))
    command = ["apply", "--server-side", "--validate=false", "-f", "-"]
    unknown = kubectl(*command, text=ship(sails=3, oars=2), check=False)
    assert "field not declared in schema" in unknown.stderr
    assert kubectl("get", plural).split()[:2] == ["NAME", "SAILS"]
    assert kubectl("get", plural, "-o", "wide").split()[:3] == ["NAME", "SAILS", "MASTS"]
    assert kubectl("get", plural, "--field-selector", "spec.sails=3", "-o", "name").strip()
    assert not kubectl("get", plural, "--field-selector", "spec.sails=4", "-o", "name").strip()
    kubectl("delete", "crd", f"{plural}.sea.example.com")


def test_a_webhook_in_a_pod(kubectl, tmp_path):
    space = kubectl.namespace
    keys = certificates.ensure(tmp_path, SystemClock(), [f"hook.{space}.svc"])
    encoded = {
        path.name: base64.b64encode(path.read_bytes()).decode()
        for path in (keys.ca, keys.certificate, keys.key)
    }
    container = {
        "name": "main", "image": "python:3.11", "command": ["python3", "-c", SERVER],
        "ports": [{"containerPort": 8443}],
        "env": [{"name": "POD_IP", "valueFrom": {"fieldRef": {"fieldPath": "status.podIP"}}}],
        "readinessProbe": {"tcpSocket": {"port": 8443}, "periodSeconds": 1},
        "volumeMounts": [{"name": "certs", "mountPath": "/certs"}],
    }  # fmt: skip
    webhook = {
        "name": "colours.example.com", "sideEffects": "None", "admissionReviewVersions": ["v1"],
        "clientConfig": {"service": {"name": "hook", "namespace": space},
                         "caBundle": encoded["ca.crt"]},
        "namespaceSelector": only(space),
        "rules": [{"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE", "UPDATE"],
                   "resources": ["configmaps"]}],
    }  # fmt: skip
    objects = [
        {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "certs"},
         "type": "kubernetes.io/tls",
         "data": {"tls.crt": encoded["server.crt"], "tls.key": encoded["server.key"]}},
        {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "hook"},
         "spec": {"selector": {"app": "hook"}, "ports": [{"port": 443, "targetPort": 8443}]}},
        {"apiVersion": "v1", "kind": "Pod",
         "metadata": {"name": "hook", "labels": {"app": "hook"}},
         "spec": {"containers": [container], "terminationGracePeriodSeconds": 0,
                  "volumes": [{"name": "certs", "secret": {"secretName": "certs"}}]}},
        {"apiVersion": "admissionregistration.k8s.io/v1", "kind": "ValidatingWebhookConfiguration",
         "metadata": {"name": space}, "webhooks": [webhook]},
    ]  # fmt: skip
    kubectl(
        "create", "-f", "-", text=json.dumps({"apiVersion": "v1", "kind": "List", "items": objects})
    )
    try:
        kubectl("wait", "--for=condition=Ready", "pod/hook", "--timeout=30s")
        command = ["create", "configmap", "--from-literal"]
        done = until(lambda: kubectl(*command, "colour=red", "red", check=False))
        assert "looked at by a pod" in done.stderr
        denied = kubectl(*command, "colour=grey", "grey", check=False)
        said = 'admission webhook "colours.example.com" denied the request: grey is no colour'
        assert said in denied.stderr
        denied = kubectl(
            "patch", "configmap", "red", "-p", '{"data":{"colour":"grey"}}', check=False
        )
        assert said in denied.stderr
    finally:
        kubectl("delete", "validatingwebhookconfiguration", space)


def test_a_policy(kubectl):
    space = kubectl.namespace
    rules = [{"apiGroups": ["apps"], "apiVersions": ["v1"], "operations": ["CREATE", "UPDATE"],
              "resources": ["deployments"]}]  # fmt: skip
    policy = {
        "matchConstraints": {"resourceRules": rules, "namespaceSelector": only(space)},
        "validations": [{"expression": "object.spec.replicas <= 2"}],
    }
    bound = {"policyName": space, "validationActions": ["Deny"]}
    items = [
        {"apiVersion": "admissionregistration.k8s.io/v1", "kind": kind,
         "metadata": {"name": space}, "spec": spec}
        for kind, spec in (
            ("ValidatingAdmissionPolicy", policy),
            ("ValidatingAdmissionPolicyBinding", bound),
        )
    ]  # fmt: skip
    kubectl(
        "apply", "-f", "-", text=json.dumps({"apiVersion": "v1", "kind": "List", "items": items})
    )
    try:
        kubectl("create", "deployment", "few", "--image=busybox", "--replicas=1")
        many = kubectl(
            "create", "deployment", "many", "--image=busybox", "--replicas=3", check=False
        )
        assert (
            f"ValidatingAdmissionPolicy '{space}' with binding '{space}' denied request:"
            " failed expression: object.spec.replicas <= 2"
        ) in many.stderr
        scaled = kubectl("patch", "deployment", "few", "-p", '{"spec":{"replicas":5}}', check=False)
        assert "failed expression" in scaled.stderr
    finally:
        kubectl("delete", "validatingadmissionpolicybinding,validatingadmissionpolicy", space)

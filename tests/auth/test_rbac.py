"""Who may do what, given roles and bindings."""

from types import SimpleNamespace

import pytest

from sampan.auth.rbac import Rbac
from sampan.auth.roles import objects
from sampan.kinds.core import roles
from sampan.kube.access import ANONYMOUS, SYSTEM, Attributes, User
from sampan.kube.keys import key_of
from sampan.kube.labels import matches
from sampan.kube.labels import of as label

ADA = User("ada", ("team", "system:authenticated"))
ROBOT = User("system:serviceaccount:ns:robot", ("system:serviceaccounts",))


def rbac(*manifests):
    known = aggregated({key_of(m): m for m in (*objects(), *manifests)})
    return Rbac(lambda kind: [m for k, m in known.items() if k.kind == kind], known.get)


def aggregated(known):
    """As the controller leaves them: rounds until nothing changes."""
    view = SimpleNamespace(
        get=known.get,
        select=lambda kind, labels: [
            m for k, m in known.items() if k.kind == kind and matches(labels, label(m))
        ],
    )
    for _ in range(3):
        for key in list(known):
            if (seen := roles.see(view, key)) is not None:
                for action in roles.decide(seen).actions:
                    known[key] = known[key] | action.patch
    return known


def binding(role, subject, namespace="", role_kind="ClusterRole"):
    kind = "RoleBinding" if namespace else "ClusterRoleBinding"
    meta = {"name": "b", "namespace": namespace} if namespace else {"name": "b"}
    return {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": kind,
        "metadata": meta,
        "roleRef": {"kind": role_kind, "name": role},
        "subjects": [subject],
    }


def role(*rules, namespace="ns"):
    return {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "Role",
        "metadata": {"name": "r", "namespace": namespace},
        "rules": list(rules),
    }


PODS = Attributes("list", resource="pods", namespace="ns")
USER_ADA = {"kind": "User", "name": "ada"}


@pytest.mark.parametrize(
    ("manifests", "user", "asks", "allowed"),
    [
        pytest.param([], SYSTEM, PODS, True, id="masters-may-all"),
        pytest.param([], ADA, PODS, False, id="nothing-bound"),
        pytest.param([binding("view", USER_ADA)], ADA, PODS, True, id="everywhere"),
        pytest.param([binding("view", USER_ADA, "ns")], ADA, PODS, True, id="in-its-namespace"),
        pytest.param([binding("view", USER_ADA, "else")], ADA, PODS, False, id="not-in-another"),
        pytest.param(
            [binding("edit", {"kind": "Group", "name": "team"}, "ns")], ADA, PODS, True, id="group"
        ),
        pytest.param(
            [binding("view", {"kind": "ServiceAccount", "name": "robot"}, "ns")],
            ROBOT,
            PODS,
            True,
            id="account-of-the-binding's-namespace",
        ),
        pytest.param(
            [binding("view", USER_ADA, "ns")],
            ADA,
            Attributes("get", resource="secrets", namespace="ns"),
            False,
            id="view-hides-secrets",
        ),
        pytest.param(
            [binding("view", USER_ADA, "ns")],
            ADA,
            Attributes("create", resource="pods", subresource="exec", namespace="ns"),
            False,
            id="view-may-not-exec",
        ),
        pytest.param([binding("gone", USER_ADA)], ADA, PODS, False, id="role-that-does-not-exist"),
        pytest.param([], ADA, Attributes("get", path="/api/v1"), True, id="discovery"),
        pytest.param([], ANONYMOUS, Attributes("get", path="/version"), True, id="version"),
        pytest.param([], ANONYMOUS, Attributes("get", path="/api"), False, id="no-discovery"),
    ],
)
def test_decision(manifests, user, asks, allowed):
    assert rbac(*manifests).allowed(user, asks) is allowed


@pytest.mark.parametrize(
    ("rule", "asks", "allowed"),
    [
        pytest.param(
            {"verbs": ["get"], "apiGroups": [""], "resources": ["pods"], "resourceNames": ["a"]},
            Attributes("get", resource="pods", namespace="ns", name="b"),
            False,
            id="another-name",
        ),
        pytest.param(
            {"verbs": ["get"], "apiGroups": [""], "resources": ["*/log"]},
            Attributes("get", resource="pods", subresource="log", namespace="ns"),
            True,
            id="any-log",
        ),
        pytest.param(
            {"verbs": ["*"], "apiGroups": ["apps"], "resources": ["*"]}, PODS, False, id="group"
        ),
    ],
)
def test_rule(rule, asks, allowed):
    bound = rbac(role(rule), binding("r", USER_ADA, "ns", role_kind="Role"))
    assert bound.allowed(ADA, asks) is allowed


def test_a_change_is_seen_once_told():
    known = {}
    answers = Rbac(lambda kind: [m for k, m in known.items() if k.kind == kind], known.get)
    assert not answers.allowed(ADA, PODS)
    manifests = (*objects(), binding("view", USER_ADA))
    known.update(aggregated({key_of(m): m for m in manifests}))
    answers.forget()
    assert answers.allowed(ADA, PODS)


def test_rules_lists_what_holds_in_the_namespace():
    rules = rbac(binding("view", USER_ADA, "ns")).rules(ADA, "ns")
    assert any("pods" in rule.get("resources", ()) for rule in rules)

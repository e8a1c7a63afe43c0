"""Handing out rights: only one's own, whichever way the role or the binding is written."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from sampan.kube.access import Attributes, User

RBAC = "/apis/rbac.authorization.k8s.io/v1"
ROLES, CLUSTER_ROLES = f"{RBAC}/namespaces/a/roles", f"{RBAC}/clusterroles"
BINDINGS = f"{RBAC}/namespaces/a/rolebindings"
MINE = {"verbs": ["get"], "apiGroups": [""], "resources": ["pods"]}
MORE = {"verbs": ["get"], "apiGroups": [""], "resources": ["secrets"]}


def role(*rules: Any, name: str = "r", **more: Any) -> dict[str, Any]:
    return {"metadata": {"name": name}, "rules": list(rules), **more}


def binding(name: str, kind: str = "Role") -> dict[str, Any]:
    group = "rbac.authorization.k8s.io"
    return {
        "metadata": {"name": "b"},
        "roleRef": {"apiGroup": group, "kind": kind, "name": name},
        "subjects": [{"apiGroup": group, "kind": "User", "name": "me"}],
    }


def govern(client: Any, *, verbs: tuple[str, ...] = ()) -> None:
    """Let the reader write RBAC objects; he has `MINE`, and the verbs `escalate` or `bind`."""
    doors = client.server.asgi._access.authorizer

    def allowed(user: User, asks: Attributes) -> bool:
        if asks.verb in ("escalate", "bind"):
            return asks.verb in verbs
        return user.name == "admin" or asks.verb != "create" or asks.resource != "configmaps"

    doors.allowed = allowed
    doors.rules = lambda user, namespace: [MINE]


@pytest.fixture
def governed(serve: Callable[..., None]) -> Callable[..., None]:
    def start(scenario: Any, **options: Any) -> None:
        async def run(client: Any) -> None:
            govern(client, **options)
            await scenario(client)

        serve(run)

    return start


def test_a_role_may_say_what_its_writer_may_do(governed: Callable[..., None]) -> None:
    async def scenario(client: Any) -> None:
        assert (await client.post(ROLES, role(MINE), token="reader")).code == 201
        refused = await client.post(ROLES, role(MORE, name="s"), token="reader")
        assert refused.code == 403
        assert refused.message == (
            'roles.rbac.authorization.k8s.io "s" is forbidden: user "reader"'
            ' (groups=["system:authenticated"]) is attempting to grant RBAC permissions not'
            ' currently held:\n{APIGroups:[""], Resources:["secrets"], Verbs:["get"]}'
        )

    governed(scenario)


def test_no_way_of_writing_goes_around_it(governed: Callable[..., None]) -> None:
    async def scenario(client: Any) -> None:
        await client.post(ROLES, role(MINE))
        path, me = f"{ROLES}/r", {"token": "reader"}
        assert (await client("PUT", path, role(MORE), **me)).code == 403
        assert (await client.merge(path, {"rules": [MORE]}, **me)).code == 403
        applied = role(MORE) | {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "Role"}
        manager = "?fieldManager=m&force=true"
        assert (await client.apply(path + manager, applied, **me)).code == 403
        applied["metadata"]["name"] = "new"
        assert (await client.apply(f"{ROLES}/new{manager}", applied, **me)).code == 403
        assert (await client("PUT", f"{ROLES}/put", role(MORE, name="put"), **me)).code == 403
        labelled = await client.merge(path, {"metadata": {"labels": {"x": "y"}}}, **me)
        assert labelled.code == 200

    governed(scenario)


def test_who_aggregates_must_have_everything(governed: Callable[..., None]) -> None:
    async def scenario(client: Any) -> None:
        rule = {"clusterRoleSelectors": [{"matchLabels": {"x": "y"}}]}
        made = await client.post(CLUSTER_ROLES, role(aggregationRule=rule), token="reader")
        assert made.code == 403
        assert '{APIGroups:["*"], Resources:["*"], Verbs:["*"]}' in made.message
        assert (await client.post(CLUSTER_ROLES, role(aggregationRule=rule))).code == 201

    governed(scenario)


def test_a_binding_gives_no_more_than_its_writer_has(governed: Callable[..., None]) -> None:
    async def scenario(client: Any) -> None:
        await client.post(ROLES, role(MORE, name="more"))
        await client.post(ROLES, role(MINE, name="mine"))
        assert (await client.post(BINDINGS, binding("more"), token="reader")).code == 403
        lost = await client.post(BINDINGS, binding("lost", "ClusterRole"), token="reader")
        assert lost.code == 404
        assert lost.message == 'clusterroles.rbac.authorization.k8s.io "lost" not found'
        assert (await client.post(BINDINGS, binding("mine"), token="reader")).code == 201
        others = {
            "subjects": binding("mine")["subjects"] * 1
            + [{"kind": "User", "name": "you", "apiGroup": "rbac.authorization.k8s.io"}]
        }
        assert (await client.merge(f"{BINDINGS}/b", others, token="reader")).code == 200

    governed(scenario)


def test_escalate_and_bind_are_rights_of_their_own(governed: Callable[..., None]) -> None:
    async def scenario(client: Any) -> None:
        made = await client.post(ROLES, role(MORE), token="reader")
        bound = await client.post(BINDINGS, binding("r"), token="reader")
        assert (made.code, bound.code) == (201, 201)

    governed(scenario, verbs=("escalate", "bind"))


def test_an_apply_that_creates_needs_the_right_to_create(governed: Callable[..., None]) -> None:
    async def scenario(client: Any) -> None:
        path = "/api/v1/namespaces/a/configmaps/c"
        config = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "c"}}
        refused = await client.apply(f"{path}?fieldManager=m", config, token="reader")
        assert refused.code == 403
        assert 'cannot create resource "configmaps" in API group "" in the namespace "a"' in (
            refused.message
        )
        assert (await client.apply(f"{path}?fieldManager=m", config)).code == 201
        config["data"] = {"x": "y"}  # type: ignore[assignment]
        again = await client.apply(f"{path}?fieldManager=m&force=true", config, token="reader")
        assert again.code == 200

    governed(scenario)

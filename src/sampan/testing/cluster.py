"""ClusterContract: what every `Cluster` must do, as a test class to inherit.

    class TestMine(ClusterContract):
        @asynccontextmanager
        async def opened(self):
            yield MyCluster(...)

Each test opens a cluster, makes a namespace of its own with a generated name, and deletes it in
the end, so that the same class can run against a cluster that others use. Only what both a
Kubernetes API server and the in-memory fake can do is asked for.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from contextlib import AbstractAsyncContextManager, suppress
from typing import Any

import pytest

from sampan.engine.cluster import Change, Cluster
from sampan.kube import meta, names
from sampan.kube.errors import AlreadyExists, Conflict, Forbidden, Invalid, NotFound
from sampan.kube.keys import Key, Manifest, key_of

PATIENCE = 10.0


async def eventually(truth: Callable[[], object], patience: float = PATIENCE) -> None:
    """Wait until it holds; AssertionError when it does not in time."""
    deadline = asyncio.get_running_loop().time() + patience
    while not truth():
        assert asyncio.get_running_loop().time() < deadline, "it never came true"
        await asyncio.sleep(0.002)


class Place:
    """The cluster and the namespace of one test, with builders for its objects."""

    def __init__(self, cluster: Cluster, namespace: str) -> None:
        self.cluster = cluster
        self.namespace = namespace

    def key(self, name: str, kind: str = names.CONFIG_MAP) -> Key:
        return Key(kind, self.namespace, name)

    def config_map(self, name: str, data: dict[str, str] | None = None, **more: Any) -> Manifest:
        where = {"name": name, "namespace": self.namespace, **more}
        return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": where, "data": data or {}}

    def pod(self, name: str) -> Manifest:
        container = {"name": "main", "image": "busybox", "command": ["true"]}
        return {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {"name": name, "namespace": self.namespace},
            "spec": {
                "containers": [container],
                "automountServiceAccountToken": False,
                # A cluster with a scheduler must leave it alone: the tests bind it themselves.
                "schedulerName": "nobody",
            },
        }

    async def changes(
        self, kind: str = names.CONFIG_MAP
    ) -> tuple[list[Change], Callable[[], None]]:
        """What is told about the kind in this namespace from now on."""
        seen: list[Change] = []
        await self.cluster.mirror(kind)

        def tell(change: Change) -> None:
            if change.key.namespace == self.namespace and change.key.name != "kube-root-ca.crt":
                seen.append(change)

        return seen, self.cluster.subscribe(kind, tell)

    def names(self, kind: str = names.CONFIG_MAP) -> list[str]:
        found = [meta.name_of(each) for each in self.cluster.list(kind, self.namespace)]
        return [name for name in found if name != "kube-root-ca.crt"]


Test = Callable[[Any, Place], Coroutine[Any, Any, None]]


def in_cluster(test: Test) -> Callable[[Any], None]:
    """Make a test function of a coroutine that wants a Place."""

    def run(self: ClusterContract) -> None:
        asyncio.run(self._in_place(lambda place: test(self, place)))

    run.__doc__ = test.__doc__
    return run


class ClusterContract:
    def opened(self) -> AbstractAsyncContextManager[Cluster]:
        """Opens a cluster for one test and closes it. Subclasses say how."""
        raise NotImplementedError

    async def _in_place(self, test: Callable[[Place], Coroutine[Any, Any, None]]) -> None:
        async with self.opened() as cluster:
            for kind in (names.NAMESPACE, names.CONFIG_MAP, names.POD):
                await cluster.mirror(kind)
            made = await cluster.create(
                {"apiVersion": "v1", "kind": "Namespace", "metadata": {"generateName": "contract-"}}
            )
            name = meta.name_of(made)
            try:
                await test(Place(cluster, name))
            finally:
                with suppress(NotFound):
                    await cluster.delete(Key(names.NAMESPACE, "", name))

    # -- create and read --------------------------------------------------------------------------
    @in_cluster
    async def test_create_fills_in_what_the_cluster_knows(self, at: Place) -> None:
        made = await at.cluster.create(at.config_map("a", {"x": "1"}))
        where = made["metadata"]
        assert made["data"] == {"x": "1"}
        assert where["uid"]
        assert where["resourceVersion"]
        assert where["creationTimestamp"].endswith("Z")

    @in_cluster
    async def test_a_settled_write_can_be_read(self, at: Place) -> None:
        made = await at.cluster.create(at.config_map("a"))
        await at.cluster.settled(made)
        live = at.cluster.get(at.key("a"))
        assert live is not None
        assert live["metadata"]["resourceVersion"] == made["metadata"]["resourceVersion"]

    @in_cluster
    async def test_what_is_absent_reads_as_none(self, at: Place) -> None:
        assert at.cluster.get(at.key("nothing")) is None

    @in_cluster
    async def test_create_twice_already_exists(self, at: Place) -> None:
        await at.cluster.create(at.config_map("a"))
        with pytest.raises(AlreadyExists, match='configmaps "a" already exists'):
            await at.cluster.create(at.config_map("a"))

    @in_cluster
    async def test_create_in_a_missing_namespace_is_not_found(self, at: Place) -> None:
        manifest = at.config_map("a", namespace=f"{at.namespace}-not")
        with pytest.raises(NotFound):
            await at.cluster.create(manifest)

    @in_cluster
    async def test_generate_name_makes_different_names(self, at: Place) -> None:
        manifest = at.config_map("")
        manifest["metadata"] = {"generateName": "gen-", "namespace": at.namespace}
        made = [await at.cluster.create(manifest) for _ in range(3)]
        found = {meta.name_of(each) for each in made}
        assert len(found) == 3
        assert all(name.startswith("gen-") and len(name) > 4 for name in found)

    @in_cluster
    async def test_a_name_is_required(self, at: Place) -> None:
        manifest = at.config_map("")
        manifest["metadata"] = {"namespace": at.namespace}
        with pytest.raises(Invalid) as caught:
            await at.cluster.create(manifest)
        assert caught.value.details["causes"][0]["field"] == "metadata.name"

    @in_cluster
    async def test_arguments_are_not_changed(self, at: Place) -> None:
        manifest = at.config_map("a", {"x": "1"})
        await at.cluster.create(manifest)
        await at.cluster.apply(manifest)
        assert manifest == at.config_map("a", {"x": "1"})

    # -- list and owned ---------------------------------------------------------------------------
    @in_cluster
    async def test_list_is_ordered_by_name(self, at: Place) -> None:
        for name in ("b", "a", "c"):
            await at.cluster.settled(await at.cluster.create(at.config_map(name)))
        assert at.names() == ["a", "b", "c"]

    @in_cluster
    async def test_list_of_all_namespaces_is_ordered_by_namespace(self, at: Place) -> None:
        await at.cluster.settled(await at.cluster.create(at.config_map("a")))
        keys = [key_of(each) for each in at.cluster.list(names.CONFIG_MAP)]
        assert at.key("a") in keys
        assert keys == sorted(keys)

    @in_cluster
    async def test_owned_finds_by_uid(self, at: Place) -> None:
        owner = await at.cluster.create(at.config_map("owner"))
        reference = meta.controlled_by(owner)
        for name in ("y", "x"):
            child = at.config_map(name, ownerReferences=[reference])
            await at.cluster.settled(await at.cluster.create(child))
        await at.cluster.settled(await at.cluster.create(at.config_map("stranger")))
        found = at.cluster.owned(meta.uid_of(owner), names.CONFIG_MAP, at.namespace)
        assert [meta.name_of(each) for each in found] == ["x", "y"]

    @in_cluster
    async def test_versions_are_others_when_objects_are(self, at: Place) -> None:
        owner = await at.cluster.create(at.config_map("owner"))
        reference = meta.controlled_by(owner)
        for name in ("y", "x"):
            child = at.config_map(name, ownerReferences=[reference])
            await at.cluster.settled(await at.cluster.create(child))
        where = meta.uid_of(owner), names.CONFIG_MAP, at.namespace
        before = dict(at.cluster.versions(*where))
        assert before.keys() == {at.key("x"), at.key("y")}
        await at.cluster.settled(await at.cluster.patch(at.key("x"), {"data": {"a": "1"}}))
        after = dict(at.cluster.versions(*where))
        assert after[at.key("y")] == before[at.key("y")]
        assert after[at.key("x")] != before[at.key("x")]

    @in_cluster
    async def test_owned_follows_the_owner_references(self, at: Place) -> None:
        owner = await at.cluster.create(at.config_map("owner"))
        child = at.config_map("x", ownerReferences=[meta.controlled_by(owner)])
        made = await at.cluster.create(child)
        await at.cluster.settled(made)
        freed = await at.cluster.patch(at.key("x"), {"metadata": {"ownerReferences": []}})
        await at.cluster.settled(freed)
        assert not at.cluster.owned(meta.uid_of(owner), names.CONFIG_MAP, at.namespace)

    # -- apply ------------------------------------------------------------------------------------
    @in_cluster
    async def test_apply_creates(self, at: Place) -> None:
        made = await at.cluster.apply(at.config_map("a", {"x": "1"}))
        assert made["data"] == {"x": "1"}

    @in_cluster
    async def test_apply_without_a_change_writes_nothing(self, at: Place) -> None:
        first = await at.cluster.apply(at.config_map("a", {"x": "1"}))
        again = await at.cluster.apply(at.config_map("a", {"x": "1"}))
        assert again["metadata"]["resourceVersion"] == first["metadata"]["resourceVersion"]

    @in_cluster
    async def test_apply_leaves_the_fields_of_others(self, at: Place) -> None:
        await at.cluster.apply(at.config_map("a", {"x": "1"}), manager="one")
        both = await at.cluster.apply(at.config_map("a", {"y": "2"}), manager="two")
        assert both["data"] == {"x": "1", "y": "2"}

    @in_cluster
    async def test_apply_takes_back_what_it_no_longer_says(self, at: Place) -> None:
        await at.cluster.apply(at.config_map("a", {"x": "1", "y": "2"}))
        less = await at.cluster.apply(at.config_map("a", {"x": "1"}))
        assert less["data"] == {"x": "1"}

    @in_cluster
    async def test_apply_wins_over_another_manager(self, at: Place) -> None:
        await at.cluster.apply(at.config_map("a", {"x": "1"}), manager="one")
        forced = await at.cluster.apply(at.config_map("a", {"x": "2"}), manager="two")
        assert forced["data"] == {"x": "2"}

    # -- replace and patch ------------------------------------------------------------------------
    @in_cluster
    async def test_replace_of_the_latest_state(self, at: Place) -> None:
        made = await at.cluster.create(at.config_map("a", {"x": "1"}))
        new = await at.cluster.replace({**made, "data": {"z": "3"}})
        assert new["data"] == {"z": "3"}
        assert new["metadata"]["uid"] == made["metadata"]["uid"]

    @in_cluster
    async def test_replace_of_an_old_state_conflicts(self, at: Place) -> None:
        made = await at.cluster.create(at.config_map("a"))
        await at.cluster.replace({**made, "data": {"x": "1"}})
        with pytest.raises(Conflict, match="the object has been modified"):
            await at.cluster.replace({**made, "data": {"x": "2"}})

    @in_cluster
    async def test_replace_of_nothing_is_not_found(self, at: Place) -> None:
        made = await at.cluster.create(at.config_map("a"))
        await at.cluster.delete(at.key("a"))
        with pytest.raises(NotFound):
            await at.cluster.replace(made)

    @in_cluster
    async def test_merge_patch_removes_with_null(self, at: Place) -> None:
        await at.cluster.create(at.config_map("a", {"x": "1", "y": "2"}))
        new = await at.cluster.patch(at.key("a"), {"data": {"x": None, "z": "3"}})
        assert new["data"] == {"y": "2", "z": "3"}

    @in_cluster
    async def test_patch_of_an_old_revision_conflicts(self, at: Place) -> None:
        made = await at.cluster.create(at.config_map("a"))
        version = made["metadata"]["resourceVersion"]
        await at.cluster.patch(at.key("a"), {"data": {"x": "1"}})
        with pytest.raises(Conflict):
            await at.cluster.patch(
                at.key("a"), {"metadata": {"resourceVersion": version}, "data": {}}
            )

    @in_cluster
    async def test_status_is_written_only_through_its_subresource(self, at: Place) -> None:
        made = await at.cluster.create({**at.pod("p"), "status": {"phase": "Failed"}})
        assert made.get("status", {}).get("phase") != "Failed"
        message = {**made.get("status", {}), "message": "by the subresource"}
        new = await at.cluster.replace({**made, "status": message}, subresource="status")
        assert new["status"]["message"] == "by the subresource"
        plain = await at.cluster.patch(at.key("p", names.POD), {"status": {"message": "lost"}})
        assert plain["status"]["message"] == "by the subresource"

    @in_cluster
    async def test_a_binding_names_the_node(self, at: Place) -> None:
        await at.cluster.create(at.pod("p"))
        target = {"apiVersion": "v1", "kind": "Node", "name": "n1"}
        binding = {
            "apiVersion": "v1",
            "kind": "Binding",
            "metadata": {"name": "p", "namespace": at.namespace},
            "target": target,
        }
        await at.cluster.post(at.key("p", names.POD), "binding", binding)
        await eventually(lambda: _spec(at, "p").get("nodeName") == "n1")
        await at.cluster.delete(at.key("p", names.POD), grace=0)

    # -- delete -----------------------------------------------------------------------------------
    @in_cluster
    async def test_delete(self, at: Place) -> None:
        await at.cluster.settled(await at.cluster.create(at.config_map("a")))
        await at.cluster.delete(at.key("a"))
        await eventually(lambda: at.cluster.get(at.key("a")) is None)
        with pytest.raises(NotFound):
            await at.cluster.delete(at.key("a"))

    @in_cluster
    async def test_delete_of_another_uid_conflicts(self, at: Place) -> None:
        made = await at.cluster.create(at.config_map("a"))
        with pytest.raises(Conflict):
            await at.cluster.delete(at.key("a"), uid="00000000-0000-4000-8000-ffffffffffff")
        await at.cluster.delete(at.key("a"), uid=meta.uid_of(made))

    @in_cluster
    async def test_finalizers_hold_an_object(self, at: Place) -> None:
        made = await at.cluster.create(at.config_map("a", finalizers=["example.com/hold"]))
        await at.cluster.settled(made)
        await at.cluster.delete(at.key("a"))
        await eventually(lambda: meta.deleting(at.cluster.get(at.key("a")) or made))
        await at.cluster.patch(at.key("a"), {"metadata": {"finalizers": []}})
        await eventually(lambda: at.cluster.get(at.key("a")) is None)

    @in_cluster
    async def test_no_new_finalizer_while_deleting(self, at: Place) -> None:
        await at.cluster.create(at.config_map("a", finalizers=["example.com/hold"]))
        await at.cluster.delete(at.key("a"))
        held = {"metadata": {"finalizers": ["example.com/hold", "example.com/more"]}}
        with pytest.raises((Invalid, Forbidden), match="no new finalizers can be added"):
            await at.cluster.patch(at.key("a"), held)
        await at.cluster.patch(at.key("a"), {"metadata": {"finalizers": []}})

    @in_cluster
    async def test_orphaning_adds_its_finalizer(self, at: Place) -> None:
        made = await at.cluster.create(at.config_map("a", finalizers=["example.com/hold"]))
        await at.cluster.settled(made)
        await at.cluster.delete(at.key("a"), propagation="Orphan")
        await eventually(lambda: meta.deleting(at.cluster.get(at.key("a")) or made))
        dying = at.cluster.get(at.key("a"))
        assert dying is not None
        assert "example.com/hold" in meta.finalizers(dying)
        await at.cluster.patch(at.key("a"), {"metadata": {"finalizers": []}})

    # -- subscribe --------------------------------------------------------------------------------
    @in_cluster
    async def test_a_subscription_starts_with_what_is_there(self, at: Place) -> None:
        await at.cluster.settled(await at.cluster.create(at.config_map("a")))
        seen, stop = await at.changes()
        await eventually(lambda: seen)
        stop()
        assert [(each.type, each.key.name) for each in seen] == [("ADDED", "a")]

    @in_cluster
    async def test_changes_come_in_order(self, at: Place) -> None:
        seen, stop = await at.changes()
        await at.cluster.create(at.config_map("a"))
        await at.cluster.patch(at.key("a"), {"data": {"x": "1"}})
        await at.cluster.create(at.config_map("b"))
        await at.cluster.delete(at.key("a"))
        await eventually(lambda: len(seen) >= 4)
        stop()
        assert [(each.type, each.key.name) for each in seen] == [
            ("ADDED", "a"),
            ("MODIFIED", "a"),
            ("ADDED", "b"),
            ("DELETED", "a"),
        ]

    @in_cluster
    async def test_a_change_shows_the_state_after_it(self, at: Place) -> None:
        seen, stop = await at.changes()
        await at.cluster.create(at.config_map("a", {"x": "1"}))
        await at.cluster.patch(at.key("a"), {"data": {"x": "2"}})
        await eventually(lambda: len(seen) == 2)
        stop()
        assert [each.manifest["data"] for each in seen] == [{"x": "1"}, {"x": "2"}]
        assert all(each.manifest["kind"] == "ConfigMap" for each in seen)

    @in_cluster
    async def test_nothing_is_told_after_stop(self, at: Place) -> None:
        seen, stop = await at.changes()
        stop()
        await at.cluster.settled(await at.cluster.create(at.config_map("a")))
        assert not seen

    # -- kinds ------------------------------------------------------------------------------------
    @in_cluster
    async def test_has_kind(self, at: Place) -> None:
        assert at.cluster.has_kind(names.CONFIG_MAP)

    @in_cluster
    async def test_a_namespace_is_of_the_cluster(self, at: Place) -> None:
        await eventually(lambda: at.cluster.get(Key(names.NAMESPACE, "", at.namespace)))


def _spec(at: Place, name: str) -> Manifest:
    pod = at.cluster.get(at.key(name, names.POD))
    return dict((pod or {}).get("spec") or {})

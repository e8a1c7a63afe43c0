"""Namespace: what each gets, and how one ends.

    Active ──delete──> Terminating: pods ──gone──> all the rest ──gone──> finalized

`NAMESPACE_HOME` gives a namespace its default ServiceAccount and the cluster's root CA;
`NAMESPACE_END` deletes the contents of one that is being deleted, pods first, and then removes the
finalizer that holds it. What holds the contents themselves (finalizers) is for others to do.
Upstream: kubernetes pkg/controller/{namespace,serviceaccount,certificates/rootcacertpublisher}.
"""

from __future__ import annotations

from sampan.kinds.core import manifests, status
from sampan.kinds.core.types import Dying, Home
from sampan.kube import meta, names
from sampan.kube.keys import Key, Manifest, key_of
from sampan.kube.plan import NOTHING, Action, Apply, Controller, Delete, Patch, Plan, View


def see_home(view: View, key: Key) -> Home | None:
    namespace = view.get(key)
    if namespace is None or meta.deleting(namespace):
        return None
    view.get(Key(names.SERVICE_ACCOUNT, key.name, names.DEFAULT_ACCOUNT))  # ask if it is deleted
    view.get(Key(names.CONFIG_MAP, key.name, names.ROOT_CA))
    authority = view.get(Key(names.CONFIG_MAP, names.SYSTEM_NAMESPACE, names.ROOT_CA))
    return Home(namespace, authority)


def decide_home(home: Home) -> Plan:
    name = meta.name_of(home.namespace)
    actions: list[Action] = [Apply(manifests.default_account(name))]
    if home.authority is not None and name != names.SYSTEM_NAMESPACE:
        actions.append(Apply(manifests.root_ca(name, home.authority)))
    return Plan(actions=tuple(actions))


def see_end(view: View, key: Key) -> Dying | None:
    namespace = view.get(key)
    if namespace is None or not meta.deleting(namespace):
        return None
    return Dying(namespace, tuple(view.contents(key.name)), view.now())


def decide_end(dying: Dying) -> Plan:
    if not dying.contents:
        return _finalize(dying.namespace)
    pods = tuple(each for each in dying.contents if each["kind"] == "Pod")
    first = pods or dying.contents
    return Plan(
        status=status.terminating(dying),
        actions=tuple(
            Delete(key_of(each), uid=meta.uid_of(each)) for each in first if not meta.deleting(each)
        ),
    )


def _finalize(namespace: Manifest) -> Plan:
    held = namespace.get("spec", {}).get("finalizers") or []
    if names.FINALIZER_NAMESPACE not in held:
        return NOTHING
    patch = {
        "metadata": {"resourceVersion": namespace["metadata"]["resourceVersion"]},
        "spec": {"finalizers": [each for each in held if each != names.FINALIZER_NAMESPACE]},
    }
    return Plan(actions=(Patch(key_of(namespace), patch, subresource="finalize"),))


def _is_deleting(namespace: Manifest) -> bool:
    return meta.deleting(namespace)


NAMESPACE_HOME = Controller(
    name="namespace-home", of=names.NAMESPACE, see=see_home, decide=decide_home
)
NAMESPACE_END = Controller(
    name="namespace-end", of=names.NAMESPACE, see=see_end, decide=decide_end, concerns=_is_deleting
)

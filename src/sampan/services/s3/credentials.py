"""Who may use the buckets of a namespace: Secret `mlpipeline-minio-artifact` in it.

Made with random keys for the first user's namespace and for each that has a run of a pipeline; who
may read the Secret may use the buckets. The access key names the namespace, so that it is found
without a search; an owner may set another one, as long as no other namespace has it.
Upstream: kubeflow/pipelines manifests (mlpipeline-minio-artifact), which has one pair for all.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import logging
import secrets
from collections.abc import Callable

from sampan.engine.cluster import Change, Cluster
from sampan.kube import names
from sampan.kube.errors import AlreadyExists, ApiStatus
from sampan.kube.keys import Key, Manifest

log = logging.getLogger(__name__)

ACCESS_KEY, SECRET_KEY = "accesskey", "secretkey"


class Credentials:
    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self._asked: set[str] = set()
        self._work: set[asyncio.Task[None]] = set()
        self._unsubscribe: Callable[[], None] | None = None

    async def start(self) -> None:
        await self._cluster.mirror(names.SECRET)
        await self._cluster.mirror(names.RUN)
        self._want(names.DEFAULT_USER_NAMESPACE)
        self._unsubscribe = self._cluster.subscribe(names.RUN, self._changed)

    async def stop(self) -> None:
        if self._unsubscribe is not None:
            self._unsubscribe()
        for task in self._work:
            task.cancel()
        await asyncio.gather(*self._work, return_exceptions=True)

    def find(self, access_key: str) -> tuple[str, str] | None:
        """(namespace, secret key), None when nobody has this access key, or several."""
        namespace = access_key.partition(".")[0]
        own = self._cluster.get(Key(names.SECRET, namespace, names.ARTIFACT_SECRET))
        if own is not None and _value(own, ACCESS_KEY) == access_key:
            found = [own]
        else:
            every = self._cluster.list(names.SECRET)
            found = [each for each in every if each["metadata"]["name"] == names.ARTIFACT_SECRET
                     and _value(each, ACCESS_KEY) == access_key]  # fmt: skip
        if len(found) != 1 or not (secret := _value(found[0], SECRET_KEY)):
            return None
        return found[0]["metadata"]["namespace"], secret

    def _changed(self, change: Change) -> None:
        if change.type != "DELETED":
            self._want(change.key.namespace)

    def _want(self, namespace: str) -> None:
        if namespace in self._asked:
            return
        self._asked.add(namespace)
        task = asyncio.create_task(self._make(namespace))
        self._work.add(task)
        task.add_done_callback(self._work.discard)

    async def _make(self, namespace: str) -> None:
        if self._cluster.get(Key(names.SECRET, namespace, names.ARTIFACT_SECRET)) is not None:
            return
        keys = {
            ACCESS_KEY: f"{namespace}.{secrets.token_hex(8)}",
            SECRET_KEY: secrets.token_urlsafe(30),
        }
        try:
            await self._cluster.create({
                "apiVersion": "v1",
                "kind": "Secret",
                "metadata": {"name": names.ARTIFACT_SECRET, "namespace": namespace},
                "type": "Opaque",
                "data": {k: base64.b64encode(v.encode()).decode() for k, v in keys.items()},
            })  # fmt: skip
        except AlreadyExists:
            return
        except ApiStatus as error:
            self._asked.discard(namespace)
            log.warning("no keys for the buckets of %s: %s", namespace, error.message)


def _value(secret: Manifest, key: str) -> str:
    try:
        return base64.b64decode((secret.get("data") or {}).get(key) or "").decode()
    except (binascii.Error, ValueError):
        return ""

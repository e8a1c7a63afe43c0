"""The volumes of one pod: made ready before its first container, kept up to date, mounted.

`prepare` may be called again and again; it goes on where something was missing. Small files are
written at once, without threads: a token, a certificate and a namespace take 0.3 ms.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from msgspec import Struct

from sampan.engine.cluster import Cluster
from sampan.kube import names, quantities, volumes
from sampan.kube.errors import ApiStatus
from sampan.kube.keys import Key
from sampan.nodes.facts import ConfigError, PodFacts
from sampan.nodes.sandbox.spec import Mount
from sampan.nodes.volumes import beneath, files, places, trees
from sampan.nodes.volumes.files import TokenWish, VolumeError

_REFRESH_AT = 0.8  # of a token's life, as the kubelet does
_SHARED_MEMORY = "/dev/shm"


class Place(Struct, frozen=True):
    """`memory` is set for an emptyDir that a tmpfs of one container can stand for."""

    source: str
    read_only: bool = False
    memory: int | None = None


class Token(Struct, frozen=True):
    text: str
    renew_at: float


class PodVolumes:
    def __init__(self, directory: Path, home: Path, cluster: Cluster) -> None:
        """`directory` is the pod's own, `home` is Sampan's and must not be shown."""
        self._directory = directory
        self._home = home
        self._cluster = cluster
        self._places: dict[str, Place] = {}
        self._tokens: dict[TokenWish, Token] = {}

    async def prepare(self, facts: PodFacts) -> None:
        """Make every volume ready. VolumeError names the first that is not."""
        for volume in facts.pod["spec"].get("volumes") or ():
            if volume["name"] not in self._places:
                try:
                    self._places[volume["name"]] = await self._place(facts, volume)
                except (VolumeError, ConfigError, OSError) as error:
                    final = isinstance(error, VolumeError) and error.final
                    message = f'MountVolume.SetUp failed for volume "{volume["name"]}" : {error}'
                    raise VolumeError(message, final=final) from error

    async def refresh(self, facts: PodFacts) -> None:
        """Bring files up to date with their objects and renew tokens. What has gone since stays
        as it was, as the kubelet keeps it."""
        for volume in facts.pod["spec"].get("volumes") or ():
            if any(kind in volume for kind in files.KINDS):
                try:
                    self._places[volume["name"]] = await self._place(facts, volume)
                except (VolumeError, ConfigError, OSError):
                    continue

    @property
    def renew_at(self) -> float | None:
        """When (seconds since the epoch) a token should be renewed."""
        return min((token.renew_at for token in self._tokens.values()), default=None)

    def mounts(self, container: Mapping[str, Any], expand: Callable[[str], str]) -> Iterator[Mount]:
        """The container's volumeMounts. ConfigError when a subPath leads out of its volume."""
        for wish in container.get("volumeMounts") or ():
            place = self._places.get(wish["name"])
            if place is None:
                raise ConfigError(f'volume "{wish["name"]}" is not there')
            read_only = place.read_only or bool(wish.get("readOnly"))
            path = wish.get("subPath") or expand(wish.get("subPathExpr") or "")
            if not path:
                yield Mount(wish["mountPath"], place.source, read_only, place.memory)
                continue
            try:
                source = beneath.resolve(place.source, path, create=not place.read_only)
            except beneath.Escape as error:
                message = f'failed to prepare subPath for volume "{wish["name"]}": {error}'
                raise ConfigError(message) from error
            yield Mount(wish["mountPath"], source, read_only)

    async def _place(self, facts: PodFacts, volume: Mapping[str, Any]) -> Place:
        name = volume["name"]
        directory = self._directory / name
        if any(kind in volume for kind in files.KINDS):
            await self._fetch_tokens(facts, volume)
            tokens = {wish: token.text for wish, token in self._tokens.items()}
            trees.write(directory, files.tree(facts, volume, tokens))
            return Place(str(directory), read_only=True)
        if "emptyDir" in volume:
            body = volume["emptyDir"] or {}
            return Place(places.empty(directory), memory=_memory(facts, name, body))
        if "hostPath" in volume:
            return Place(places.host_path(volume["hostPath"], self._home))
        if "persistentVolumeClaim" in volume:
            body = volume["persistentVolumeClaim"]
            return self._claim(facts, body["claimName"], read_only=bool(body.get("readOnly")))
        if "ephemeral" in volume:
            return self._own_claim(facts, volume)
        kinds = ", ".join(key for key in volume if key != "name")
        raise VolumeError(f"{kinds} is not supported by this node", final=True)

    def _own_claim(self, facts: PodFacts, volume: Mapping[str, Any]) -> Place:
        name = volumes.ephemeral_claim(facts.pod, volume)
        found = facts.find(names.PERSISTENT_VOLUME_CLAIM, name)
        if found is not None and (fault := volumes.stranger(facts.pod, found)):
            raise VolumeError(fault)
        return self._claim(facts, name)

    def _claim(self, facts: PodFacts, name: str, *, read_only: bool = False) -> Place:
        found = facts.find(names.PERSISTENT_VOLUME_CLAIM, name)
        key = places.volume_key(found) if found else None
        volume = self._cluster.get(key) if key else None
        path, kept = places.claim(facts, name, volume, self._home)
        return Place(path, read_only=read_only or kept)

    async def _fetch_tokens(self, facts: PodFacts, volume: Mapping[str, Any]) -> None:
        for wish in files.token_wishes(volume):
            held = self._tokens.get(wish)
            if held is None or held.renew_at <= time.time():
                self._tokens[wish] = await self._token(facts, wish)

    async def _token(self, facts: PodFacts, wish: TokenWish) -> Token:
        meta, spec = facts.pod["metadata"], facts.pod["spec"]
        account = spec.get("serviceAccountName") or "default"
        request = {
            "apiVersion": "authentication.k8s.io/v1",
            "kind": "TokenRequest",
            "spec": {
                "audiences": [wish.audience] if wish.audience else [],
                "expirationSeconds": wish.seconds,
                "boundObjectRef": {
                    "apiVersion": "v1", "kind": "Pod", "name": meta["name"], "uid": meta["uid"],
                },
            },
        }  # fmt: skip
        key = Key(names.SERVICE_ACCOUNT, facts.namespace, account)
        try:
            answer = await self._cluster.post(key, "token", request)
        except ApiStatus as error:
            raise VolumeError(f"failed to fetch token: {error.message}") from error
        return Token(answer["status"]["token"], time.time() + wish.seconds * _REFRESH_AT)


def _memory(facts: PodFacts, name: str, body: Mapping[str, Any]) -> int | None:
    """The size of the tmpfs (0: no limit). None when the volume lies on disk: medium Memory is
    shared between containers that way, for each has a mount namespace of its own, and outlives a
    restart; of /dev/shm nobody expects that, but speed."""
    if body.get("medium") != "Memory":
        return None
    spec = facts.pod["spec"]
    users = [
        wish
        for container in (*spec["containers"], *(spec.get("initContainers") or ()))
        for wish in container.get("volumeMounts") or ()
        if wish["name"] == name
    ]
    if len(users) != 1 or users[0].get("subPath") or users[0].get("subPathExpr"):
        return None
    if spec.get("restartPolicy") != "Never" and users[0]["mountPath"].rstrip("/") != _SHARED_MEMORY:
        return None
    return quantities.value(body["sizeLimit"]) if body.get("sizeLimit") else 0

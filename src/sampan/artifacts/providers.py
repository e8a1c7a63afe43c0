"""Stores of a namespace's pipelines: ConfigMap `kfp-launcher` (`defaultPipelineRoot`, `providers`).

`providers` is YAML: for `minio`, `s3` and `gs` a default with credentials, and overrides by bucket
and prefix of the key, of which the first that fits counts. A scheme without one is the local
repository (upstream would ask its own MinIO, or the environment of the pod). Pure.
Upstream: kubeflow/pipelines backend/src/v2/config (env.go, s3.go, gcs.go, minio.go).
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import msgspec
from msgspec import Struct

from sampan.artifacts import uris
from sampan.artifacts.faults import Fault
from sampan.artifacts.uris import Address, Scheme
from sampan.kube.launcher import DEFAULT_ROOT
from sampan.kube.locations import Location
from sampan.lib import yaml


class BadProviders(Fault):
    """The ConfigMap says what makes no sense; the text says where."""


class SecretRef(Struct, frozen=True, kw_only=True):
    secretName: str = ""
    accessKeyKey: str = ""
    secretKeyKey: str = ""
    tokenKey: str = ""


class Credentials(Struct, frozen=True, kw_only=True):
    fromEnv: bool = False
    secretRef: SecretRef | None = None


class Place(Struct, frozen=True, kw_only=True):
    """A default, or an override: what an override does not say is the default's."""

    endpoint: str = ""
    region: str = ""
    disableSSL: bool | None = None
    forcePathStyle: bool | None = None
    maxRetries: int | None = None
    bucketName: str = ""
    keyPrefix: str = ""
    credentials: Credentials | None = None


class Provider(Struct, frozen=True, kw_only=True):
    default: Place | None = None
    overrides: tuple[Place, ...] | None = None


class Stores(Struct, frozen=True):
    """`root`: where pipelines keep artifacts that name no root."""

    root: str = DEFAULT_ROOT
    providers: Mapping[Scheme, Provider] = {}

    def location(self, uri: str) -> Location:
        """Where the artifact lies. BadUri, BadProviders."""
        address = uris.split(uri)
        provider = self.providers.get(address.scheme, Provider())
        if provider.default is None and provider.overrides is None:
            return uris.local(address)
        place = _chosen(provider, address)
        credentials = place.credentials
        assert credentials is not None
        make = _gcs if address.scheme == "gs" else _s3
        return {**make(address, place, credentials), "archive": {"none": {}}}


def stores(data: Mapping[str, str]) -> Stores:
    """What the ConfigMap's data say. BadProviders."""
    root = data.get("defaultPipelineRoot") or DEFAULT_ROOT
    return Stores(root, _providers(data.get("providers") or ""))


@lru_cache(maxsize=32)
def _providers(text: str) -> Mapping[Scheme, Provider]:
    try:
        found = yaml.load(text) if text else None
        known = {} if found is None else _known(found)
        return msgspec.convert(known, dict[Scheme, Provider])
    except (yaml.YamlError, msgspec.ValidationError) as error:
        said = f"ensure that providers config is well formed: {error}"
        raise BadProviders(f"failed to unmarshall kfp bucket providers, {said}") from error


def _known(found: Any) -> Any:
    """Fields are found in either case, as Go finds them, and a null is as good as nothing."""
    if not isinstance(found, Mapping):
        return found
    known = {name: found[name] for name in ("minio", "s3", "gs") if found.get(name) is not None}
    return {
        name: {
            "overrides" if field.lower() == "overrides" else field: value
            for field, value in provider.items()
        }
        if isinstance(provider, Mapping)
        else provider
        for name, provider in known.items()
    }


def _chosen(provider: Provider, address: Address) -> Place:
    default = provider.default
    if default is None or default.credentials is None:
        raise BadProviders("invalid provider config: missing default credentials")
    for override in provider.overrides or ():
        if override.bucketName == address.bucket and address.key.startswith(override.keyPrefix):
            return _over(default, override, address.scheme)
    return _checked(default)


def _over(default: Place, override: Place, scheme: Scheme) -> Place:
    if override.credentials is None:
        what = "secretref" if scheme == "gs" else "credentials"
        raise BadProviders(f"invalid provider config: missing override {what}")
    given = {
        name: value
        for name in override.__struct_fields__
        if (value := getattr(override, name)) not in (None, "")
    }
    return _checked(msgspec.structs.replace(default, **given))


def _checked(place: Place) -> Place:
    credentials = place.credentials
    if credentials is not None and not credentials.fromEnv and credentials.secretRef is None:
        raise BadProviders("invalid provider config: missing secretref")
    return place


def _s3(address: Address, place: Place, credentials: Credentials) -> dict[str, Any]:
    endpoint = place.endpoint
    insecure = bool(place.disableSSL) or endpoint.startswith("http://")
    found: dict[str, Any] = {
        "endpoint": endpoint.removeprefix("https://").removeprefix("http://").rstrip("/")
        or "s3.amazonaws.com",
        "bucket": address.bucket,
        "key": address.key,
        "insecure": insecure,
    }
    if place.region:
        found["region"] = place.region
    if place.forcePathStyle is False:
        found["addressingStyle"] = "virtual-hosted"
    secret = credentials.secretRef
    if credentials.fromEnv or secret is None:
        return {"s3": {**found, "useSDKCreds": True}}
    keys = {"accessKeySecret": secret.accessKeyKey, "secretKeySecret": secret.secretKeyKey}
    named = {field: {"name": secret.secretName, "key": key} for field, key in keys.items()}
    return {"s3": {**found, **named}}


def _gcs(address: Address, place: Place, credentials: Credentials) -> dict[str, Any]:
    found: dict[str, Any] = {"bucket": address.bucket, "key": address.key}
    secret = credentials.secretRef
    if not credentials.fromEnv and secret is not None:
        key = {"name": secret.secretName, "key": secret.tokenKey}
        found["serviceAccountKeySecret"] = key
    return {"gcs": found}

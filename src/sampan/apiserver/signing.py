"""CertificateSigningRequests: what one must say, who may approve it, and its certificate.

    asked ──approved──> certificate in the status      (signer kubernetes.io/kube-apiserver-client)
      └────denied, or another signer's──> nothing here

The one signer here makes certificates for clients of this API server; requests to others wait for
whoever signs them. Nobody can ask to be of the group that may all.
Upstream: kubernetes pkg/registry/certificates, pkg/controller/certificates/signer,
plugin/pkg/admission/certificates.
"""

from __future__ import annotations

import binascii
from base64 import b64decode, b64encode
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from cryptography.x509.oid import NameOID

from sampan.apiserver import certificates
from sampan.apiserver.backend import Backend
from sampan.apiserver.calls import Call
from sampan.apiserver.chores import Chores
from sampan.apiserver.update import replace
from sampan.kube import conditions, names
from sampan.kube.access import User
from sampan.kube.component import Rules
from sampan.kube.errors import (
    Forbidden,
    Problem,
    duplicate,
    forbidden,
    invalid,
    required,
    unsupported,
)
from sampan.kube.keys import Key, Manifest
from sampan.kube.plan import View
from sampan.store.records import Event

Sign = Callable[[bytes, int | None], bytes]
"""(request in PEM, seconds) -> certificate in PEM. Raises ValueError."""

SIGNER = "kubernetes.io/kube-apiserver-client"
_LEGACY = "kubernetes.io/legacy-unknown"
_DECISIONS = ("Approved", "Denied")
_LEAST_SECONDS = 600
_CLIENT_USAGES = {"client auth", "digital signature", "key encipherment"}
_USAGES = (
    "signing", "digital signature", "content commitment", "key encipherment", "key agreement",
    "data encipherment", "cert sign", "crl sign", "encipher only", "decipher only", "any",
    "server auth", "client auth", "code signing", "email protection", "s/mime",
    "ipsec end system", "ipsec tunnel", "ipsec user", "timestamping", "ocsp signing",
    "microsoft sgc", "netscape sgc",
)  # fmt: skip


class Signing:
    """Rules for requests, and the signer. Make it in the event loop."""

    def __init__(self, backend: Backend, sign: Sign | None) -> None:
        self._backend = backend
        self._sign = sign
        self._chores = Chores(self._settle)
        self._stop = backend.store.subscribe(names.SIGNING_REQUEST, self._changed)
        self.rules = Rules(
            default=self._stamp,
            author=_record_user,
            prepare=_keep_spec,
            validate=validate,
            admit=_refuse_masters,
            parts={"status": _status_problems, "approval": _status_problems},
        )
        for record in backend.store.records(names.SIGNING_REQUEST):
            self._chores.later(record.key)

    async def close(self) -> None:
        self._stop()
        await self._chores.close()

    def _stamp(self, manifest: Manifest) -> None:
        """Since when conditions hold, where their writer does not say."""
        for condition in (manifest.get("status") or {}).get("conditions") or ():
            for field in ("lastTransitionTime", "lastUpdateTime"):
                if not condition.get(field):
                    condition[field] = self._backend.now()

    def _changed(self, event: Event) -> None:
        if event.type != "DELETED":
            self._chores.later(event.record.key)

    async def _settle(self, key: Key) -> None:
        resource = self._backend.resources.stored(key.kind)
        assert resource is not None
        record, old = self._backend.newest(resource, "", key.name)
        status = old.get("status") or {}
        if self._sign is None or old["spec"].get("signerName") != SIGNER or not _is_open(status):
            return
        new = {
            **old,
            "metadata": dict(old["metadata"]),
            "status": {**status, **_answer(self._sign, old["spec"], status)},
        }
        call = Call(manager=f"{names.MANAGER}-signer")
        await replace(self._backend, resource, record, old, new, call, subresource="status")


def _answer(sign: Sign, spec: Mapping[str, Any], status: Mapping[str, Any]) -> dict[str, Any]:
    """What the status says then: a certificate, or why there is none."""
    fault = _foreign_usage(spec)
    if not fault:
        try:
            made = sign(b64decode(spec["request"]), spec.get("expirationSeconds"))
        except ValueError as error:
            fault = str(error)
        else:
            return {"certificate": b64encode(made).decode()}
    failed = {"type": "Failed", "status": "True", "reason": "SignerValidationFailure"}
    return {"conditions": [*map(dict, status["conditions"]), {**failed, "message": fault}]}


def decided(new: Manifest, old: Manifest | None) -> Iterator[str]:
    """The verbs on its signer that a write to a request needs."""
    now, before = new.get("status") or {}, (old or {}).get("status") or {}
    if _decisions(now) != _decisions(before):
        yield "approve"
    if now.get("certificate") and now["certificate"] != before.get("certificate"):
        yield "sign"


def validate(manifest: Manifest, old: Manifest | None) -> list[Problem]:
    if old is not None:
        return []  # the spec stays as it was
    spec = manifest.get("spec") or {}
    found = [*_request_problems(spec), *_usage_problems(spec.get("usages") or ())]
    signer = spec.get("signerName") or ""
    if not signer:
        found.append(required("spec.signerName"))
    elif signer == _LEGACY:
        fault = "the legacy signerName is not allowed via this API version"
        found.append(invalid("spec.signerName", signer, fault))
    elif not all(signer.partition("/")):
        fault = "must be a fully qualified domain and path of the form 'example.com/signer-name'"
        found.append(invalid("spec.signerName", signer, fault))
    seconds = spec.get("expirationSeconds")
    if seconds is not None and seconds < _LEAST_SECONDS:
        fault = "may not specify a duration less than 600 seconds (10 minutes)"
        found.append(invalid("spec.expirationSeconds", seconds, fault))
    return found


def _request_problems(spec: Mapping[str, Any]) -> Iterator[Problem]:
    try:
        certificates.requested(b64decode(spec.get("request") or "", validate=True))
    except (ValueError, binascii.Error) as error:
        yield invalid("spec.request", "<value>", str(error))


def _refuse_masters(view: View, manifest: Manifest, old: Manifest | None) -> None:
    """Nobody becomes one of those who may all, whoever approves it."""
    spec, name = manifest["spec"], manifest["metadata"]["name"]
    if old is not None or spec["signerName"] != SIGNER:
        return
    subject = certificates.requested(b64decode(spec["request"])).subject
    groups = subject.get_attributes_for_oid(NameOID.ORGANIZATION_NAME)
    if names.GROUP_MASTERS in {each.value for each in groups}:
        raise Forbidden(
            f'certificatesigningrequests.certificates.k8s.io "{name}" is forbidden: use of'
            f" {SIGNER} signer with {names.GROUP_MASTERS} group is not allowed",
            {"name": name, "group": "certificates.k8s.io", "kind": "certificatesigningrequests"},
        )


def _usage_problems(usages: Sequence[str]) -> Iterator[Problem]:
    if not usages:
        yield required("spec.usages")
    for index, usage in enumerate(usages):
        if usage not in _USAGES:
            yield unsupported(f"spec.usages[{index}]", usage, sorted(_USAGES))
        elif usage in usages[:index]:
            yield duplicate(f"spec.usages[{index}]", usage)


def _status_problems(manifest: Manifest, old: Manifest | None) -> list[Problem]:
    status = manifest.get("status") or {}
    found: list[Problem] = []
    types = [each.get("type") or "" for each in status.get("conditions") or ()]
    for index, condition in enumerate(status.get("conditions") or ()):
        path = f"status.conditions[{index}]"
        if not types[index]:
            found.append(required(f"{path}.type"))
        elif types[index] in types[:index]:
            found.append(duplicate(f"{path}.type", types[index]))
        if types[index] in (*_DECISIONS, "Failed") and condition.get("status") != "True":
            given = condition.get("status") or ""
            found.append(unsupported(f"{path}.status", given, ("True",)))
    if set(_DECISIONS) <= set(types):
        fault = "Approved and Denied conditions are mutually exclusive"
        found.append(invalid("status.conditions", types, fault))
    before = _decisions((old or {}).get("status") or {})
    if before and not before <= set(types):
        said = ", ".join(sorted(before))
        found.append(forbidden("status.conditions", f"updates may not remove {said}"))
    certificate = status.get("certificate")
    if certificate and b"-----BEGIN CERTIFICATE-----" not in _decoded(certificate):
        fault = "must contain one or more PEM blocks of type CERTIFICATE"
        found.append(invalid("status.certificate", "<certificate data>", fault))
    return found


def _decoded(text: str) -> bytes:
    try:
        return b64decode(text, validate=True)
    except (ValueError, binascii.Error):
        return b""


def _is_open(status: Mapping[str, Any]) -> bool:
    """Approved, and neither answered nor refused."""
    said = status.get("conditions") or ()
    return (
        conditions.is_true(said, "Approved")
        and not any(conditions.is_true(said, each) for each in ("Denied", "Failed"))
        and not status.get("certificate")
    )


def _decisions(status: Mapping[str, Any]) -> set[str]:
    types = {each.get("type") for each in status.get("conditions") or ()}
    return types.intersection(_DECISIONS)


def _foreign_usage(spec: Mapping[str, Any]) -> str:
    """Why the signer refuses a request, or ""."""
    usages = set(spec.get("usages") or ())
    if "client auth" in usages and usages <= _CLIENT_USAGES:
        return ""
    return f"invalid usages for {SIGNER}: {', '.join(sorted(usages))}"


def _record_user(manifest: Manifest, user: User) -> None:
    spec = manifest["spec"] = manifest.get("spec") or {}
    known = {"username": user.name, "uid": user.uid, "groups": list(user.groups),
             "extra": user.extra}  # fmt: skip
    for field, value in known.items():
        if value:
            spec[field] = value
        else:
            spec.pop(field, None)


def _keep_spec(manifest: Manifest, old: Manifest | None) -> None:
    if old is not None:
        manifest["spec"] = old["spec"]

"""Namespaces, nodes, configuration, events, quotas, permissions."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from sampan.apiserver.columns.printer import (
    AGE,
    CREATED,
    NAME,
    NONE,
    UNKNOWN,
    WIDE,
    Column,
    Printer,
    age,
    condition,
    duration,
    joined,
    name_of,
    number,
    since,
    text,
    wide,
)
from sampan.kube import quantities
from sampan.kube.keys import Manifest

_ROLE = "node-role.kubernetes.io/"


def _namespace(manifest: Manifest, now: datetime) -> list[Any]:
    phase = (manifest.get("status") or {}).get("phase", "")
    return [name_of(manifest), phase, age(manifest, now)]


def _node(manifest: Manifest, now: datetime) -> list[Any]:
    spec, status = manifest.get("spec") or {}, manifest.get("status") or {}
    info = status.get("nodeInfo") or {}
    ready = condition(manifest, "Ready").get("status")
    shown = "Unknown" if ready is None else ("Ready" if ready == "True" else "NotReady")
    if spec.get("unschedulable"):
        shown += ",SchedulingDisabled"
    held = manifest["metadata"].get("labels") or {}
    roles = {key.removeprefix(_ROLE) for key in held if key.startswith(_ROLE)}
    return [
        name_of(manifest),
        shown,
        joined(sorted(roles)),
        age(manifest, now),
        info.get("kubeletVersion", ""),
        _address(status, "InternalIP"),
        _address(status, "ExternalIP"),
        *(info.get(key) or UNKNOWN for key in ("osImage", "kernelVersion")),
        info.get("containerRuntimeVersion") or UNKNOWN,
    ]


def _address(status: dict[str, Any], kind: str) -> str:
    for item in status.get("addresses") or ():
        if item.get("type") == kind:
            return str(item.get("address") or NONE)
    return NONE


def _config_map(manifest: Manifest, now: datetime) -> list[Any]:
    size = len(manifest.get("data") or ()) + len(manifest.get("binaryData") or ())
    return [name_of(manifest), size, age(manifest, now)]


def _secret(manifest: Manifest, now: datetime) -> list[Any]:
    size = len(manifest.get("data") or ())
    return [name_of(manifest), manifest.get("type", ""), size, age(manifest, now)]


def _named(manifest: Manifest, now: datetime) -> list[Any]:
    return [name_of(manifest), age(manifest, now)]


def _metrics(manifest: Manifest, now: datetime) -> list[Any]:
    used = [each["usage"] for each in manifest.get("containers") or (manifest,)]
    cpu = sum(quantities.milli(each["cpu"]) for each in used)
    memory = sum(quantities.value(each["memory"]) for each in used)
    return [name_of(manifest), f"{cpu}m", f"{memory >> 20}Mi", manifest["window"]]


def _created(manifest: Manifest, now: datetime) -> list[Any]:
    return [name_of(manifest), manifest["metadata"].get("creationTimestamp") or UNKNOWN]


def _event(manifest: Manifest, now: datetime) -> list[Any]:
    about = manifest.get("involvedObject") or manifest.get("regarding") or {}
    source, series = manifest.get("source") or {}, manifest.get("series") or {}
    first = manifest.get("firstTimestamp") or manifest.get("eventTime")
    last = series.get("lastObservedTime") or manifest.get("lastTimestamp") or first
    origin = source.get("component") or manifest.get("reportingComponent") or ""
    where = source.get("host") or manifest.get("reportingInstance") or ""
    kind = str(about.get("kind", "")).lower()
    return [
        since(last, now),
        manifest.get("type", ""),
        manifest.get("reason", ""),
        f"{kind}/{about.get('name', '')}" if kind else about.get("name", ""),
        about.get("fieldPath", ""),
        f"{origin}, {where}" if where else origin,
        str(manifest.get("message") or manifest.get("note") or "").strip(),
        since(first, now),
        series.get("count") or manifest.get("count") or 1,
        name_of(manifest),
    ]


def _quota(manifest: Manifest, now: datetime) -> list[Any]:
    status = manifest.get("status") or {}
    hard = status.get("hard") or (manifest.get("spec") or {}).get("hard") or {}
    used = status.get("used") or {}
    shown: dict[bool, list[str]] = {True: [], False: []}
    for name in sorted(hard):
        shown[name.startswith("limits.")].append(f"{name}: {used.get(name, '0')}/{hard[name]}")
    return [name_of(manifest), ", ".join(shown[False]), ", ".join(shown[True]), age(manifest, now)]


def _binding(manifest: Manifest, now: datetime) -> list[Any]:
    role, subjects = manifest.get("roleRef") or {}, manifest.get("subjects") or ()
    named = {
        kind: ", ".join(
            f"{item.get('namespace', '')}/{item.get('name', '')}"
            if kind == "ServiceAccount"
            else item.get("name", "")
            for item in subjects
            if item.get("kind") == kind
        )
        for kind in ("User", "Group", "ServiceAccount")
    }
    reference = f"{role.get('kind', '')}/{role.get('name', '')}"
    return [name_of(manifest), reference, age(manifest, now), *named.values()]


def _priority(manifest: Manifest, now: datetime) -> list[Any]:
    return [
        name_of(manifest),
        manifest.get("value", 0),
        bool(manifest.get("globalDefault")),
        age(manifest, now),
        manifest.get("preemptionPolicy") or "PreemptLowerPriority",
    ]


def _lease(manifest: Manifest, now: datetime) -> list[Any]:
    holder = (manifest.get("spec") or {}).get("holderIdentity") or ""
    return [name_of(manifest), holder, age(manifest, now)]


def _api_service(manifest: Manifest, now: datetime) -> list[Any]:
    service = (manifest.get("spec") or {}).get("service")
    place = f"{service.get('namespace', '')}/{service.get('name', '')}" if service else "Local"
    found = condition(manifest, "Available")
    shown = found.get("status") or "Unknown"
    if shown != "True" and found.get("reason"):
        shown = f"{shown} ({found['reason']})"
    return [name_of(manifest), place, shown, age(manifest, now)]


def _webhooks(manifest: Manifest, now: datetime) -> list[Any]:
    return [name_of(manifest), len(manifest.get("webhooks") or ()), age(manifest, now)]


def _runtime(manifest: Manifest, now: datetime) -> list[Any]:
    return [name_of(manifest), manifest.get("handler", ""), age(manifest, now)]


def _signing(manifest: Manifest, now: datetime) -> list[Any]:
    spec, status = manifest.get("spec") or {}, manifest.get("status") or {}
    said = {each.get("type") for each in status.get("conditions") or ()}
    shown = [each for each in ("Approved", "Denied", "Failed") if each in said] or ["Pending"]
    if status.get("certificate"):
        shown.append("Issued")
    seconds = spec.get("expirationSeconds")
    return [
        name_of(manifest),
        age(manifest, now),
        spec.get("signerName") or NONE,
        spec.get("username", ""),
        NONE if seconds is None else duration(timedelta(seconds=seconds)),
        ",".join(shown),
    ]


_BINDING = (NAME, text("Role"), AGE, *wide("Users", "Groups", "ServiceAccounts"))
_CREATED = Printer((NAME, CREATED), _created)
_WEBHOOKS = Printer((NAME, number("Webhooks"), AGE), _webhooks)
_ADMISSION, _RBAC = "admissionregistration.k8s.io", "rbac.authorization.k8s.io"
_EVENT = Printer(
    (
        text("Last Seen", "Time since it was seen last."),
        text("Type"),
        text("Reason"),
        text("Object"),
        *wide("Subobject", "Source"),
        text("Message"),
        *wide("First Seen"),
        number("Count", priority=WIDE),
        Column("Name", format="name", priority=WIDE),
    ),
    _event,
)
_METRICS = Printer((NAME, text("CPU"), text("Memory"), text("Window")), _metrics)
PRINTERS = {
    ("", "Namespace"): Printer((NAME, text("Status"), AGE), _namespace),
    ("", "Node"): Printer(
        (
            NAME,
            text("Status"),
            text("Roles"),
            AGE,
            text("Version"),
            *wide("Internal-IP", "External-IP", "OS-Image", "Kernel-Version", "Container-Runtime"),
        ),
        _node,
    ),
    ("", "ConfigMap"): Printer(
        (NAME, number("Data", "How many keys there are."), AGE), _config_map
    ),
    ("", "Secret"): Printer(
        (NAME, text("Type"), number("Data", "How many keys there are."), AGE), _secret
    ),
    ("", "ServiceAccount"): Printer((NAME, AGE), _named),
    ("", "Event"): _EVENT,
    ("events.k8s.io", "Event"): _EVENT,
    ("", "ResourceQuota"): Printer((NAME, text("Request"), text("Limit"), AGE), _quota),
    ("", "LimitRange"): _CREATED,
    (_RBAC, "Role"): _CREATED,
    (_RBAC, "ClusterRole"): _CREATED,
    (_RBAC, "RoleBinding"): Printer(_BINDING, _binding),
    (_RBAC, "ClusterRoleBinding"): Printer(_BINDING, _binding),
    ("apiextensions.k8s.io", "CustomResourceDefinition"): _CREATED,
    ("apiregistration.k8s.io", "APIService"): Printer(
        (NAME, text("Service"), text("Available"), AGE), _api_service
    ),
    (_ADMISSION, "MutatingWebhookConfiguration"): _WEBHOOKS,
    (_ADMISSION, "ValidatingWebhookConfiguration"): _WEBHOOKS,
    ("scheduling.k8s.io", "PriorityClass"): Printer(
        (
            NAME,
            number("Value"),
            Column("Global-Default", "boolean"),
            AGE,
            text("PreemptionPolicy"),
        ),
        _priority,
    ),
    ("coordination.k8s.io", "Lease"): Printer((NAME, text("Holder"), AGE), _lease),
    ("certificates.k8s.io", "CertificateSigningRequest"): Printer(
        (
            NAME,
            AGE,
            text("SignerName"),
            text("Requestor"),
            text("RequestedDuration"),
            text("Condition"),
        ),
        _signing,
    ),
    ("node.k8s.io", "RuntimeClass"): Printer((NAME, text("Handler"), AGE), _runtime),
    ("metrics.k8s.io", "PodMetrics"): _METRICS,
    ("metrics.k8s.io", "NodeMetrics"): _METRICS,
}

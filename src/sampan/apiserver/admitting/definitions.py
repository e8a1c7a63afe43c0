"""What is wrong with the configuration of a webhook or a policy, and its defaults. Pure.

Upstream: k8s.io/kubernetes pkg/apis/admissionregistration/{v1,validation}.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit

from sampan.apiserver.admitting.matching import environment
from sampan.apiserver.admitting.transport import bundle
from sampan.kube import formats
from sampan.kube.component import Rules
from sampan.kube.errors import (
    BadRequest,
    Problem,
    duplicate,
    invalid,
    required,
    unsupported,
)
from sampan.kube.keys import Manifest
from sampan.kube.selectors import from_selector
from sampan.lib.cel.faults import CompileError

_OPERATIONS = ("*", "CONNECT", "CREATE", "DELETE", "UPDATE")
_SCOPES = ("*", "Cluster", "Namespaced")
_SIDE_EFFECTS = ("None", "NoneOnDryRun")
_REVIEWS = ("v1", "v1beta1")
_MOST_CONDITIONS = 64


def webhook_rules(*, mutating: bool) -> Rules:
    """The admission rules of one of the two kinds of configuration."""

    def default(configuration: Manifest) -> None:
        for webhook in configuration.get("webhooks") or ():
            _fill(webhook, mutating=mutating)

    return Rules(default=default, validate=_webhook_problems)


def _fill(webhook: dict[str, Any], *, mutating: bool) -> None:
    webhook.setdefault("failurePolicy", "Fail")
    webhook.setdefault("matchPolicy", "Equivalent")
    webhook.setdefault("namespaceSelector", {})
    webhook.setdefault("objectSelector", {})
    webhook.setdefault("timeoutSeconds", 10)
    if mutating:
        webhook.setdefault("reinvocationPolicy", "Never")
    service = (webhook.get("clientConfig") or {}).get("service")
    if service:
        service.setdefault("port", 443)
    for rule in webhook.get("rules") or ():
        rule.setdefault("scope", "*")


def _webhook_problems(configuration: Manifest, old: Manifest | None) -> list[Problem]:
    found: list[Problem] = []
    names: set[str] = set()
    for index, webhook in enumerate(configuration.get("webhooks") or ()):
        path = f"webhooks[{index}]"
        found.extend(_webhook(webhook, path))
        name = webhook.get("name")
        if name in names:
            found.append(duplicate(f"{path}.name", name))
        names.add(name)
    return found


def _webhook(webhook: Mapping[str, Any], path: str) -> Iterator[Problem]:
    name = webhook.get("name") or ""
    if not name:
        yield required(f"{path}.name")
    elif fault := formats.dns_subdomain(name):
        yield invalid(f"{path}.name", name, fault)
    elif name.count(".") < 2:
        text = "should be a domain with at least three segments separated by dots"
        yield invalid(f"{path}.name", name, text)
    for position, rule in enumerate(webhook.get("rules") or ()):
        yield from rule_problems(rule, f"{path}.rules[{position}]")
    effects = webhook.get("sideEffects")
    if not effects:
        text = f"must specify one of {', '.join(_SIDE_EFFECTS)}"
        yield required(f"{path}.sideEffects", text)
    elif effects not in _SIDE_EFFECTS:
        yield unsupported(f"{path}.sideEffects", effects, _SIDE_EFFECTS)
    yield from _one_of(webhook, path, "failurePolicy", ("Fail", "Ignore"))
    yield from _one_of(webhook, path, "matchPolicy", ("Equivalent", "Exact"))
    yield from _one_of(webhook, path, "reinvocationPolicy", ("IfNeeded", "Never"))
    seconds = webhook.get("timeoutSeconds")
    if seconds is not None and not 1 <= seconds <= 30:
        text = "the timeout value must be between 1 and 30 seconds"
        yield invalid(f"{path}.timeoutSeconds", seconds, text)
    yield from selector_problems(webhook, path)
    yield from _client(webhook.get("clientConfig") or {}, f"{path}.clientConfig")
    yield from _reviews(webhook.get("admissionReviewVersions") or (), path)
    yield from condition_problems(webhook.get("matchConditions") or (), path)


def _reviews(versions: Any, path: str) -> Iterator[Problem]:
    field = f"{path}.admissionReviewVersions"
    if not versions:
        yield required(field, f"must specify one of {', '.join(_REVIEWS)}")
    elif not set(versions) & set(_REVIEWS):
        text = f"must include at least one of {', '.join(_REVIEWS)}"
        yield invalid(field, list(versions), text)


def _one_of(
    found: Mapping[str, Any], path: str, field: str, choices: tuple[str, ...]
) -> Iterator[Problem]:
    value = found.get(field)
    if value is not None and value not in choices:
        yield unsupported(f"{path}.{field}", value, choices)


def _client(config: Mapping[str, Any], path: str) -> Iterator[Problem]:
    url, service = config.get("url"), config.get("service")
    if bool(url) == bool(service):
        yield required(path, "exactly one of url or service is required")
    elif url:
        yield from _url(url, f"{path}.url")
    elif service:
        for field in ("name", "namespace"):
            if not service.get(field):
                yield required(f"{path}.service.{field}", f"service {field} is required")
        port, where = service.get("port", 443), service.get("path") or ""
        if not 0 < port < 65536:
            text = "port is not valid: must be between 1 and 65535, inclusive"
            yield invalid(f"{path}.service.port", port, text)
        if where and (not where.startswith("/") or "//" in where):
            text = "must start with a '/', with no segment empty"
            yield invalid(f"{path}.service.path", where, text)
    if config.get("caBundle"):
        try:
            bundle(config["caBundle"])
        except ValueError as error:
            yield invalid(f"{path}.caBundle", config["caBundle"][:80], str(error))


def _url(url: str, field: str) -> Iterator[Problem]:
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError as error:
        yield required(
            field, f"url must be a valid URL: {error}; desired format: https://host[/path]"
        )
        return
    wanted = "; desired format: https://host[/path]"
    if parts.scheme != "https":
        text = f'"https" is the only allowed URL scheme{wanted}'
        yield invalid(field, parts.scheme, text)
    if not host:
        yield invalid(field, host or "", f"host must be specified{wanted}")
    if parts.username is not None:
        yield invalid(field, url, "user information is not permitted in the URL")
    if parts.fragment:
        yield invalid(field, parts.fragment, "fragments are not permitted in the URL")
    if parts.query:
        yield invalid(field, parts.query, "query parameters are not permitted in the URL")


# -- what policies share ----------------------------------------------------------------------


def rule_problems(rule: Mapping[str, Any], path: str) -> Iterator[Problem]:
    operations = rule.get("operations") or ()
    if not operations:
        yield required(f"{path}.operations")
    elif len(operations) > 1 and "*" in operations:
        text = "if '*' is present, must not specify other operations"
        yield invalid(f"{path}.operations", list(operations), text)
    for position, operation in enumerate(operations):
        if operation not in _OPERATIONS:
            yield unsupported(f"{path}.operations[{position}]", operation, _OPERATIONS)
    for field in ("apiGroups", "apiVersions", "resources"):
        values = rule.get(field) or ()
        if not values:
            yield required(f"{path}.{field}")
        elif field != "resources" and len(values) > 1 and "*" in values:
            text = "if '*' is present, must not specify other values"
            yield invalid(f"{path}.{field}", list(values), text)
        if field != "apiGroups" and "" in values:
            yield required(f"{path}.{field}[{list(values).index('')}]")
    yield from _one_of(rule, path, "scope", _SCOPES)


def selector_problems(found: Mapping[str, Any], path: str) -> Iterator[Problem]:
    for field in ("namespaceSelector", "objectSelector"):
        try:
            from_selector(found.get(field) or {})
        except BadRequest as error:
            yield invalid(f"{path}.{field}", "", error.message)


def condition_problems(
    conditions: Any, path: str, compile: Callable[[str], Any] | None = None
) -> Iterator[Problem]:
    compile = compile or environment().compile
    if len(conditions) > _MOST_CONDITIONS:
        text = f"Too many: {len(conditions)}: must have at most {_MOST_CONDITIONS} items"
        yield Problem(f"{path}.matchConditions", "FieldValueTooMany", text)
    names: set[str] = set()
    for position, condition in enumerate(conditions):
        at = f"{path}.matchConditions[{position}]"
        name = condition.get("name") or ""
        if not name:
            yield required(f"{at}.name")
        elif fault := formats.label_key(name):
            yield invalid(f"{at}.name", name, fault)
        if name in names:
            yield duplicate(f"{at}.name", name)
        names.add(name)
        yield from expression_problems(condition, f"{at}.expression", compile, ("bool",))


def expression_problems(
    found: Mapping[str, Any],
    path: str,
    compile: Callable[[str], Any],
    types: tuple[str, ...] = (),
) -> Iterator[Problem]:
    """The expression that stands in the field that is the end of the path."""
    text = found.get(path.rpartition(".")[2]) or ""
    if not text.strip():
        yield required(path)
        return
    try:
        type_ = compile(text).type
    except CompileError as error:
        yield invalid(path, text, f"compilation failed: {error}")
        return
    if types and type_.name not in (*types, "dyn"):
        yield invalid(path, text, f"must evaluate to {' or '.join(types)}")

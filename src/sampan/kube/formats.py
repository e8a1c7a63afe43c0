"""The shapes of names: labels, subdomains, label keys and values, ports, environment variables.

Each test answers None, or the sentence that a real server puts behind `Invalid value`. Nothing here
knows which field is meant. Upstream: k8s.io/apimachinery pkg/util/validation.
"""

from __future__ import annotations

import re

_LABEL = r"[a-z0-9]([-a-z0-9]*[a-z0-9])?"
_SUBDOMAIN = rf"{_LABEL}(\.{_LABEL})*"
_QUALIFIED = r"([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]"
_SYSCTL = r"([a-z0-9]([-_a-z0-9]*[a-z0-9])?[\./])*([a-z0-9]([-_a-z0-9]*[a-z0-9])?)"
_is_label = re.compile(_LABEL).fullmatch
_is_subdomain = re.compile(_SUBDOMAIN).fullmatch
_is_qualified = re.compile(_QUALIFIED).fullmatch
_is_port = re.compile(r"(?!.*--)(?=.*[a-z])[a-z0-9]([-a-z0-9]{0,13}[a-z0-9])?").fullmatch
_is_variable = re.compile(r"[ -<>-~]+").fullmatch
_is_config_key = re.compile(r"[-._a-zA-Z0-9]+").fullmatch
_is_sysctl = re.compile(_SYSCTL).fullmatch

_LABEL_TEXT = (
    "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must"
    " start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for"
    f" validation is '{_LABEL}')"
)
_SUBDOMAIN_TEXT = (
    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.',"
    " and must start and end with an alphanumeric character (e.g. 'example.com', regex used for"
    f" validation is '{_SUBDOMAIN}')"
)
_KEY_TEXT = (
    "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end"
    " with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for"
    f" validation is '{_QUALIFIED}')"
)
_VALUE_TEXT = (
    "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.',"
    " and must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or"
    f" '12345', regex used for validation is '({_QUALIFIED})?')"
)


def dns_label(value: str) -> str | None:
    """A name of a container, a volume, a pod's hostname."""
    if _is_label(value) is None:
        return _LABEL_TEXT
    return "must be no more than 63 characters" if len(value) > 63 else None


def dns_subdomain(value: str) -> str | None:
    """A name of most objects."""
    if _is_subdomain(value) is None:
        return _SUBDOMAIN_TEXT
    return "must be no more than 253 characters" if len(value) > 253 else None


def label_key(value: str) -> str | None:
    """`name` or `example.com/name`; also keys of annotations, taints and resources."""
    prefix, slash, name = value.rpartition("/")
    if slash and not prefix:
        return "prefix part must be non-empty"
    if slash and (fault := dns_subdomain(prefix)):
        return f"prefix part {fault}"
    if not name:
        return "name part must be non-empty"
    if len(name) > 63:
        return "name part must be no more than 63 characters"
    return None if _is_qualified(name) else _KEY_TEXT


def label_value(value: str) -> str | None:
    if len(value) > 63:
        return "must be no more than 63 characters"
    return None if not value or _is_qualified(value) else _VALUE_TEXT


def port_name(value: str) -> str | None:
    if len(value) > 15:
        return "must be no more than 15 characters"
    if _is_port(value) is None:
        return (
            "must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-), not two of"
            " them in a row and none at an end, and at least one letter (a-z)"
        )
    return None


def sysctl(value: str) -> str | None:
    """A setting of the kernel, its parts separated by dots or slashes."""
    if len(value) <= 253 and _is_sysctl(value):
        return None
    return f"must have at most 253 characters and match regex ^{_SYSCTL}$"


def variable(value: str) -> str | None:
    """A name of an environment variable."""
    if _is_variable(value) is None:
        return (
            "a valid environment variable name must consist only of printable ASCII characters"
            " other than '='"
        )
    return None


def config_key(value: str) -> str | None:
    """A key of a ConfigMap or a Secret."""
    if _is_config_key(value) is None or value in (".", "..") or value.startswith(".."):
        return (
            "a valid config key must consist of alphanumeric characters, '-', '_' or '.'"
            " (e.g. 'key.name',  or 'KEY_NAME',  or 'key-name', regex used for validation is"
            " '[-._a-zA-Z0-9]+')"
        )
    return "must be no more than 253 characters" if len(value) > 253 else None


def relative_path(value: str) -> str | None:
    """A path that stays below the place where it is used."""
    if value.startswith("/"):
        return "must be a relative path"
    return "must not contain '..'" if ".." in value.split("/") else None

"""Impersonation: the user that the Impersonate-* headers ask to be, and the rights that it takes.

Each name, group, uid and extra value is a right of its own, so that somebody may be allowed to act
as one person without that person's groups. Nothing is granted here: `access` checks what is asked.
Upstream: k8s.io/apiserver pkg/endpoints/filters/impersonation.go.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from urllib.parse import unquote

from msgspec import Struct

from sampan.kube import names
from sampan.kube.access import Attributes, User
from sampan.kube.errors import BadRequest

Headers = Iterable[tuple[bytes, bytes]]
PREFIX = b"impersonate-"
_EXTRA = "extra-"
_ACCOUNT = "system:serviceaccount:"
_AUTHENTICATION = "authentication.k8s.io"
_MEMBERS = {names.GROUP_AUTHENTICATED, names.GROUP_UNAUTHENTICATED}


class Wish(Struct, frozen=True):
    """Who somebody wants to be; `rights` are all that he needs for it."""

    user: User
    rights: tuple[Attributes, ...]


def wish(headers: Headers) -> Wish:
    """Read the headers. Raises BadRequest when they name no user, or say what nobody knows."""
    name, uid, groups, extra = "", "", list[str](), dict[str, list[str]]()
    for key, raw in headers:
        if not key.startswith(PREFIX):
            continue
        field, value = key[len(PREFIX) :].decode("latin-1"), raw.decode("latin-1")
        if field == "user":
            name = value
        elif field == "uid":
            uid = value
        elif field == "group":
            groups.append(value)
        elif field.startswith(_EXTRA):
            extra.setdefault(unquote(field.removeprefix(_EXTRA)), []).append(value)
        else:
            raise BadRequest(f"there is no header Impersonate-{field}")
    if not name:
        raise BadRequest("nobody can be impersonated without Impersonate-User")
    rights = tuple(_rights(name, uid, groups, extra))
    return Wish(User(name, _groups(name, groups), uid, extra), rights)


def _rights(
    name: str, uid: str, groups: Sequence[str], extra: dict[str, list[str]]
) -> Iterator[Attributes]:
    account = _account(name)
    if account is None:
        yield Attributes("impersonate", resource="users", name=name)
    else:
        yield Attributes(
            "impersonate", resource="serviceaccounts", namespace=account[0], name=account[1]
        )
    for group in groups:
        yield Attributes("impersonate", resource="groups", name=group)
    for key, values in extra.items():
        for value in values:
            yield Attributes("impersonate", _AUTHENTICATION, "userextras", key, name=value)
    if uid:
        yield Attributes("impersonate", _AUTHENTICATION, "uids", name=uid)


def _groups(name: str, asked: Sequence[str]) -> tuple[str, ...]:
    """An account has its groups unless others are asked for; who has a name is authenticated."""
    groups = list(asked)
    account = _account(name)
    if account is not None and not groups:
        accounts = names.GROUP_SERVICE_ACCOUNTS
        groups = [accounts, f"{accounts}:{account[0]}"]
    if not _MEMBERS.intersection(groups):
        anonymous = name == names.USER_ANONYMOUS
        groups.append(names.GROUP_UNAUTHENTICATED if anonymous else names.GROUP_AUTHENTICATED)
    return tuple(groups)


def _account(name: str) -> tuple[str, str] | None:
    """Namespace and name of a service account."""
    if not name.startswith(_ACCOUNT):
        return None
    namespace, colon, account = name.removeprefix(_ACCOUNT).partition(":")
    return (namespace, account) if namespace and colon and account and ":" not in account else None

"""Kubernetes' own functions in CEL."""

from __future__ import annotations

from typing import Any

import pytest

from sampan.apiserver.expressions.authorizing import Asking
from sampan.apiserver.expressions.library import functions
from sampan.kube.access import Attributes, User
from sampan.lib.cel.environment import Environment
from sampan.lib.cel.faults import EvaluationError
from sampan.lib.cel.types import Type

ENVIRONMENT = Environment({}, functions())


@pytest.mark.parametrize(
    ("source", "value"),
    [
        ("quantity('1.5Gi').isGreaterThan(quantity('1500Mi'))", True),
        ("quantity('100m').add(quantity('900m')) == quantity('1')", True),
        ("quantity('50k').sub(20000).asInteger()", 30000),
        ("quantity('1m').isInteger()", False),
        ("quantity('2').compareTo(quantity('3'))", -1),
        ("quantity('-1').sign()", -1),
        ("quantity('500m').asApproximateFloat()", 0.5),
        ("isQuantity('1Q')", False),
        ("ip('10.0.0.1').family()", 4),
        ("isIP('::1') && !isIP('1.2.3')", True),
        ("ip('10.0.0.1').isGlobalUnicast() && ip('127.0.0.1').isLoopback()", True),
        ("ip.isCanonical('2001:DB8::1')", False),
        ("string(ip('10.0.0.1'))", "10.0.0.1"),
        ("cidr('10.0.0.0/8').containsIP('10.2.3.4')", True),
        ("cidr('10.0.0.0/8').containsCIDR(cidr('10.1.0.0/16'))", True),
        ("cidr('10.1.2.3/8').masked() == cidr('10.0.0.0/8')", True),
        ("cidr('10.0.0.0/8').prefixLength()", 8),
        ("cidr('10.0.0.0/8').ip() == ip('10.0.0.0')", True),
        ("isCIDR('10.0.0.0')", False),
        ("url('https://u@example.com:80/a%20b?k=v&k=w').getHost()", "example.com:80"),
        ("url('https://[::1]:80/').getHostname()", "::1"),
        ("url('https://[::1]:80/').getPort()", "80"),
        ("url('https://e.com/p?k=v&k=w').getQuery()['k']", ["v", "w"]),
        ("isURL('/a') && !isURL('a')", True),
        ("'abc 123 45'.find('[0-9]+')", "123"),
        ("'abc 123 45'.findAll('[0-9]+')", ["123", "45"]),
        ("'abc 123 45'.findAll('[0-9]+', 1)", ["123"]),
        ("'abc'.find('[0-9]')", ""),
        ("semver('1.2.3-rc.1').isLessThan(semver('1.2.3'))", True),
        ("semver('v1.02', true).minor()", 2),
        ("isSemver('1.2')", False),
        ("semver('1.10.0').compareTo(semver('1.9.0'))", 1),
        ("format.dns1123Label().validate('a-b').hasValue()", False),
        ("format.dns1123Label().validate('A').value().size()", 1),
        ("format.named('labelValue').value().validate('x y').hasValue()", True),
        ("format.named('nope').hasValue()", False),
        ("format.dns1123LabelPrefix().validate('a-').hasValue()", False),
        ("type(ip('10.0.0.1')) == net.IP", True),
        ("url('https://example.com/with space/').getEscapedPath()", "/with%20space/"),
        ("jsonpatch.escapeKey('a/b~c')", "a~1b~0c"),
    ],
)
def test_values(source: str, value: Any) -> None:
    assert ENVIRONMENT.compile(source).run({}) == value


@pytest.mark.parametrize(
    "source",
    [
        "quantity('x')",
        "ip('x')",
        "ip('::ffff:1.2.3.4')",
        "cidr('1.2.3.4')",
        "url('x')",
        "semver('x')",
        "quantity('1m').asInteger()",
        "'x'.find('(')",
    ],
)
def test_what_cannot_be_read(source: str) -> None:
    with pytest.raises(EvaluationError):
        ENVIRONMENT.compile(source).run({})


class Only:
    """Allows one question."""

    def allowed(self, user: User, asks: Attributes) -> bool:
        wanted = Attributes("create", "apps", "deployments", "scale", "a", "d")
        return user.name == "system:serviceaccount:a:default" and asks == wanted

    def rules(self, user: User, namespace: str) -> list[Any]:
        return []


def test_the_authorizer_is_asked() -> None:
    asking = Asking(Only(), User("nobody"), Attributes(""))
    environment = Environment({"authorizer": Type(asking.cel_type)}, functions())

    def answer(source: str) -> Any:
        return environment.compile(source).run({"authorizer": asking})

    what = "group('apps').resource('deployments').subresource('scale').namespace('a').name('d')"
    assert not answer(f"authorizer.{what}.check('create').allowed()")
    assert answer(f"authorizer.serviceAccount('a', 'default').{what}.check('create').allowed()")
    assert not answer("authorizer.path('/x').check('get').allowed()")

"""List options of the Argo Server, read."""

import pytest

from sampan.kube.errors import BadRequest
from sampan.records import selection
from sampan.records.selection import Selection


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        pytest.param({}, Selection(), id="nothing"),
        pytest.param({"fields": "metadata.namespace=a"}, Selection(namespace="a"), id="namespace"),
        pytest.param({"fields": "metadata.namespace==a", "namespace": "a"},
                     Selection(namespace="a"), id="twice-the-same"),
        pytest.param({"fields": "metadata.namespace!=a"}, Selection(not_namespace="a"), id="not"),
        pytest.param({"fields": "metadata.name==n"}, Selection(name="n"), id="name"),
        pytest.param({"fields": "metadata.name!=n"}, Selection(name="n", name_filter="NotEquals"),
                     id="not-the-name"),
        pytest.param({"fields": "ext.showRemainingItemCount=true"}, Selection(counted=True),
                     id="counted"),
        pytest.param({"limit": -1, "continued": "3"}, Selection(offset=3), id="no-limit"),
    ],
)  # fmt: skip
def test_options_mean(given, expected):
    assert selection.of(**given) == expected


@pytest.mark.parametrize(
    ("given", "fault"),
    [
        pytest.param({"fields": "metadata.namespace=a", "namespace": "b"}, "contradict",
                     id="two-namespaces"),
        pytest.param({"fields": "x=y"}, "unsupported requirement x=y", id="unknown"),
        pytest.param({"continued": "x"}, "must be int", id="no-number"),
        pytest.param({"continued": "٣"}, "must be int", id="no-latin-number"),
        pytest.param({"continued": "9" * 5000}, "must be int", id="endless"),
        pytest.param({"continued": "-1"}, ">= 0", id="negative"),
        pytest.param({"name_filter": "Like"}, "nameFilter", id="filter"),
        pytest.param({"created_after": "2026-01-01"}, "is not a time", id="no-zone"),
        pytest.param({"fields": "ext.showRemainingItemCount=2"}, "neither", id="no-bool"),
    ],
)  # fmt: skip
def test_what_cannot_be_meant_is_named(given, fault):
    with pytest.raises(BadRequest, match=fault):
        selection.of(**given)

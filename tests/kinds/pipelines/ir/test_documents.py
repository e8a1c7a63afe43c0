"""Packages as text."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from kinds.pipelines.ir.making import dag, spec, task
from sampan.kinds.pipelines.ir import documents
from sampan.kinds.pipelines.ir.faults import Invalid
from sampan.kinds.pipelines.ir.validation import validate
from sampan.lib import yaml

CORPUS = Path(__file__).parents[5] / "shared" / "corpus" / "kfp"
"""Beside the checkout; these tests are none where it is not."""
PLATFORM = {"platforms": {"kubernetes": {"deploymentSpec": {"executors": {"exec": {}}}}}}
SPEC = spec(dag(one=task("comp")), comp={})


def test_a_package_is_one_document_or_two() -> None:
    assert documents.read(yaml.dump(SPEC)) == documents.Documents(SPEC, {})
    both = documents.Documents(SPEC, PLATFORM)
    assert documents.read(documents.package(both)) == both
    assert documents.read(documents.package(documents.Documents(SPEC, {}))).platform == {}


def test_both_documents_may_come_as_one_object() -> None:
    both = documents.Documents(SPEC, PLATFORM)
    assert documents.split(documents.joined(both)) == both
    assert documents.split(SPEC).spec == SPEC
    assert documents.read(yaml.dump(documents.joined(both))) == both


def test_settings_of_other_platforms_are_passed_over() -> None:
    text = yaml.dump(SPEC) + "---\n" + yaml.dump({"platforms": {"vertex": {}}})
    assert documents.read(text).platform == {}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        pytest.param("", "unknown template format", id="empty"),
        pytest.param("# only a comment", "unknown template format", id="comment"),
        pytest.param("just text", "unknown template format", id="text"),
        pytest.param("- 1", "unknown template format", id="list"),
        pytest.param("a: [", "failed to parse pipeline spec YAML", id="broken"),
        pytest.param("kind: Workflow", 'a document with ["kind"]', id="other"),
        pytest.param(yaml.dump(SPEC) + "---\n" + yaml.dump(SPEC), "multiple pipeline specs",
                     id="two"),
        pytest.param(yaml.dump(PLATFORM), "no pipeline spec is provided", id="platform-alone"),
        pytest.param("pipeline_spec: {root: {}}\nother: 1", "unknown field: other", id="beside"),
        pytest.param("[" * 10_000, "failed to parse pipeline spec YAML", id="deep"),
    ],
)  # fmt: skip
def test_other_texts_are_refused(text: str, message: str) -> None:
    with pytest.raises(Invalid) as caught:
        documents.read(text)
    assert message in caught.value.message


def _cases() -> list[Any]:
    if not CORPUS.exists():
        return []
    rows = [line.split("\t") for line in (CORPUS / "cases.tsv").read_text().splitlines()[1:]]
    wanted = (row[0] for row in rows if row[1] not in ("invalid", "argo-v1"))
    return [path for path in wanted if (CORPUS / path).exists()]


@pytest.mark.parametrize("path", _cases())
def test_every_pipeline_of_upstreams_is_read(path: str) -> None:
    read = documents.read((CORPUS / path).read_bytes())
    assert validate(read.spec, read.platform).graph("").tasks

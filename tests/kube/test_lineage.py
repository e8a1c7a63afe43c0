"""Words of lineage."""

from sampan.kube.lineage import CacheQuestion, artifact_id, parts_of


def test_parts_are_flat_and_in_order():
    parts = {"image": "i", "parameters": {"b": "1", "a": 2}, "artifacts": {}}
    assert parts_of(parts) == (("image", "i"), ("parameters a", "2"), ("parameters b", "1"))
    question = CacheQuestion(
        namespace="n", pipeline="p", task_name="t", fingerprint="f", parts=parts_of(parts)
    )
    assert question in {question}


def test_other_content_is_another_artifact():
    first = artifact_id("n", "minio://b/k", "sha256:1")
    assert first == artifact_id("n", "minio://b/k", "sha256:1")
    others = {artifact_id("m", "minio://b/k", "sha256:1"), artifact_id("n", "minio://b/k")}
    assert first not in others
    assert [len(part) for part in first.split("-")] == [8, 4, 4, 4, 12]

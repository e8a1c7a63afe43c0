"""Where artifacts are: URIs, and the paths at which programs find them."""

from __future__ import annotations


def path_of(uri: str) -> str | None:
    """gs:// -> /gcs/…, s3:// -> /s3/…, minio:// -> /minio/…, oci:// -> /oci/…/models; None for a
    URI that no program finds at a path."""
    raise NotImplementedError


def task_root(pipeline_root: str, pipeline: str, run_id: str, task: str, salt: str) -> str:
    """The URI under which the outputs of one attempt of a task lie."""
    raise NotImplementedError

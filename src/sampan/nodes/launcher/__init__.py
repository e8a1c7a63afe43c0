"""The node as its own launcher of pipelines' tasks: what `kfp-launcher` does, without a process.

Before a task's program begins, its input artifacts appear where it looks for them (`inputs`). When
it has ended with 0, what it says of its outputs is read and checked (`outputs`, `metadata`),
artifacts go to their store (`keeping`), and only then the end of the container is told,
with the result as its message. Its log stays (`logs`), also when it has failed. `pod` is the part
that has hands. Upstream: kubeflow/pipelines backend/src/v2/component/launcher_v2.go.
"""

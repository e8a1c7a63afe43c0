"""Pipeline IR as values: what a pipeline says, and what follows from it without running anything.

    documents ──> messages ──> validation        text, or the two documents of a Run, to a Pipeline
    arguments, macros                            what a run is given
    resolve ──> expressions                      inputs of a task from those of its DAG and siblings
    items, outputs                               loops, Collected, OneOf: lists out of values
    executor_input ──> placeholders, locations   what the program of a task is told
    fingerprint                                  what a task's outputs depend on
    unheeded                                     what is said without effect

`validation.validate` is the way in. Everything is a function of its arguments; the order in which
tasks run, their states and pods are the business of the modules beside this package. What is wrong
with a pipeline raises `Invalid`, what is wrong with one task of a run raises `Unresolved`
(`faults`): both have a message for the user.
Upstream: kubeflow/pipelines api/v2alpha1/pipeline_spec.proto, backend/src/v2/driver,
backend/src/v2/component, backend/src/apiserver/template.
"""

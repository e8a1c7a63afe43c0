"""The agent of a workflow: one pod that does what needs no pod of its own, `http` and `plugin`.

Its tasks stand in a WorkflowTaskSet, templates by node id; so do their results, in its status.
Upstream: argo-workflows workflow/controller/{agent,taskset}.go.
"""

"""The node as its own `argoexec`: what Argo's executor image does, without a process for it.

Containers of that image are carried out by the control plane itself (`job`), and look in a pod's
status as any other: `init` puts a template's inputs where the main container finds them, `wait`
brings its outputs home (`outputs`). A container's files are found through what it saw (`view`).
Upstream: argoproj/argo-workflows cmd/argoexec, workflow/executor.
"""

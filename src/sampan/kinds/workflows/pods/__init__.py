"""The pods of a workflow: how they are built, what their status means.

`build` makes a pod of a template and of `about`, with the help of a file for each part; `state` and
`reports` say what became of it. When a pod is made is decided in `templates`.
"""

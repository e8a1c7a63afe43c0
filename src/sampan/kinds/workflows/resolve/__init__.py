"""Where templates come from: the workflow, its references, its defaults.

`references` tells which WorkflowTemplates are needed, `join` puts specs over each other,
`execution` makes of all that the one spec that runs, `book` answers which template a call means.
What is wrong with them is said elsewhere, in `validate`.
"""

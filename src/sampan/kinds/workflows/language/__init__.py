"""What a workflow says in tags: parameters, scopes, substitution.

Lowest first: `expressions` and `tags` (how a tag becomes a text), `arguments` (what a template is
given), `variables` (what the workflow tells everybody), `aggregate`, `passing` and `scopes` (what
steps and tasks tell each other), `outputs` and `exports` (what a template gives on). Nothing here
knows of nodes beyond their JSON, or of a walk.
"""

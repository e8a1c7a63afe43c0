"""What can be wrong with a workflow, by template and field.

`manifests.problems` answers for a manifest of any kind that people write. Within: `check` (one run
over all templates), `templates` (one template), `steps`, `dag`, `leaves` (by type), `outputs`,
`named` (names, arguments), `scope` (which tags may stand where). The rules and their words are
upstream's: workflow/validate/validate.go.
"""

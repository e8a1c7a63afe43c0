"""What can be wrong with a workflow, by template and field."""

"""The pods of a workflow: how they are built, what their status means."""

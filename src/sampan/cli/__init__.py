"""The `sampan` command: one file per verb that parses and prints, and nothing else."""

"""Where templates come from: the workflow, its references, its defaults."""

"""The scheduler: which node a pod goes to, with what is left there counted as it changes."""

"""Volumes: what a pod mounts, made ready as directories and files on this machine."""

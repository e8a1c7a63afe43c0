"""Synchronization: mutexes and semaphores that workflows and nodes wait for."""

"""Workloads: what is asked of a server, as pure generators of steps, one file each."""

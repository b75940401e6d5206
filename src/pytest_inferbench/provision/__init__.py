"""Provision: bring a server up, know that it is ready, and take it down in every case."""

"""Observe: what a server says of itself. Limits: off the hot path; what is not published is absent."""

"""Observe: what a server says of itself. Law: off the hot path; what is not published is absent."""

"""Bench: one benchmark on a running cell, from what its test asks for to its verdict. Knows no pytest."""

"""Servers: bring a cell's server up, know that it is ready, and take it down in every case.

Who asks gets a running server or an error, never one half up. `launch` is the way in.
"""

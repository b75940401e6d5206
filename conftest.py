"""Turns pytester on for the plugin's own tests; nothing else belongs here."""

pytest_plugins = ["pytester"]

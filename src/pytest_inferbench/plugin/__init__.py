"""Plugin: the thin pytest shell. Limits: hooks import heavy parts only when they need them.

This is the entry point, and the hooks are a module of their own: so whoever names that module as well (`-p`,
`pytest_plugins`, `PYTEST_PLUGINS`) does not register it twice, which pytest refuses.
"""

pytest_plugins = ("pytest_inferbench.plugin.hooks",)

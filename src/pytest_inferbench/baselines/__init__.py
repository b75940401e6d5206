"""Baselines: budgets and accepted sessions on disk. Limits: people's parts are never rewritten; writes are atomic."""

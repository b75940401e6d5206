"""Baselines: budgets and accepted sessions on disk. Law: people's parts are never rewritten; writes are atomic."""

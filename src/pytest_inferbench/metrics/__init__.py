"""Metrics: what each figure is. Law: one table row a metric, with unit, direction and formula over records."""

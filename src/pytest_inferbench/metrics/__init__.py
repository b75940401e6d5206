"""Metrics: what each figure is. Limits: one table row a metric, with unit, direction and formula over records."""

"""Measure: from records to results. Limits: functions of values; only `environment` looks at the machine."""

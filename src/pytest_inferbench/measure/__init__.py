"""Measure: from records to results. Law: functions of values; only `environment` looks at the machine."""

"""Config: files to values that know where they came from. Limits: knows no backend, workload or policy."""

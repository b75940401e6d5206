"""Config: files to values that know where they came from. Law: knows no backend, workload or policy."""

"""Statistics: numbers in, verdicts out. Law: nothing here raises for data, prints, reads files or knows pytest."""

"""What the verdicts are worth: false alarms, power and what a history hides, before and after a change of the rule."""

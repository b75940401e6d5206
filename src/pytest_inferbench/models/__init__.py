"""Models: where a model's files are, how they come there, and what they say of themselves."""

"""Judge: what the figures of a case say against its history or its other arm, and what to measure next. Pure."""

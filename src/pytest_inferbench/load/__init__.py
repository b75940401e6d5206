"""Load: the hot path. Law: nothing between a socket and its stamp; decoding and judging happen elsewhere."""

"""The tiny model: a random Llama small enough to ship, real enough that every engine loads it.

Limits: made from a seed and nothing else, so the same code writes the same bytes everywhere and one expected text is
the oracle for every engine. It measures plumbing, not engines.
"""

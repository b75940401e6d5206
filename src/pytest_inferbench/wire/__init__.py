"""Wire: bytes to events and back. Limits: no network, no clock; functions of values, so every path can be replayed."""

"""Wire: bytes to events and back. Law: no network, no clock; functions of values, so every path can be replayed."""

"""Plugin: the thin pytest shell. Law: hooks import heavy parts only when they need them."""

"""The command `inferbench`. Limits: one file a command, all named in `catalogue.py`; our errors leave no traceback."""

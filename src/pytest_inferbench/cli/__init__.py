"""The command `inferbench`. Law: one file a command, all named in `catalogue.py`; our errors leave no traceback."""

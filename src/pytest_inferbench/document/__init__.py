"""The run document: everything that one run found, and the one form in which it is written, read and reported."""

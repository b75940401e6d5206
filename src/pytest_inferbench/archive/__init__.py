"""The results folder: what runs leave there and how it is found again."""

"""Backends: what each server is. Limits: facts only, one small file a server; nothing is started here."""

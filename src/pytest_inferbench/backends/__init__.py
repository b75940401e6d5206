"""Backends: what each server is. Law: facts only, one small file a server; nothing is started here."""

"""Devices: the GPUs of this machine, by one seam. Limits: what is not there is absent, and nothing here raises."""

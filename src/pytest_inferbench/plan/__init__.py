"""Plan: settings and config to the cells of a run. Limits: values in, values out; nothing is started."""

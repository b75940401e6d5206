"""Plan: settings and config to the cells of a run. Law: values in, values out; nothing is started."""

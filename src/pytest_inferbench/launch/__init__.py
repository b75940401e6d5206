"""Launch: a cell's server from a plan to ready. Law: who asks gets a server or an error, never one half up."""

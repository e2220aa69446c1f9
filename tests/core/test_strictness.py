"""JAX's strict settings change no number and break nothing: they are for users' own code."""

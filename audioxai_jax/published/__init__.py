"""Weights that others published, in their own files."""

"""Real models of other people, by name: a file each, its import, and a row of SUBJECTS."""

from audioxai_jax.models.subjects.protocol import Subject, package_file

SUBJECTS: dict[str, Subject] = {}
"""Subjects by name, for `audioxai subjects` and `--model subject:NAME`."""

__all__ = ["SUBJECTS", "Subject", "package_file"]

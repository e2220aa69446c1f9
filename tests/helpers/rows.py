"""Rows of a parametrised test that take long, marked where the table stands."""

import pytest


def rows(values, full_size=()):
    """`values`, of which those in `full_size` run with --full-size only; tuples are several."""
    values, full_size = list(values), list(full_size)
    unknown = [value for value in full_size if value not in values]
    assert not unknown, f"no such rows: {unknown}"
    return [row(value, value in full_size) for value in values]


def row(value, full_size):
    values = value if isinstance(value, tuple) else (value,)
    return pytest.param(*values, marks=[pytest.mark.full_size] * full_size)

"""Metrics of explanations, by family, and their table: a new one is a file, an import and a row."""

from audioxai_jax.metrics.table import *
from audioxai_jax.metrics.table import METRICS, Metric

__all__ = ["METRICS", "Metric", *METRICS]  # pyright: ignore[reportUnsupportedDunderAll]

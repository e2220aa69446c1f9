"""Layer-wise relevance propagation for any JAX function.

Fraunhofer HHI and others state patents on LRP; see README, "Layer-wise relevance propagation".
"""

from audioxai_jax.lrp import rules
from audioxai_jax.lrp.composites import PRESETS, Composite, base, composite
from audioxai_jax.lrp.grouping import every_operation
from audioxai_jax.lrp.ledger import Ledger
from audioxai_jax.lrp.method import lrp
from audioxai_jax.lrp.patterns import anything, both, first, kind, last, path, rectifier, scope
from audioxai_jax.lrp.points import Point, split, split_last, split_with_axes
from audioxai_jax.lrp.propagate import Propagation, propagate
from audioxai_jax.lrp.refusals import SoftmaxOutput, UncoveredOperation
from audioxai_jax.lrp.rules import RULES, Rule, Shares

__all__ = [
    "Composite",
    "Ledger",
    "PRESETS",
    "Point",
    "Propagation",
    "RULES",
    "Rule",
    "Shares",
    "SoftmaxOutput",
    "UncoveredOperation",
    "anything",
    "base",
    "both",
    "composite",
    "every_operation",
    "first",
    "kind",
    "last",
    "lrp",
    "path",
    "propagate",
    "rectifier",
    "rules",
    "scope",
    "split",
    "split_last",
    "split_with_axes",
]

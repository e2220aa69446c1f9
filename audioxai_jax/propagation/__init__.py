"""Layer-wise relevance propagation for any JAX function.

Fraunhofer HHI and others state patents on LRP; see docs/lrp.md, "Patents".
"""

from audioxai_jax.propagation import rules
from audioxai_jax.propagation.composites import PRESETS, Composite, base, composite
from audioxai_jax.propagation.errors import SoftmaxOutput, UncoveredOperation
from audioxai_jax.propagation.ledger import Ledger
from audioxai_jax.propagation.lowering.lower import every_operation
from audioxai_jax.propagation.method import lrp
from audioxai_jax.propagation.patterns import (
    anything,
    both,
    first,
    kind,
    last,
    path,
    rectifier,
    scope,
)
from audioxai_jax.propagation.propagate import Propagation, propagate
from audioxai_jax.propagation.rules import RULES, Rule, Shares
from audioxai_jax.propagation.taps import Point, split, split_last, split_with_axes

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

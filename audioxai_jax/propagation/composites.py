"""Composites: which rule each operation gets.

A composite is a list of (pattern, rule); the first pattern that is for an operation wins. An
operation that no pattern is for is refused before anything is computed.

The presets follow L. Kohlbrenner et al., "Towards Best Practice in Explaining Neural Network
Decisions with LRP", arXiv 1910.09840, as zennit names them, and AttnLRP, arXiv 2402.05602.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from jax import Array
from jax.tree_util import Partial, all_leaves

from audioxai_jax.core.records import record
from audioxai_jax.propagation import rules
from audioxai_jax.propagation.lowering.lower import operations
from audioxai_jax.propagation.lowering.operations import Operation
from audioxai_jax.propagation.patterns import Pattern, anything, first, kind, rectifier
from audioxai_jax.tracing.trace import trace
from audioxai_jax.types import Model

Entry = tuple[Pattern, Any]


@record(static=("patterns", "fuse"))
class Composite:
    """See `composite`, which makes one."""

    rules: tuple[Any, ...]
    patterns: tuple[Pattern, ...]
    fuse: bool = True

    @property
    def entries(self) -> tuple[Entry, ...]:
        return tuple(zip(self.patterns, self.rules, strict=True))

    def find(self, operation: Operation) -> Entry | None:
        """The first entry that is for the operation."""
        return next((entry for entry in self.entries if entry[0](operation)), None)

    def table(self, model: Model, x: Array) -> str:
        """Which rule each operation of a model gets, as text; nothing is computed."""
        graph, _ = trace(model, x)
        rows = [("operation", "where", "shape", "rule", "pattern")]
        moved = [0]
        _rows(self, graph, operations(graph, fuse=self.fuse), "", rows, moved)
        widths = [max(len(row[i]) for row in rows) for i in range(5)]
        lines = ["  ".join(map(str.ljust, row, widths)).rstrip() for row in rows]
        lines.insert(1, "  ".join("-" * width for width in widths))
        return "\n".join([*lines, f"and {moved[0]} operations that only move values"])


def composite(
    entries: Iterable[Entry], *, base: Iterable[Entry] | None = None, fuse: bool = True
) -> Composite:
    """A composite of one's own.

    Args:
      entries: (pattern, rule) pairs. A rule is any function of the signature in
        `propagation.rules.base`.
      base: entries for all but convolutions and dense layers, tried after the others;
        `base()` if None. `[]` for none.
      fuse: whether softmax and normalisation count as operations of their own.
    """
    found = [*entries, *(_BASE() if base is None else base)]
    made = tuple(_as_rule(rule) for _, rule in found)
    return Composite(made, tuple(pattern for pattern, _ in found), fuse)


def base(epsilon: float = 1e-6, *, absolute: bool = False) -> list[Entry]:
    """Rules for all but convolutions and dense layers."""
    proportional = rules.epsilon(epsilon, absolute=absolute)
    return [
        (kind("activation"), rules.pass_through()),
        (kind("add", "sum", "affine"), proportional),
        (kind("scale"), rules.scaled()),
        (kind("route"), rules.route()),
        (kind("max"), rules.gradient()),
        (kind("product"), rules.halves()),
        (kind("gate"), rules.signal()),
        (kind("atan2"), rules.squares()),
        (kind("matmul", "attention"), rules.uniform(epsilon=epsilon, absolute=absolute)),
        (kind("softmax"), rules.taylor()),
        (kind("normalise"), proportional),
    ]


_BASE = base  # by another name, since `composite` has an argument of this one


def epsilon_plus(epsilon: float = 1e-6, *, absolute: bool = False) -> Composite:
    """Epsilon for dense layers, z+ for convolutions."""
    return _convolutional(rules.z_plus, epsilon, absolute)


def epsilon_plus_flat(epsilon: float = 1e-6, *, absolute: bool = False) -> Composite:
    """As `epsilon_plus`, but flat for the first layer."""
    start = (first(), rules.flat(epsilon=epsilon, absolute=absolute))
    return _convolutional(rules.z_plus, epsilon, absolute, [start])


def epsilon_alpha2_beta1(epsilon: float = 1e-6, *, absolute: bool = False) -> Composite:
    """Epsilon for dense layers, alpha 2 beta 1 for convolutions."""
    return _convolutional(rules.alpha_beta, epsilon, absolute)


def epsilon_alpha2_beta1_flat(epsilon: float = 1e-6, *, absolute: bool = False) -> Composite:
    """As `epsilon_alpha2_beta1`, but flat for the first layer."""
    start = (first(), rules.flat(epsilon=epsilon, absolute=absolute))
    return _convolutional(rules.alpha_beta, epsilon, absolute, [start])


def epsilon_gamma_box(
    low: Array | float = -1.0,
    high: Array | float = 1.0,
    gamma: float = 0.25,
    epsilon: float = 1e-6,
    *,
    absolute: bool = False,
) -> Composite:
    """Epsilon for dense layers, generalised gamma for convolutions, z-box for a first one.

    Args:
      low, high: bounds of the input; the defaults are those of waveforms.
    """
    box = rules.z_box(low, high, epsilon=epsilon, absolute=absolute)
    make = lambda **options: rules.generalised_gamma(gamma, **options)
    return _convolutional(make, epsilon, absolute, [(first(("conv",)), box)])


def attn_lrp(epsilon: float = 1e-6, *, absolute: bool = False) -> Composite:
    """AttnLRP as published: epsilon for all layers, softmax expanded, norms as identities."""
    layers = (kind("conv", "dense"), rules.epsilon(epsilon, absolute=absolute))
    entries = [layers, (kind("normalise"), rules.pass_through())]
    return composite(entries, base=base(epsilon, absolute=absolute))


def latent_transformer(epsilon: float = 1e-6, *, absolute: bool = False) -> Composite:
    """AttnLRP with norms as what they are, affine once their statistics are given.

    For the transformers that read latents: there, identities for the norms explain little
    (experiments/fidelity has the figures).
    """
    layers = (kind("conv", "dense"), rules.epsilon(epsilon, absolute=absolute))
    return composite([layers], base=base(epsilon, absolute=absolute))


def guided_backprop() -> Composite:
    """The gradient, but through ReLUs only where it is positive, and their input too."""
    entries = [(rectifier(), rules.guided()), (anything(), rules.gradient())]
    return composite(entries, base=[], fuse=False)


def deconvnet() -> Composite:
    """The gradient, but through ReLUs only where it is positive."""
    entries = [(rectifier(), rules.deconvolved()), (anything(), rules.gradient())]
    return composite(entries, base=[], fuse=False)


def deep_lift() -> Composite:
    """DeepLIFT's multipliers by the rescale rule; needs a reference."""
    moves = kind("conv", "dense", "affine", "scale", "sum", "add", "route")
    entries = [
        (moves, rules.gradient()),
        (kind("activation"), rules.rescale()),
        (kind("max"), rules.rescale_winners()),
        (kind("product", "gate", "decision", "pow", "rem", "atan2", "clamp"), rules.shapley()),
        (kind("matmul", "attention"), rules.midpoint()),
        (kind("logsumexp"), rules.rescale_logsumexp()),
        (kind("softmax"), rules.rescale_softmax()),
    ]
    return composite(entries, base=[], fuse=False)


PRESETS: dict[str, Callable[..., Composite]] = {
    "attn_lrp": attn_lrp,
    "epsilon_alpha2_beta1": epsilon_alpha2_beta1,
    "epsilon_alpha2_beta1_flat": epsilon_alpha2_beta1_flat,
    "epsilon_gamma_box": epsilon_gamma_box,
    "epsilon_plus": epsilon_plus,
    "epsilon_plus_flat": epsilon_plus_flat,
    "latent_transformer": latent_transformer,
}


def _convolutional(
    rule: Callable[..., Any], epsilon: float, absolute: bool, start: Sequence[Entry] = ()
) -> Composite:
    entries = [
        *start,
        (kind("conv"), rule(epsilon=epsilon, absolute=absolute)),
        (kind("dense"), rules.epsilon(epsilon, absolute=absolute)),
    ]
    return composite(entries, base=base(epsilon, absolute=absolute))


def _as_rule(rule: Any) -> Any:
    if not callable(rule):
        raise TypeError(f"{rule!r} is not a rule: a rule is a function (lin, x, w, b, z, R)")
    return Partial(rule) if all_leaves([rule]) else rule


def _rows(
    made: Composite, graph: Any, found: Sequence[Operation], indent: str, rows: list, moved: list
) -> None:
    for operation in found:
        entry = made.find(operation)
        if operation.kind == "route" and entry:
            moved[0] += 1
            continue
        before, after = (graph.shapes[v[0]].shape for v in (operation.inputs, operation.outputs))
        name, _, where = operation.label.partition(" ")
        rule = "inside" if operation.bodies else describe(entry[1]) if entry else "NONE"
        pattern = repr(entry[0]) if entry else ""
        shape = f"{list(before)} -> {list(after)}"
        rows.append((indent + name, where, shape, rule, pattern))
        for inner, body in zip(operation.equation.graphs, operation.bodies, strict=True):
            _rows(made, inner, body, indent + "  ", rows, moved)


def describe(rule: Any) -> str:
    """A rule in a few letters: "Epsilon(epsilon=1e-06)"."""
    if isinstance(rule, Partial):
        return rule.func.__name__
    return repr(rule).replace(", absolute=False", "").replace(", signed=True", "")

"""Optimisers with their schedules: a short warm-up, then a cosine down to nothing."""

import jax

from audioxai_jax.core.extras import needed_by

with needed_by("audioxai_jax.training"):
    import optax
    from optax import contrib

WARM_UP = 0.15
"""Fraction of the steps."""


def adamw(steps: int, rate: float, decay: float) -> optax.GradientTransformation:
    """AdamW (I. Loshchilov, F. Hutter, ICLR 2019) at a peak of `rate`, with weight decay."""
    return optax.adamw(_schedule(steps, rate), weight_decay=decay)


def muon(
    steps: int, rate: float, decay: float, *, others_rate: float = 3e-3
) -> optax.GradientTransformation:
    """Muon (K. Jordan et al., 2024): matrices move along orthogonalised momentum.

    For flax parameters. Kernels of dense, attention, recurrent and convolution layers are
    matrices; biases, scales, positions and the kernel of a layer called "logits" follow AdamW
    at `others_rate`.

    Args:
      steps: number of steps of the whole training.
      rate: peak rate of the matrices.
      decay: weight decay of all.
    """
    return contrib.muon(
        _schedule(steps, rate),
        weight_decay=decay,
        adam_learning_rate=_schedule(steps, others_rate),
        adam_weight_decay=decay,
        muon_weight_dimension_numbers=matrices,
    )


def matrices(params):
    """Input and output axes of each parameter; None unless it is a hidden matrix."""

    def axes(path, leaf):
        names = [entry.key for entry in path]
        if names[-1] not in ("kernel", "recurrent") or "logits" in names:
            return None
        if leaf.ndim == 3 and names[-2] in ("query", "key", "value"):  # [in, heads, size]
            return contrib.MuonDimensionNumbers(0, (1, 2))
        if leaf.ndim == 3:  # [heads, size, out] of attention, [time, in, out] of convolutions
            return contrib.MuonDimensionNumbers((0, 1), 2)
        return contrib.MuonDimensionNumbers(0, 1) if leaf.ndim == 2 else None

    return jax.tree_util.tree_map_with_path(axes, params)


def _schedule(steps: int, rate: float) -> optax.Schedule:
    return optax.cosine_onecycle_schedule(steps, rate, pct_start=WARM_UP)

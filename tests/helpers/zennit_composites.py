"""The same LRP presets by zennit and by ours, for a stabiliser of 1e-6."""

import pytest

from audioxai_jax.propagation import PRESETS, base, composite, first, kind, rules

torch = pytest.importorskip("torch", reason="torch is not installed: see the extra 'oracles'")
zennit = pytest.importorskip("zennit", reason="zennit is not installed: the extra 'oracles'")

from zennit import canonizers, composites  # noqa: E402
from zennit import rules as their_rules  # noqa: E402

LOW, HIGH = -3.0, 3.0


def their_composite(name, stabiliser, merge, more=()):
    """zennit's composite, which merges batch norms into the operations before them if `merge`.

    Args:
      more: canonizers of the network's own.
    """
    made = {
        "epsilon_plus": composites.EpsilonPlus,
        "epsilon_plus_flat": composites.EpsilonPlusFlat,
        "epsilon_alpha2_beta1": composites.EpsilonAlpha2Beta1,
        "epsilon_alpha2_beta1_flat": composites.EpsilonAlpha2Beta1Flat,
        "epsilon_gamma_box": lambda **o: composites.EpsilonGammaBox(low=LOW, high=HIGH, **o),
    }
    found = [*more, *([canonizers.SequentialMergeBatchNorm()] if merge else [])]
    options = {"epsilon": stabiliser, "stabilizer": stabiliser, "canonizers": found}
    if name != "w_square_gamma":
        return made[name](**options)
    start = [(torch.nn.Conv1d, their_rules.WSquare(stabiliser))]
    layers = composites.layer_map_base(stabiliser)
    layers += [((torch.nn.Conv1d, torch.nn.Linear), their_rules.Gamma(0.25, stabiliser))]
    return composites.SpecialFirstLayerMapComposite(
        layer_map=layers, first_map=start, canonizers=found
    )


def our_composite(name, absolute):
    """Ours; `absolute` is the stabiliser's kind."""
    if name == "epsilon_gamma_box":
        return PRESETS[name](LOW, HIGH, absolute=absolute)
    if name == "w_square_gamma":
        entries = [
            (first(("conv",)), rules.w_square(absolute=absolute)),
            (kind("conv", "dense"), rules.generalised_gamma(absolute=absolute)),
        ]
        return composite(entries, base=base(absolute=absolute))
    return PRESETS[name](absolute=absolute)

"""Methods that captum or zennit have too: ours, and a call of theirs on the module of torch.

A call of theirs takes the module, a sound `[1, T]`, the output to explain and the segments
`[1, T]`, and gives relevance of the sound's shape.
"""

import contextlib
import dataclasses
import importlib
import sys
import types
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from audioxai_jax import attribution
from audioxai_jax.types import Method

STEPS = 32
"""Of Integrated Gradients, by Gauss and Legendre."""
PLAYERS = 4
"""Of exact Shapley values: captum tries all orders, 24."""
STABILISER = 1e-6
"""Of LRP, relative."""


@dataclasses.dataclass(frozen=True)
class Shared:
    """One method on both sides.

    Attributes:
      ours: factory of segments `[T]`.
      package: theirs.
      theirs: call, see above.
    """

    ours: Callable[[np.ndarray], Method]
    package: str
    theirs: Callable[..., Any]


def of_captum(name: str, **options: Any) -> Callable[..., Any]:
    """A method of captum that takes a target."""

    def call(net, sound, target, segments):
        del segments
        made = getattr(importlib.import_module("captum.attr"), name)(net)
        return made.attribute(sound, target=target, **options)

    return call


def of_segments(name: str, players: int | None = None) -> Callable[..., Any]:
    """A method of captum that takes segments, and joins neighbours to a number of players."""
    at_once = {"perturbations_per_eval": 4}

    def call(net, sound, target, segments):
        made = getattr(importlib.import_module("captum.attr"), name)(net)
        mask = segments if players is None else joined(segments, players)
        return made.attribute(sound, target=target, feature_mask=mask, **at_once)

    return call


def of_zennit(name: str, **options: Any) -> Callable[..., Any]:
    """A composite of zennit, with its batch norms merged and our stabiliser."""

    def call(net, sound, target, segments):
        del segments
        import torch

        zennit = zennit_parts()
        stabiliser = zennit["core"].Stabilizer(epsilon=STABILISER, norm_scale=True)
        canonizers = [zennit["canonizers"].SequentialMergeBatchNorm()]
        given = {"epsilon": stabiliser, "stabilizer": stabiliser, "canonizers": canonizers}
        made = getattr(zennit["composites"], name)(**given, **options)
        with made.context(net) as model:
            outputs = model(sound)
            start = torch.zeros_like(outputs)
            start[:, target] = outputs[:, target].detach()
            return torch.autograd.grad(outputs, sound, start)[0]

    return call


def occlusion_by_captum(net, sound, target, segments):
    """Windows as long as a segment, side by side."""
    from captum.attr import Occlusion

    window = (longest(segments),)
    return Occlusion(net).attribute(sound, window, strides=window, target=target)


def joined(segments: Any, players: int) -> Any:
    """Neighbouring segments as one, so that at most this number of players is left."""
    return segments // (-(-(int(segments.max()) + 1) // players))


def longest(segments: Any) -> int:
    """Features of the first segment, the longest of those that are of one length."""
    return int((segments == 0).sum())


SHARED: dict[str, Shared] = {
    "deconvolution": Shared(
        lambda segments: attribution.deconvolution(), "captum", of_captum("Deconvolution")
    ),
    "deep_lift": Shared(lambda segments: attribution.deep_lift(), "captum", of_captum("DeepLift")),
    "feature_ablation": Shared(
        lambda segments: attribution.feature_ablation(segments=segments),
        "captum",
        of_segments("FeatureAblation"),
    ),
    "guided_backprop": Shared(
        lambda segments: attribution.guided_backprop(), "captum", of_captum("GuidedBackprop")
    ),
    "input_x_gradient": Shared(
        lambda segments: attribution.input_x_gradient(), "captum", of_captum("InputXGradient")
    ),
    "integrated_gradients": Shared(
        lambda segments: attribution.integrated_gradients(steps=STEPS),
        "captum",
        of_captum("IntegratedGradients", n_steps=STEPS, method="gausslegendre"),
    ),
    "lrp:epsilon_alpha2_beta1": Shared(
        lambda segments: attribution.lrp("epsilon_alpha2_beta1"),
        "zennit",
        of_zennit("EpsilonAlpha2Beta1"),
    ),
    "lrp:epsilon_gamma_box": Shared(
        lambda segments: attribution.lrp("epsilon_gamma_box"),
        "zennit",
        of_zennit("EpsilonGammaBox", low=-1.0, high=1.0),
    ),
    "lrp:epsilon_plus": Shared(
        lambda segments: attribution.lrp("epsilon_plus"), "zennit", of_zennit("EpsilonPlus")
    ),
    "lrp:epsilon_plus_flat": Shared(
        lambda segments: attribution.lrp("epsilon_plus_flat"),
        "zennit",
        of_zennit("EpsilonPlusFlat"),
    ),
    "occlusion": Shared(
        lambda segments: attribution.occlusion(window=longest(segments), stride=longest(segments)),
        "captum",
        occlusion_by_captum,
    ),
    "saliency": Shared(lambda segments: attribution.saliency(), "captum", of_captum("Saliency")),
    "shapley_values": Shared(
        lambda segments: attribution.shapley_values(segments=joined(segments, PLAYERS)),
        "captum",
        of_segments("ShapleyValues", PLAYERS),
    ),
}
"""Methods by name, as the leaderboard has them."""


def zennit_parts() -> dict[str, Any]:
    """zennit's modules; it imports torchvision for the names of two classes alone."""
    names = ("torchvision", "torchvision.models", "torchvision.models.resnet")
    missing = []
    try:
        importlib.import_module(names[-1])
    except (ImportError, RuntimeError, OSError):
        missing = [name for name in names if name not in sys.modules]
        sys.modules.update({name: types.ModuleType(name) for name in missing})
        for name in ("Bottleneck", "BasicBlock"):
            setattr(sys.modules[names[-1]], name, type(name, (), {}))
    parts = ("canonizers", "composites", "core")
    made = {part: importlib.import_module(f"zennit.{part}") for part in parts}
    for name in missing:
        del sys.modules[name]
    return made


@contextlib.contextmanager
def double_in_torch() -> Iterator[None]:
    """captum rounds weights of quadratures and sums over orders to single precision elsewise."""
    import torch

    kept = {"FloatTensor": torch.FloatTensor, "float": torch.float}
    usual, method = torch.get_default_dtype(), torch.Tensor.float
    torch.set_default_dtype(torch.float64)
    torch.Tensor.float = torch.Tensor.double  # type: ignore[method-assign]
    torch.FloatTensor, torch.float = torch.DoubleTensor, torch.float64
    try:
        yield
    finally:
        torch.set_default_dtype(usual)
        torch.Tensor.float = method  # type: ignore[method-assign]
        for name, value in kept.items():
            setattr(torch, name, value)

"""A trained network of waveforms as a module of torch, by its plain weights.

Everything is written with torch's own layers, as a user of captum or zennit would write it.
"""

from typing import Any

import jax
import numpy as np

from audioxai_jax.core.records import bound
from audioxai_jax.nets.classifiers.wave_cnn import WaveCnnConfig
from audioxai_jax.types import Classifier

EPSILON = 1e-5
"""What the batch norms add to variances."""


def parts(classifier: Classifier) -> tuple[WaveCnnConfig, dict[str, Any]]:
    """Configuration and variables of a classifier that `truth.recipe` trained.

    Raises:
      ValueError: for any other network.
    """
    known = bound(classifier.model)
    if known is None or not isinstance(known[1], WaveCnnConfig):
        raise ValueError("only networks of waveforms by truth.recipe have a counterpart in torch")
    return known[1], jax.tree.map(lambda leaf: np.asarray(leaf, np.float64), known[2])


def replica(classifier: Classifier) -> Any:
    """A module, double precision: sounds `[N, T]` to logits `[N, K]`."""
    import torch

    class Network(torch.nn.Module):
        def __init__(self, body: Any, frames: int, outputs: Any, pooled: bool):
            super().__init__()
            self.body, self.outputs, self.pooled = body, outputs, pooled
            self.mean, self.most = torch.nn.AvgPool1d(frames), torch.nn.MaxPool1d(frames)

        def forward(self, sounds):
            values = self.body(sounds[:, None])
            if not self.pooled:
                return self.outputs(values.transpose(1, 2).flatten(1))
            apart = values * 1.0  # right behind a ReLU captum does not rescale
            pooled = torch.cat([self.mean(values), self.most(apart)], dim=1)
            return self.outputs(pooled[:, :, 0])

    config, variables = parts(classifier)
    params, statistics = variables["params"], variables["batch_stats"]
    layers, frames = [], config.samples
    for index, stride in enumerate((config.hop, *config.strides)):
        weights = params[f"conv_{index}"]
        before, after = padding(frames, weights["kernel"].shape[0], stride)
        frames = -(-frames // stride)
        layers += [] if before == after else [torch.nn.ZeroPad1d((before, after))]
        layers += [convolution(weights, stride, before if before == after else 0)]
        layers += [norm(params[f"norm_{index}"], statistics[f"norm_{index}"]), torch.nn.ReLU()]
    body, outputs = torch.nn.Sequential(*layers), dense(params["logits"])
    return Network(body, frames, outputs, config.pooled).double().eval()


def padding(frames: int, width: int, stride: int) -> tuple[int, int]:
    """Zeros before and after, so that each stride gives one frame; the odd one after."""
    total = max((-(-frames // stride) - 1) * stride + width - frames, 0)
    return total // 2, total - total // 2


def convolution(weights: dict[str, np.ndarray], stride: int, zeros: int) -> Any:
    """torch's kernels are `[out, in, width]`, ours `[width, in, out]`."""
    import torch

    width, inside, outside = weights["kernel"].shape
    layer = torch.nn.Conv1d(inside, outside, width, stride, zeros)
    return filled(layer, weight=weights["kernel"].transpose(2, 1, 0), bias=weights["bias"])


def norm(weights: dict[str, np.ndarray], statistics: dict[str, np.ndarray]) -> Any:
    """With an epsilon of 0: zennit leaves the epsilon of a batch norm that it merges."""
    import torch

    layer = torch.nn.BatchNorm1d(len(weights["scale"]), eps=0.0)
    values = {"weight": weights["scale"], "bias": weights["bias"]}
    running = {"running_mean": statistics["mean"], "running_var": statistics["var"] + EPSILON}
    return filled(layer, **values, **running)


def dense(weights: dict[str, np.ndarray]) -> Any:
    import torch

    layer = torch.nn.Linear(*weights["kernel"].shape)
    return filled(layer, weight=weights["kernel"].T, bias=weights["bias"])


def filled(layer: Any, **values: np.ndarray) -> Any:
    """The layer, double precision, with these values of its parameters."""
    import torch

    layer = layer.double()
    state = {name: torch.tensor(np.ascontiguousarray(v)) for name, v in values.items()}
    layer.load_state_dict(layer.state_dict() | state)
    return layer

"""Distill-MOS: the quality of speech that listeners would state, by convolutions and attention.

B. Stahl, H. Gamper, "Distillation and Pruning for Scalable Self-Supervised
Representation-Based Speech Quality Assessment", ICASSP 2025.
"""

from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.tree_util import Partial

from audioxai_jax.core.extras import needed_by
from audioxai_jax.domains.normalised import normalised
from audioxai_jax.domains.samples import samples
from audioxai_jax.models.bridges.pytorch import from_torch
from audioxai_jax.models.safe_gradients import safe_gradients
from audioxai_jax.models.subjects.package_modules import checkpoint, package_module
from audioxai_jax.models.subjects.protocol import Subject
from audioxai_jax.types import Classifier, Model

SAMPLE_RATE = 16_000
WINDOW = 122_880
"""Samples that the network reads at once, 7.68 s."""
HOP = 16_000
"""Largest distance of two readings of a longer clip."""
INSTALL = "distillmos==0.9.1 xls-r-sqa==0.1.0 --no-deps"


def distillmos(*, behind: bool = True, cache: str | Path | None = None) -> Classifier:
    """The mean opinion score of speech, 1 (bad) to 5 (excellent), `[1]`, of samples at 16 kHz.

    The model divides a clip by its largest magnitude, so that it ignores level: between silence
    and a sound it never changes, and a path from silence explains nothing. The classifier
    therefore begins behind that normalisation unless told otherwise. A clip below 7.68 s is read
    with zeros behind it; of a longer one, the score is the mean over readings 1 s apart or less,
    each of which the model normalises by itself. Its root of a power has no derivative at
    silence, so that torch's gradient is NaN there; here it counts as 0 (`models.safe_gradients`).

    Args:
      behind: whether features are the normalised samples (`domains.normalised`), of clips up to
        7.68 s; if not, they are the samples, of clips of any length.
      cache: folder that keeps the exported graph, see `from_torch`.

    Raises:
      MissingExtra: if distillmos, xls_r_sqa, torch or onnx are not installed.
      ValueError: when used, for a clip above 7.68 s behind the normalisation.
    """
    network = _network(cache)
    if behind:
        reads = normalised(SAMPLE_RATE, _normalise)
        return Classifier(Partial(_padded, network), reads, labels=("MOS",), outputs="value")
    whole = Partial(_mean_of_readings, network)
    return Classifier(whole, samples(SAMPLE_RATE), labels=("MOS",), outputs="value")


def _network(cache: str | Path | None) -> Model:
    """Normalised samples `[122880]` to a score `[1]`."""
    with needed_by("the subject distillmos"):
        import torch  # pyright: ignore[reportMissingImports]

    nothing = {"torchaudio": {}}
    file = package_module("distillmos", "sqa.py", install=INSTALL, without=nothing)
    module = file.ConvTransformerSQAModel(load_weights=False, segmenting_in_forward=False)
    module.load_state_dict(checkpoint("distillmos", file_name(), install=INSTALL)["model"])

    class Behind(torch.nn.Module):
        """What the package's `forward` does behind its normalisation."""

        def __init__(self, whole: torch.nn.Module) -> None:
            super().__init__()
            self.cnn, self.transformer_pool_attn = whole.cnn, whole.transformer_pool_attn

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return 1 + 4 * self.transformer_pool_attn(self.cnn(x).permute(0, 2, 1))

    example = torch.randn(1, WINDOW, generator=torch.Generator().manual_seed(0))
    behind = Behind(module).eval()
    return safe_gradients(
        from_torch(behind, example, sample_rate=SAMPLE_RATE, outputs="value", cache=cache).model
    )


def file_name() -> str:
    """Path of the weights inside the package."""
    return "weights/distill_mos_v7.pt"


def _padded(network: Model, features: Array) -> Array:
    missing = WINDOW - features.shape[0]
    if missing < 0:
        raise ValueError(
            f"distillmos: the clip has {features.shape[0]} samples, above the {WINDOW} (7.68 s) "
            "that the model normalises and reads at once: cut it, or take "
            "distillmos(behind=False), which reads it piece by piece"
        )
    return network(jnp.pad(features, (0, missing)))


def _mean_of_readings(network: Model, audio: Array) -> Array:
    audio = jnp.pad(audio, (0, max(0, WINDOW - audio.shape[0])))
    over = audio.shape[0] - WINDOW
    places = np.linspace(0, 1, -(-over // HOP) + 1)
    pieces = [_normalise(audio[int(c * over) :][:WINDOW]) for c in places]
    return jnp.mean(jax.lax.map(network, jnp.stack(pieces)), axis=0)


def _normalise(audio: Array) -> Array:
    return audio / (jnp.max(jnp.abs(audio)) + 1e-8)


SUBJECT = Subject(
    distillmos,
    task="speech quality, 1 to 5",
    package="distillmos==0.9.1",
    install=INSTALL,
    licence="MIT",
    source="B. Stahl, H. Gamper, ICASSP 2025",
    composite="epsilon_plus",
    caveat="ignores level: it is explained behind its division by the peak",
)

"""Latent: a classifier reads known features of the shipped codec's latent, by construction.

Each of four classes reads eight features of its own, of 1600, through a small random network

    logit_c = a_c . tanh(W_c (z[S_c] - mean) / deviation + b_c) + d_c

so that the reasons for a logit are the eight of its class, all of them and no others. Relevance
of any other has to be exactly zero: its gradient is. Segments, for methods that switch features
off: each of the 32 features that some class reads, as many that none reads, and all others in
blocks of five frames and sixteen channels. One feature a segment would be 1600 of them; blocks
alone could not tell a feature from its neighbours.
"""

import dataclasses
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.tree_util import Partial

from audioxai_jax.domains.latent import latent
from audioxai_jax.truth.answers import Masks
from audioxai_jax.truth.latents import encoded, shipped, sounds
from audioxai_jax.truth.recipe import answers, logits
from audioxai_jax.truth.record import Bar, Check, Trial
from audioxai_jax.truth.views import sounds_trial
from audioxai_jax.types import Classifier

CLASSES, READ, HIDDEN = 4, 8, 6
POOL = 256
"""Sounds by which features and logits are put on one scale."""
BLOCK = (5, 16)
"""Frames and channels of a segment of features that are no candidates."""
BARS = (Bar("exact_set", low=0.95, energy=0.05), Bar("mass", low=1.0, energy=0.1))


@dataclasses.dataclass(frozen=True, eq=False)
class Drawn:
    """Sounds `audio [N, T]` and their latents `[N, F, C]`."""

    audio: np.ndarray
    latents: np.ndarray


def draw(count: int, *, seed: int) -> Drawn:
    """Sounds of the truth.

    Args:
      count: number of sounds.
      seed: decides all.
    """
    audio, _ = sounds(count, random=np.random.default_rng([seed, 20]))
    return Drawn(audio, encoded(audio))


def read_by(params: dict[str, Array], features: Array) -> Array:
    """Logits `[K]` of a latent: each class reads its own features, `params["index"]` `[K, k]`."""
    values = features.reshape(-1)[params["index"]]
    scaled = (values - params["mean"]) / params["deviation"]
    hidden = jnp.tanh(jnp.sum(params["inner"] * scaled[:, None], axis=-1) + params["shift"])
    return jnp.sum(params["outer"] * hidden, axis=-1) - params["offset"]


@jax.jit
def _each(params: dict[str, Array], latents: Array) -> Array:
    return jax.vmap(read_by, (None, 0))(params, latents)


def constructed(seed: int, latents: np.ndarray) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """Parameters of `read_by`, and as many features as are read that are not, `[K * k]`.

    Args:
      seed: decides all.
      latents: latents of sounds `[P, F, C]`, by which features and logits are put on one scale.
    """
    random = np.random.default_rng([seed, 21])
    flat = latents.reshape(len(latents), -1).astype(np.float64)
    drawn = random.permutation(flat.shape[1])[: 2 * CLASSES * READ]
    index = drawn[: CLASSES * READ].reshape(CLASSES, READ).astype(np.int32)
    params = {
        "index": index,
        "mean": flat[:, index].mean(axis=0),
        "deviation": flat[:, index].std(axis=0),
        "inner": random.normal(size=(CLASSES, HIDDEN, READ)) * READ**-0.5,
        "shift": 0.3 * random.normal(size=(CLASSES, HIDDEN)),
        "outer": random.normal(size=(CLASSES, HIDDEN)),
        "offset": np.zeros(CLASSES),
    }
    params = {k: v if k == "index" else v.astype(np.float32) for k, v in params.items()}
    raw = np.asarray(_each(params, latents))
    params["outer"] = params["outer"] / raw.std(axis=0)[:, None]
    params["offset"] = raw.mean(axis=0) / raw.std(axis=0)
    return params, drawn[CLASSES * READ :]


def build(seed: int, *, clips: int = 24, data: Path | None = None) -> Trial:
    """See `Truth.build`."""
    del data
    params, unread = constructed(seed, draw(POOL, seed=2 * seed).latents)
    leaves = {name: jnp.asarray(value) for name, value in params.items()}
    domain = latent(shipped())
    classifier = Classifier(Partial(read_by, leaves), reads=domain)
    test = draw(max(clips, 64), seed=2 * seed + 1)
    shape = test.latents.shape[1:]
    targets = answers(classifier, test.latents)
    masks = np.zeros((CLASSES, *shape), np.int8)
    masks.reshape(CLASSES, -1)[np.arange(CLASSES)[:, None], params["index"]] = 1
    checks = intervene(classifier, params["index"], params["mean"], test.latents)
    answer, audio = Masks(masks[targets[:clips]]), test.audio[:clips]
    trial = sounds_trial(classifier, audio, targets[:clips], answer, checks, domain=domain)
    segments = segmented(shape, np.concatenate([params["index"].ravel(), unread]))
    return dataclasses.replace(trial, segments=segments)


def segmented(shape: tuple[int, int], alone: np.ndarray) -> np.ndarray:
    """Labels `[F, C]`: blocks, and each feature of `alone`, flat numbers, by itself."""
    frames, channels = (np.arange(n) // size for n, size in zip(shape, BLOCK, strict=True))
    labels = frames[:, None] * (channels.max() + 1) + channels
    labels.reshape(-1)[alone] = labels.max() + 1 + np.arange(len(alone))
    return np.unique(labels, return_inverse=True)[1].reshape(shape).astype(np.int32)


def intervene(
    classifier: Classifier, index: np.ndarray, mean: np.ndarray, latents: np.ndarray
) -> tuple[Check, ...]:
    """What is read set to its mean, planted in another latent, exchanged one by one; all else."""
    flat = latents.reshape(len(latents), -1)
    other = np.roll(flat, 1, axis=0)
    before = logits(classifier, latents)
    told = lambda edited: logits(classifier, edited.reshape(latents.shape))
    silent, planted, exchanged = flat.copy(), flat.copy(), other.copy()
    silent[:, index] = mean
    planted[:, index], exchanged[:, index] = other[:, index], flat[:, index]
    changed = []
    for label, own in enumerate(index):
        for feature in own:
            edited = flat.copy()
            edited[:, feature] = other[:, feature]
            change = (told(edited) != before).mean(axis=0)
            changed.append(change[label] - np.delete(change, label).max())
    constant = told(silent)
    share = np.bincount(before.argmax(axis=1), minlength=CLASSES).max() / len(before)
    return (
        Check("largest share of a class", float(share), high=0.5),
        Check(
            "read features at their mean: spread of logits",
            float(np.ptp(constant, 0).max()),
            high=0.0,
        ),
        Check(
            "read features of another clip planted: difference to its logits",
            float(np.abs(told(planted) - np.roll(before, 1, axis=0)).max()),
            high=0.0,
        ),
        Check(
            "all others exchanged: change of logits",
            float(np.abs(told(exchanged) - before).max()),
            high=0.0,
        ),
        Check(
            "one feature exchanged: share of clips where its class alone changes, least",
            float(min(changed)),
            low=0.95,
        ),
    )

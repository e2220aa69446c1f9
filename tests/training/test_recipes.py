"""Recipes: every head fits every task, and what they learn from is what they say."""

import dataclasses
import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.tree_util import Partial

from audioxai_jax import Codec
from audioxai_jax.data.tasks import TASKS, Clips
from audioxai_jax.training import recipes
from audioxai_jax.training.recipes import COPIES, HEADS, STEPS, make_features, make_recipe
from tests.helpers.rows import rows

CODEC = Codec(
    encode=Partial(lambda sound: sound.reshape(-1, 320)[:, :64]),
    decode=Partial(lambda z: jnp.pad(z, ((0, 0), (0, 256))).ravel()),
    sample_rate=16_000,
    hop=320,
    name="toy",
)
ALL = [f"{name}:{v}".rstrip(":") for name, net in HEADS.items() for v in net.VARIANTS]


PAIRS = list(itertools.product([*ALL, "listener"], TASKS))
VARIED = [(head, task) for head, task in PAIRS if ":" in head and task != "keywords"]
"""Variants for the other tasks: their frames and classes are those of the plain head."""


@pytest.mark.parametrize("head, task", rows(PAIRS, full_size=VARIED))
def test_every_head_reads_every_task(task, head):
    recipe = make_recipe(head, task, CODEC)
    frames = TASKS[task].samples // (160 if head == "listener" else 320)
    features = jax.ShapeDtypeStruct((frames, 64), jnp.float32)
    logits = jax.eval_shape(lambda x: recipe.predict(recipe.init(jax.random.key(0)), x), features)
    assert logits.shape == (len(TASKS[task].labels),)
    assert recipe.steps == STEPS[task][head.partition(":")[0]]
    if head != "listener":
        assert recipe.manifest["codec"] == "toy" and recipe.manifest["frames"] == frames


def test_usual_variants_and_steps():
    small = make_recipe("transformer", "digits", CODEC, steps=7)
    assert small.steps == 7 and small.manifest["config"].layers == 2
    assert make_recipe("transformer", "keywords", CODEC).manifest["config"].layers == 3
    with pytest.raises(ValueError, match="known are small, paper, followup"):
        make_recipe("transformer:tiny", "digits", CODEC)


def test_a_codec_of_another_rate_reads_as_many_seconds():
    fast = dataclasses.replace(CODEC, sample_rate=24_000)
    for task, frames in (("digits", 75), ("emotion", 150)):
        recipe = make_recipe("cnn", task, fast)
        assert recipe.manifest["frames"] == recipe.manifest["config"].frames == frames
    with pytest.raises(ValueError, match="listener hears 16000 Hz, the clips come at 24000 Hz"):
        make_recipe("listener", "digits", fast)


def test_features_are_copies_of_what_may_be_learned_from(monkeypatch):
    monkeypatch.setattr(recipes, "COPIES", 4)
    random = np.random.default_rng(0)
    texts = np.array([str(n) for n in range(6)])
    clips = Clips(
        audio=random.integers(-9000, 9000, (6, 16_000)).astype(np.int16),
        target=np.array([0, 2, 3, 0, 2, 3], np.int32),
        speaker=texts,
        file=texts,
        origin=texts,
        parts={},
    )
    learned = np.array([True, True, False, True, False, False])
    copies, plain = make_features("latent", "keywords", CODEC, clips, learned)
    assert copies.shape == (4, 3, 50, 64) and plain.shape == (6, 50, 64)
    wanted = clips.audio.reshape(6, 50, 320)[:, :, :64] / np.float32(32768)
    np.testing.assert_allclose(plain, wanted, atol=1e-7)
    holes = np.mean(copies == 0, axis=(1, 2, 3))
    assert holes[:2].max() < 0.2 and holes[2:].max() > 0.2  # the second half has gaps
    copies, plain = make_features("listener", "keywords", CODEC, clips, learned)
    assert copies.shape == (4, 3, 100, 64) and plain.shape == (6, 100, 64)
    assert COPIES == 12

"""Results do not depend on how clips are batched, chunked or spread over devices.

Run as a script, this file writes its explanations to a file: the test does so in a process
that has eight virtual devices.
"""

import itertools
import os
import subprocess
import sys

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.tree_util import Partial

from audioxai_jax import (
    Classifier,
    adaptive_integrated_gradients,
    attribute_batch,
    domains,
    explain,
    explain_batch,
    integrated_gradients,
    iterate_examples,
    map_examples,
    random_control,
)
from audioxai_jax.nets.codecs import gainshape
from audioxai_jax.nets.codecs.gainshape import GainShapeConfig
from audioxai_jax.synthesis.bases import noise
from tests.helpers.rows import rows

CLIPS, SAMPLES = 9, 3200
METHODS = {"integrated_gradients": integrated_gradients(steps=4), "random": random_control()}


def network(params, latent):
    return jnp.tanh(latent @ params[0]).mean(0) @ params[1]


def classifier():
    config = GainShapeConfig(width=16, encoder_blocks=1, decoder_blocks=1)
    codec = gainshape.codec(config, gainshape.init(config, jax.random.key(0)), name="untrained")
    keys = jax.random.split(jax.random.key(1))
    params = jax.random.normal(keys[0], (64, 32)), jax.random.normal(keys[1], (32, 5))
    return Classifier(Partial(network, params), domains.latent(codec))


def clips():
    loudness = jnp.linspace(0.02, 0.5, CLIPS)[:, None]
    return loudness * jax.random.normal(jax.random.key(2), (CLIPS, SAMPLES))


def explained(method, **options):
    """With the noise base, so that each clip's key matters three times over."""
    fields = {"method": METHODS[method], "base": noise(-40.0), "key": jax.random.key(3)} | options
    found = explain_batch(classifier(), **{"audio": clips()} | fields)
    return jax.tree.map(np.asarray, found)


def assert_agree(found, wanted):
    """Relevance within 1e-5 of each clip's largest; features that near the cut may swap."""
    for clip in range(len(wanted.target)):
        one, other = (jax.tree.map(lambda leaf, i=clip: leaf[i], e) for e in (found, wanted))
        nearness = 1e-5 * np.abs(other.relevance).max()
        assert np.abs(one.relevance - other.relevance).max() <= nearness
        cut = other.relevance[other.mask == 1].min()
        swapped = one.mask != other.mask
        assert np.all(np.abs(other.relevance[swapped] - cut) <= nearness)
        assert one.mask.sum() == other.mask.sum()
        for name, logits in other.logits.items():
            best = np.sort(logits)
            if best[-1] - best[-2] > 1e-4:
                assert np.argmax(one.logits[name]) == np.argmax(logits), name
        for name, sound in other.sounds.items():
            if name in ("reconstruction", "random") or not swapped.any():
                assert np.abs(one.sounds[name] - sound).max() <= 1e-5 * np.abs(sound).max(), name


@pytest.fixture(scope="module")
def wanted():
    """Each clip by itself, without batches."""
    model = classifier()

    @jax.jit
    def single(method, clip, key):
        return explain(model, clip, method=method, base=noise(-40.0), key=key)

    found = {}
    for name, method in METHODS.items():
        keys = [jax.random.fold_in(jax.random.key(3), index) for index in range(CLIPS)]
        each = [single(method, clip, key) for clip, key in zip(clips(), keys, strict=True)]
        found[name] = jax.tree.map(lambda *leaves: np.stack(leaves), *each)
    return found


@pytest.fixture(params=METHODS)
def method(request):
    return request.param


CHUNKS = set(itertools.product(METHODS, (1, 3, 7, "auto")))
QUICK = {("integrated_gradients", 3), ("random", "auto")}


@pytest.mark.parametrize("method, chunk", rows(sorted(CHUNKS, key=str), full_size=CHUNKS - QUICK))
def test_chunks_agree_with_single_clips(method, wanted, chunk):
    assert_agree(explained(method, chunk=chunk), wanted[method])


def test_a_part_of_a_collection_agrees_with_the_whole(method, wanted):
    part = explained(method, audio=clips()[4:], first_index=4)
    assert_agree(part, jax.tree.map(lambda leaf: leaf[4:], wanted[method]))


def test_another_place_in_the_collection_is_another_draw(wanted):
    moved = explained("random", first_index=1)
    assert not np.any(moved.relevance == wanted["random"].relevance)
    np.testing.assert_allclose(moved.relevance[:-1], wanted["random"].relevance[1:], rtol=1e-6)


def test_clips_draw_differently(wanted):
    relevance = wanted["random"].relevance
    assert len(np.unique(relevance)) > 0.99 * relevance.size


@pytest.mark.full_size
def test_eight_devices_agree_with_single_clips(wanted, tmp_path):
    eight = f"{os.environ.get('XLA_FLAGS', '')} --xla_force_host_platform_device_count=8"
    flags = {"XLA_FLAGS": eight, "JAX_PLATFORMS": "cpu"}
    command = [sys.executable, __file__, str(tmp_path / "found.npz")]
    subprocess.run(command, check=True, env=os.environ | flags, timeout=300)
    with np.load(tmp_path / "found.npz") as stored:
        assert stored["devices"] == 8
        for method, explanation in wanted.items():
            structure = jax.tree.structure(explanation)
            leaves = [stored[f"{method}/{i}"] for i in range(structure.num_leaves)]
            assert_agree(jax.tree.unflatten(structure, leaves), explanation)
        steps = stepwise()
        assert np.abs(stored["stepwise"] - steps).max() <= 1e-5 * np.abs(steps).max()

        np.testing.assert_allclose(stored["few"], few_stay(1), rtol=1e-5)


def settles_late(x):
    return jnp.where(x[0] > 5, jnp.sum(jnp.tanh(50 * (x - 3.3))), jnp.sum(x**2))[None]


def few_stay(devices):
    """Of twelve places, three are still needed when the other examples are done."""
    x = np.ones((12, 4), np.float32)
    x[[1, 5, 9]] = 10
    method, devices = adaptive_integrated_gradients(tolerance=1e-3), jax.local_devices()[:devices]
    return attribute_batch(
        method, settles_late, x, 0, key=jax.random.key(0), chunk=8, devices=devices
    ).relevance


def stepwise():
    """Relevance by a method whose examples are done at different times."""
    latents = 40 * jnp.linspace(0.01, 1, CLIPS)[:, None, None]
    latents *= jax.random.normal(jax.random.key(5), (CLIPS, 20, 64))
    method = adaptive_integrated_gradients(tolerance=1e-3)
    return attribute_batch(
        method, classifier().model, latents, key=jax.random.key(0), chunk=1
    ).relevance


def write(path):
    arrays = {"devices": np.asarray(jax.local_device_count())}
    for method in METHODS:
        leaves = jax.tree.leaves(explained(method))
        arrays |= {f"{method}/{i}": leaf for i, leaf in enumerate(leaves)}
    arrays["stepwise"], arrays["few"] = np.asarray(stepwise()), np.asarray(few_stay(2))
    np.savez(path, **arrays)


def scaled(factor, example, key):
    return {"product": factor * example["x"], "draw": jax.random.uniform(key)}


def test_results_come_in_order_and_padding_is_dropped(key):
    x = np.arange(14.0).reshape(7, 2)
    for chunk in (1, 2, 3, 7, 100):
        found = map_examples(scaled, 2.0, {"x": x}, key=key, chunk=chunk)
        assert np.array_equal(found["product"], 2 * x)
        wanted = [jax.random.uniform(jax.random.fold_in(key, i)) for i in range(7)]
        assert np.array_equal(found["draw"], wanted)


def test_parts_come_chunk_by_chunk(key):
    parts = iterate_examples(scaled, 1.0, {"x": np.ones(7)}, key=key, chunk=3)
    assert [len(part["draw"]) for part in parts] == [3, 3, 1]


def test_large_indices_are_fine(key):
    """Of a collection of more clips than a signed number can count."""
    found = map_examples(scaled, 1.0, {"x": np.ones(2)}, key=key, first_index=2**31)
    assert found["draw"][0] == jax.random.uniform(jax.random.fold_in(key, 2**31))


def test_devices_can_be_chosen(key):
    found = map_examples(scaled, 1.0, {"x": np.ones(3)}, key=key, devices=jax.local_devices()[:1])
    assert found["product"].devices() == {jax.local_devices()[0]}


@pytest.mark.parametrize(
    "examples, options, said",
    [
        ({"x": np.ones((0, 3))}, {}, "the batch is empty"),
        ({"x": np.ones(3), "y": np.ones(4)}, {}, r"same leading axis, got sizes \[3, 4\]"),
        ({"x": 1.0}, {}, "the batch is empty"),
        ({"x": np.ones(3)}, {"chunk": 0}, "chunk must be a positive whole number or 'auto', got 0"),
        ({"x": np.ones(3)}, {"chunk": "all"}, "chunk must be .* got 'all'"),
    ],
)
def test_what_does_not_fit_is_refused(key, examples, options, said):
    with pytest.raises(ValueError, match=said):
        map_examples(scaled, 1.0, examples, key=key, **options)


if __name__ == "__main__":
    write(sys.argv[1])

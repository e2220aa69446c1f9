"""Many shapes in one process: compiled programs are dropped in time, and results stay."""

import os

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from audioxai_jax import attribute_batch, map_examples, saliency
from audioxai_jax.core import programs

LENGTHS = range(3, 15)


def smooth(shared, example, key):
    del key
    return jnp.sort(jnp.tanh(example * shared)) @ jnp.sin(example)


def results():
    """Of a clip of each length, and the share of the memory maps after it."""
    found, shares = [], []
    for length in LENGTHS:
        clips = np.linspace(-1, 1, length, dtype=np.float32)[None]
        found.append(np.asarray(map_examples(smooth, 0.5, clips, key=jax.random.key(0)))[0])
        shares.append(programs.maps_share())
    return found, shares


@pytest.mark.skipif(not os.path.exists("/proc/self/maps"), reason="the system hides its maps")
def test_memory_maps_of_many_lengths_are_bounded(monkeypatch):
    jax.clear_caches()
    wanted, grown = results()
    each = (grown[-1] - grown[0]) / (len(grown) - 1)
    jax.clear_caches()
    monkeypatch.setattr(programs, "FEWEST", 2)
    monkeypatch.setattr(programs, "OURS", programs.maps_share() + 4 * each)
    found, shares = results()
    assert found == wanted
    assert max(shares) < programs.OURS + each < grown[-1]


@pytest.mark.parametrize(
    "share, known, ours, all_of_them",
    [
        (0.4, 99, False, False),
        (0.6, 99, True, False),
        (0.6, 3, False, False),
        (0.9, 3, True, True),
        (None, 99, False, False),
        (None, 999, True, False),
    ],
)
def test_our_programs_are_dropped_before_all_others(monkeypatch, share, known, ours, all_of_them):
    dropped = []

    class Program:
        _cache_size = lambda self: known
        clear_cache = lambda self: dropped.append("ours")

    monkeypatch.setattr(programs, "_PROGRAMS", [Program()])
    monkeypatch.setattr(programs, "maps_share", lambda: share)
    monkeypatch.setattr(jax, "clear_caches", lambda: dropped.append("all"))
    programs.make_room()
    assert dropped == ["ours"] * ours + ["all"] * all_of_them


def test_programs_may_be_dropped_while_another_is_traced(monkeypatch):
    """A concrete call inside a trace compiles too."""
    monkeypatch.setattr(programs, "maps_share", lambda: 0.9)
    inner = programs.compiled(lambda x: 2 * x)
    outer = jax.jit(lambda x: x + inner(np.ones(3, np.float32)).sum())
    assert outer(1.0) == 7
    assert jax.grad(lambda x: inner(x).sum())(jnp.ones(3)).tolist() == [2, 2, 2]


def normalised_sum(weights, x):
    """Logits `[K]` behind a layer norm."""
    centred = x - x.mean(-1, keepdims=True)
    variance = jnp.mean(centred**2, -1, keepdims=True)
    return weights @ (centred * jax.lax.rsqrt(variance + 1e-5)).mean(0)


@pytest.fixture
def optimised():
    """Compiled as users do."""
    usual = jax.config.read("jax_disable_most_optimizations")
    jax.config.update("jax_disable_most_optimizations", False)
    yield
    jax.config.update("jax_disable_most_optimizations", usual)


@pytest.mark.parametrize("shape, classes", [((16, 50, 64), 12), ((2, 98, 96), 35)])
def test_all_classes_of_a_batch_are_those_of_each_class(optimised, shape, classes):
    """XLA's fused sums on a CPU gave other numbers for all but the first few classes."""
    x, weights = jax.random.normal(jax.random.key(0), shape), jnp.zeros((classes, shape[-1]))
    weights += jax.random.normal(jax.random.key(1), weights.shape)
    model = jax.tree_util.Partial(normalised_sum, weights)
    targets = jnp.tile(jnp.arange(classes), (len(x), 1))
    every = attribute_batch(saliency(), model, x, targets, key=jax.random.key(0)).relevance
    for target in (0, 5, classes - 1):
        one = attribute_batch(saliency(), model, x, target, key=jax.random.key(0)).relevance
        assert jnp.max(jnp.abs(every[:, target] - one)) <= 1e-5 * jnp.max(jnp.abs(one))


def test_a_program_within_another_is_part_of_it():
    clips = jnp.linspace(-1, 1, 4)[None]
    call = lambda clips: map_examples(smooth, 0.5, clips, key=jax.random.key(0)).sum()
    assert jnp.isclose(jax.jit(call)(clips), call(clips), rtol=1e-6)
    assert jax.grad(call)(clips).shape == clips.shape
    assert jax.vmap(call)(clips[None]).shape == (1,)


def halves(shared, example, key):
    del key
    return jnp.maximum(shared * example, 0)


def test_nan_is_not_hidden(optimised):
    """A fusion of XLA that is left out takes the maximum of NaN and 0 for 0."""
    clips = jnp.full((2, 4096), jnp.nan)
    results = map_examples(halves, jnp.asarray(0.5), clips, key=jax.random.key(0))
    assert jnp.all(jnp.isnan(results))

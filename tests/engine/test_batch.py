"""Many examples by steps from outside: the same numbers, in the memory of a few."""

from collections import Counter

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.tree_util import Partial

from audioxai_jax import (
    adaptive_integrated_gradients,
    attribute_batch,
    attribute_classes,
    integrated_gradients,
    random_control,
    rectify,
    saliency,
    smoothgrad,
)
from audioxai_jax.engine import cost
from audioxai_jax.engine.cost import fitting_rows, preview
from audioxai_jax.engine.estimator import rechunk
from tests.helpers.rows import rows

CALLS = Counter()


def network(params, x):
    CALLS["traced"] += 1
    return jnp.tanh(x @ params[0]).mean(0) @ params[1]


KEYS = jax.random.split(jax.random.key(0), 3)
MODEL = Partial(network, (jax.random.normal(KEYS[0], (5, 8)), jax.random.normal(KEYS[1], (8, 4))))
SIZES = jnp.geomspace(0.01, 30, 21)[:, None, None]  # from nearly linear to saturated
X = SIZES * jax.random.normal(KEYS[2], (21, 7, 5))


def agree(found, wanted):
    scale = np.abs(wanted).reshape(len(wanted), -1).max(1).reshape(-1, *(1,) * (wanted.ndim - 1))
    assert found.shape == wanted.shape and np.all(np.abs(found - wanted) <= 1e-5 * scale)


@pytest.mark.parametrize("chunk", rows([1, 16, "auto"], full_size=(16,)))
def test_examples_that_are_done_make_room_and_change_nothing(chunk):
    """With 16 places and 21 examples others come in; towards the end places are given up."""
    method = adaptive_integrated_gradients(tolerance=1e-3)
    found = attribute_batch(method, MODEL, X, 1, chunk=chunk, key=jax.random.key(0))
    one = jax.jit(lambda x: method(MODEL, x, 1, key=KEYS[0]))
    singles = [one(x) for x in X]
    agree(found.relevance, np.stack([single.relevance for single in singles]))
    evaluations = found.info["evaluations"]
    if chunk == 1:
        assert set(np.asarray(evaluations) - 2) <= {5, 7, 11, 15, 23, 31, 47, 63, 95, 127, 191, 255}
        assert evaluations.min() <= 9 and evaluations.max() >= 33


def test_what_is_done_is_not_evaluated_again():
    """The steps that are made are those that are counted, but for places that wait."""
    made = []

    def counting(x):
        jax.debug.callback(lambda _: made.append(1), x[0, 0])
        return network(MODEL.args[0], x)

    method = adaptive_integrated_gradients(tolerance=1e-2)
    found = attribute_batch(method, counting, X, 1, chunk=1, key=jax.random.key(0))
    jax.effects_barrier()
    counted = int(np.sum(found.info["evaluations"]))
    assert counted <= len(made) <= counted + 4 * len(X)


def test_examples_draw_by_their_index():
    found = attribute_batch(random_control(), MODEL, X, 0, key=KEYS[1], first_index=3)
    for index, relevance in enumerate(found.relevance):
        own = jax.random.fold_in(KEYS[1], 3 + index)
        assert np.array_equal(relevance, jax.random.normal(own, (7, 5)))


def test_the_prediction_is_explained_unless_a_target_is_given():
    predicted = jnp.argmax(jax.vmap(MODEL)(X), axis=1)
    for method in (saliency(), integrated_gradients(steps=3)):
        found = attribute_batch(method, MODEL, X, key=jax.random.key(0))
        agree(
            found.relevance,
            attribute_batch(method, MODEL, X, predicted, key=jax.random.key(0)).relevance,
        )


@pytest.mark.full_size
@pytest.mark.parametrize("method", [saliency(), integrated_gradients(steps=5)], ids=["s", "ig"])
def test_all_classes_share_their_forward_passes(method):
    every = jnp.broadcast_to(jnp.arange(4), (len(X), 4))
    found = attribute_batch(method, MODEL, X, every, key=jax.random.key(0)).relevance
    for target in range(4):
        agree(
            found[:, target],
            attribute_batch(method, MODEL, X, target, key=jax.random.key(0)).relevance,
        )
    agree(attribute_classes(method, MODEL, X[3], key=KEYS[0]).relevance, found[3])
    some = jnp.array([2, 0])
    agree(attribute_classes(method, MODEL, X[3], some, key=KEYS[0]).relevance, found[3][some])


def test_the_forward_pass_of_all_classes_is_made_once():
    """Seen in the operations that the compiler counts, beside one class after the other."""
    model = lambda x: jnp.tanh(x @ jnp.ones((50, 50))) @ jnp.ones((50, 31))
    flops = lambda f, *args: jax.jit(f).lower(jnp.ones(50), *args).cost_analysis()["flops"]
    one = flops(lambda x, t: saliency()(model, x, t, key=KEYS[0]).relevance, jnp.int32(0))
    every = flops(lambda x: attribute_classes(saliency(), model, x, key=KEYS[0]).relevance)
    assert every < 0.65 * 31 * one


def test_classes_that_do_not_exist_are_refused():
    with pytest.raises(ValueError, match="target 99 is not a class"):
        attribute_classes(saliency(), MODEL, X[3], jnp.array([3, 99]), key=KEYS[0])


def test_one_example_stops_as_early_as_many():
    method = adaptive_integrated_gradients()
    alone = attribute_batch(method, MODEL, X[:1], 1, key=jax.random.key(0)).info["evaluations"][0]
    assert (
        alone <= 10
        and attribute_batch(method, MODEL, X, 1, key=jax.random.key(0)).info["evaluations"][0] <= 10
    )


def test_whole_numbers_are_fine_as_baselines():
    method = smoothgrad(integrated_gradients(steps=8, baseline=0))
    assert method.chunk == smoothgrad(integrated_gradients(steps=8)).chunk
    assert preview(method, MODEL, X[0]).evaluations == 400
    for found in (method, rectify(integrated_gradients(steps=3, baseline=0))):
        assert (
            attribute_batch(found, MODEL, X[:2], 1, chunk=np.int64(4), key=jax.random.key(0))
            .info["finite"]
            .all()
        )


def test_samples_in_half_precision_are_added_up_in_single():
    """A count in bfloat16 ends at 256, and the mean with it."""
    x = X.astype(jnp.bfloat16)
    method = smoothgrad(samples=2000, deviation=0.5)
    batch = attribute_batch(method, MODEL, x, 1, key=jax.random.key(0))
    alone = attribute_batch(method, MODEL, x[9:10], 1, first_index=9, key=jax.random.key(0))
    error = alone.info["standard_error"]
    assert batch.relevance.dtype == jnp.bfloat16 and error.dtype == jnp.float32
    assert (
        np.abs(batch.relevance[9] - alone.relevance[0]).max()
        <= 0.02 * np.abs(alone.relevance).max()
    )
    assert error.max() < 0.05 * np.abs(alone.relevance).max()


def test_another_batch_compiles_nothing():
    method = adaptive_integrated_gradients(tolerance=1e-3)
    attribute_batch(method, MODEL, X, 1, chunk=8, key=jax.random.key(0))
    CALLS.clear()
    other = Partial(network, jax.tree.map(lambda leaf: 0.5 * leaf, MODEL.args[0]))
    attribute_batch(
        adaptive_integrated_gradients(tolerance=1e-3),
        other,
        X[:16],
        2,
        chunk=8,
        key=jax.random.key(0),
    )
    assert CALLS["traced"] <= 1  # for the shape of its logits


def test_memory_is_that_of_a_chunk_whatever_the_steps():
    """What the compiler reserves for a step of 10 and of 1,000 nodes, in both drivers."""
    x = jnp.ones((400, 16))
    model = lambda x: jnp.tanh(x @ jnp.ones((16, 256))).sum(0)[:3]
    few, many = (integrated_gradients(steps=steps, chunk=5) for steps in (10, 1000))
    stepwise = [preview(method, model, x, chunk=5).peak_bytes for method in (few, many)]
    assert abs(stepwise[1] / stepwise[0] - 1) < 0.05

    def memory(method):
        call = jax.jit(lambda x: method(model, x, 0, key=KEYS[0]).relevance)
        return call.lower(x).compile().memory_analysis().temp_size_in_bytes

    assert memory(many) < 1.05 * memory(few)


def test_a_preview_counts_what_will_be_done():
    x, matrix = jnp.ones(64), jnp.ones((64, 32))
    model = lambda x: jnp.tanh(jnp.sin(x) @ matrix)
    one = preview(saliency(), model, x)
    ten, hundred = (preview(integrated_gradients(steps=n), model, x, chunk=10) for n in (10, 100))
    assert (one.evaluations, ten.evaluations, hundred.evaluations) == (1, 10, 100)
    assert 2 * 64 * 32 <= one.flops <= 7 * 64 * 32
    assert 8 * one.flops < ten.flops < 14 * one.flops
    assert 5 < hundred.flops / ten.flops <= 10
    nested = preview(smoothgrad(integrated_gradients(steps=10), samples=7), model, x, chunk=10)
    assert nested.evaluations == 70 and nested.chunk == 10


class SmallDevice:
    platform = "accelerator"

    def memory_stats(self):
        return {"bytes_limit": 3_000_000, "bytes_in_use": 1_000_000}


def test_auto_takes_fewer_rows_where_memory_is_small():
    x = jax.ShapeDtypeStruct((1000, 16), jnp.float32)
    model = Partial(lambda x: jnp.tanh(x @ jnp.ones((16, 64))).sum(0)[:3])
    method = integrated_gradients(steps=64)
    assert fitting_rows(method, model, x, jax.devices("cpu")[0]) == 64
    rows = fitting_rows(method, model, x, SmallDevice())
    assert rows < 64
    assert preview(method, model, x, chunk=rows).peak_bytes <= 1_000_000 or rows == 1


def test_rechunk_goes_from_inside_out():
    x = jax.ShapeDtypeStruct((7, 5), jnp.float32)
    method = smoothgrad(integrated_gradients(steps=6), samples=50)
    for most, inner, outer in ((1, 1, 1), (4, 4, 1), (12, 6, 2), (600, 6, 50)):
        changed, used = rechunk(method, most, x)
        assert (changed.method.chunk, changed.chunk, used) == (inner, outer, inner * outer)


@pytest.mark.parametrize(
    "change, told",
    [
        ({"x": X[0, 0, 0]}, "must be a batch"),
        ({"x": X[:0]}, "must be a batch"),
        ({"x": jnp.ones((3, 7, 5), jnp.int16)}, "int16, expected floating point"),
        ({"target": 4}, "target 4 is not a class: the model has 4"),
        ({"target": jnp.arange(21) - 1}, "target -1 is not a class"),
        ({"target": jnp.zeros(3, int)}, "do not fit 21 examples"),
        ({"target": jnp.zeros(21)}, "must be whole numbers"),
        ({"chunk": 0}, "chunk must be a positive whole number"),
        ({"chunk": "all"}, "chunk must be a positive whole number"),
        ({"model": lambda x: x}, r"must return logits \[K\]"),
        ({"method": lambda model, x: x}, "must take"),
        ({"method": lambda model, x, target, *, key: x}, "expected an Attribution"),
    ],
)
def test_what_does_not_fit_is_refused_before_anything_is_computed(change, told):
    given = {"method": saliency(), "model": MODEL, "x": X, "target": 0, "chunk": "auto"} | change
    with pytest.raises(ValueError, match=told):
        attribute_batch(
            given["method"],
            given["model"],
            given["x"],
            given["target"],
            chunk=given["chunk"],
            key=jax.random.key(0),
        )


def test_what_is_not_finite_is_flagged():
    spoilt = X.at[3].set(jnp.nan)
    for method in (saliency(), integrated_gradients(steps=3), adaptive_integrated_gradients()):
        finite = attribute_batch(method, MODEL, spoilt, 1, key=jax.random.key(0)).info["finite"]
        assert not finite[3] and np.all(np.delete(finite, 3))


def test_what_a_step_takes_is_found_out_once():
    """For each type of model and input; the numbers that they hold do not matter."""
    x, key = jnp.ones((2, 3)), jax.random.key(0)
    for number in range(3):
        before = cost._touched.cache_info()
        model = Partial(weigh, jnp.full((2, 3), float(number + 1)))
        attribute_batch(integrated_gradients(steps=5, baseline=float(number)), model, x, 0, key=key)
        after = cost._touched.cache_info()
        assert after.misses - before.misses == (number == 0)
    attribute_batch(integrated_gradients(steps=5), model, jnp.ones((2, 3), jnp.float16), 0, key=key)
    assert cost._touched.cache_info().misses == after.misses + 1


def weigh(weight, x):
    return jnp.tanh(weight @ x)

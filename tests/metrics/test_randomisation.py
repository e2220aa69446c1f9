"""Randomisation: layers and their order, what is drawn anew, and closed forms of the tests."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.tree_util import Partial

from audioxai_jax import attribute_batch, magnitude_control, random_control, signed_gradient
from audioxai_jax.metrics.correlation import rank_correlation
from audioxai_jax.metrics.parameter_groups import layers
from audioxai_jax.metrics.randomisation import (
    choose,
    other_class,
    parameter_randomisation,
    random_logit,
    redraw,
    stages,
)
from audioxai_jax.nets.classifiers import transformer

KEY = jax.random.key(4)
RANDOM = np.random.default_rng(0)
X = jnp.asarray(RANDOM.normal(size=(6, 5)), jnp.float32)
PARAMS = {  # alphabetically, the last layer comes first
    "a_out": {"kernel": RANDOM.normal(size=(7, 3)), "bias": RANDOM.normal(size=3)},
    "m_inner": {"kernel": RANDOM.normal(size=(8, 7)), "bias": RANDOM.normal(size=7)},
    "z_first": {"kernel": RANDOM.normal(size=(30, 8)), "bias": RANDOM.normal(size=8)},
    "scale": np.ones(1),
    "unused": {"kernel": np.ones((2, 2))},
}
PARAMS = jax.tree.map(lambda leaf: jnp.asarray(leaf, jnp.float32), PARAMS)
ORDER = ("z_first", "m_inner", "a_out")


def network(params, x):
    dense = lambda name, x: x @ params[name]["kernel"] + params[name]["bias"]
    x = jnp.tanh(dense("z_first", params["scale"] * x.ravel()) / 5)
    return dense("a_out", jnp.tanh(dense("m_inner", x) / 3))


MODEL = Partial(network, PARAMS)


def names(model, found):
    paths = [jax.tree_util.keystr(path) for path, _ in jax.tree_util.tree_leaves_with_path(model)]
    return [paths[number] for number in found]


def test_layers_are_in_the_order_of_use_not_of_names():
    found = layers(MODEL, X)
    assert tuple(found) == ORDER  # one number cannot be drawn anew, and nobody uses "unused"
    for name, leaves in found.items():
        assert len(leaves) == 2 and all(name in path for path in names(MODEL, leaves))
    seen = []
    jax.eval_shape(lambda model, x: seen.extend(layers(model, x)), MODEL, X)
    assert tuple(seen) == ORDER


def test_loops_and_prepared_parameters():
    """Weights that are normalised before anything else, and a scan over layers."""

    def deep(params, x):
        first, last = (p / jnp.linalg.norm(p) for p in (params["b"], params["a"]))
        step = lambda h, layer: (jnp.tanh(h @ layer["w"] + params["shared"]["w"]), None)
        h, _ = jax.lax.scan(step, x.ravel() @ first, params["loop"])
        return h @ last

    shapes = {"a": (4, 3), "b": (30, 4), "shared": {"w": (4,)}, "loop": {"w": (5, 4, 4)}}
    params = jax.tree.map(jnp.ones, shapes, is_leaf=lambda s: isinstance(s, tuple))
    assert tuple(layers(Partial(deep, params), X)) == ("b", "loop", "shared", "a")


def test_grouping_is_free():
    assert tuple(layers(MODEL, X, lambda name: name.partition("/")[2])) == ("kernel", "bias")


def test_layers_of_a_shipped_kind_of_network():
    config = transformer.TransformerConfig(
        frames=6, channels=5, classes=3, width=8, layers=1, heads=2, feedforward=8
    )
    params = jax.eval_shape(lambda: transformer.init(config, KEY))
    params = jax.tree.map(lambda leaf: jnp.ones(leaf.shape), params)
    found = list(layers(transformer.model(config, params), X))
    assert found[:2] == ["embed", "positions"] and found[-2:] == ["norm", "logits"]
    attention = found.index("attention_0/out")
    assert found.index("norm_a0") < found.index("attention_0/query") < attention
    assert attention < found.index("norm_b0") < found.index("up_0") < found.index("down_0")


def test_models_without_parameters_are_refused():
    for model in (lambda x: network(PARAMS, x), Partial(lambda p, x: p * x.ravel(), 2.0)):
        with pytest.raises(ValueError, match="must be its leaves"):
            layers(model, X)


def test_stages():
    place = {name: index for index, name in enumerate(ORDER)}
    owner = [next((n for n in ORDER if n in path), "") for path in names(MODEL, range(8))]
    for order in ("cascading", "independent", "bottom_up"):
        found, changed = stages(MODEL, X, order=order)
        assert found == (ORDER[::-1] if order == "cascading" else ORDER)
        for name, row in zip(found, changed, strict=True):
            near = {
                "cascading": lambda n, name=name: place[n] >= place[name],
                "independent": lambda n, name=name: n == name,
                "bottom_up": lambda n, name=name: place[n] <= place[name],
            }[order]
            np.testing.assert_array_equal(row, [n != "" and near(n) for n in owner])
    with pytest.raises(ValueError, match="unknown order"):
        stages(MODEL, X, order="sideways")


def test_permutations_keep_the_numbers_and_normals_their_moments():
    big = jnp.asarray(RANDOM.normal(3, 2, (100, 100)), jnp.float32)
    model = Partial(network, {"a_out": PARAMS["a_out"], "big": big, "count": jnp.arange(3)})
    permuted, normal = (redraw(model, KEY, draw=draw).args[0] for draw in ("permutation", "normal"))
    for old, new in zip(jax.tree.leaves(model), jax.tree.leaves(permuted), strict=True):
        np.testing.assert_array_equal(np.sort(np.ravel(old)), np.sort(np.ravel(new)))
    assert jnp.mean(permuted["big"] == model.args[0]["big"]) < 0.01
    assert float(jnp.mean(normal["big"])) == pytest.approx(3, abs=0.1)
    assert float(jnp.std(normal["big"])) == pytest.approx(2, rel=0.05)
    np.testing.assert_array_equal(normal["count"], [0, 1, 2])
    kernel = permuted["a_out"]["kernel"]
    assert jnp.any(kernel != PARAMS["a_out"]["kernel"])
    with pytest.raises(ValueError, match="unknown draw"):
        redraw(model, KEY, draw="zeros")


@jax.jit
def both(model, x, key):
    run = lambda order: parameter_randomisation(
        signed_gradient(), model, x, 1, key=key, order=order
    )
    return run("cascading"), run("bottom_up"), run("independent")


@pytest.mark.full_size
def test_each_stage_is_the_model_with_those_layers(key):
    down, up, alone = both(MODEL, X, KEY)
    assert down.layers == ORDER[::-1] and up.layers == alone.layers == ORDER
    gradient = jax.jit(lambda model: jax.grad(lambda x: model(x)[1])(X))
    correlate = jax.jit(rank_correlation)
    redrawn = redraw(MODEL, jax.random.split(KEY)[0])
    for found, order in ((down, "cascading"), (up, "bottom_up"), (alone, "independent")):
        for stage, changed in enumerate(stages(MODEL, X, order=order)[1]):
            wanted, other = gradient(MODEL), gradient(choose(MODEL, redrawn, changed))
            signed = correlate(wanted, other)
            np.testing.assert_allclose(found.signed[stage], signed, atol=1e-5)
            absolute = correlate(jnp.abs(wanted), jnp.abs(other))
            np.testing.assert_allclose(found.absolute[stage], absolute, atol=1e-5)
    np.testing.assert_allclose(down.signed[0], alone.signed[-1], atol=1e-6)
    np.testing.assert_allclose(up.signed[0], alone.signed[0], atol=1e-6)
    np.testing.assert_allclose(down.signed[-1], up.signed[-1], atol=1e-6)


@pytest.mark.full_size
def test_many_examples_at_once():
    keys = jax.random.split(KEY, 3)
    many = jax.vmap(both, (None, 0, 0))(MODEL, jnp.stack([X, 2 * X, -X]), keys)
    one = both(MODEL, 2 * X, keys[1])
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a[1], b, atol=1e-5), many, one)


def test_controls_that_ignore_the_model_fail():
    for method in (magnitude_control(), random_control()):
        found = parameter_randomisation(method, MODEL, X, 1, key=KEY)
        np.testing.assert_allclose(found.signed, 1, atol=1e-6)
        np.testing.assert_allclose(random_logit(method, MODEL, X, 1, key=KEY), 1, atol=1e-6)


def test_another_class_of_a_linear_model():
    """Gradients of its logits are its rows: opposite, equal, or constant, hence no ranks."""
    row = jnp.asarray(RANDOM.normal(size=30), jnp.float32)
    for other, wanted in ((-row, -1), (2 * row, 1), (0 * row, jnp.nan)):
        model = Partial(lambda weights, x: weights @ x.ravel(), jnp.stack([row, other]))
        found = random_logit(signed_gradient(), model, X, 0, key=KEY)
        np.testing.assert_allclose(found, wanted, atol=1e-6)


def test_the_other_class_is_any_but_the_target():
    keys = jax.random.split(KEY, 3000)
    for target in (0, 2, 3):
        drawn = np.asarray(jax.vmap(lambda key: other_class(target, 4, key))(keys))  # noqa: B023
        counts = np.bincount(drawn, minlength=4)
        assert counts[target] == 0 and len(counts) == 4
        assert np.all(np.abs(np.delete(counts, target) - 1000) < 5 * np.sqrt(1000))
    with pytest.raises(ValueError, match="no other"):
        other_class(0, 1, KEY)


def test_models_of_all_stages_share_a_compilation():
    """As `attribute_batch` takes them one by one."""
    redrawn, (_, changed) = redraw(MODEL, KEY), stages(MODEL, X)
    traced = []

    class Counted:
        def __call__(self, model, x, target, *, key):
            traced.append(1)
            return signed_gradient()(model, x, target, key=key)

    counted = Counted()
    for row in changed:
        attribute_batch(counted, choose(MODEL, redrawn, row), X[None], 1, key=jax.random.key(0))
        count = len(traced)
    assert len(traced) == count

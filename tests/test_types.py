"""Models of anything callable, records that are pytrees, and the info every method returns."""

import dataclasses

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.tree_util import Partial

from audioxai_jax import Attribution, as_model, make_info, record, saliency
from audioxai_jax.core.records import Static
from audioxai_jax.types import Base, Masker, Method, attribute


def test_a_function_becomes_a_model_without_leaves():
    model = as_model(jnp.sin)
    assert jax.tree.leaves(model) == []
    assert jax.tree.structure(model) == jax.tree.structure(as_model(jnp.sin))
    assert jax.jit(lambda m, x: m(x))(model, jnp.ones(3)).shape == (3,)


def test_a_model_is_left_as_it_is():
    model = Partial(jnp.multiply, jnp.ones(3))
    assert as_model(model) is model


def test_what_is_no_function_is_refused():
    with pytest.raises(TypeError, match="expected a function of one example, got dict"):
        as_model({"weights": jnp.ones(3)})  # type: ignore[arg-type]


class Gated(eqx.Module):
    """A module as users write them: functions, sizes, switches and None among its leaves."""

    weight: jax.Array
    activation: object
    repeats: int
    switch: bool
    slope: float
    bias: None

    def __call__(self, x, *, shift=0.0):
        for _ in range(self.repeats):
            x = self.activation(self.slope * (self.weight @ x))
        return x + shift if self.switch else -x


def gated(seed, **changes):
    fields = dict(activation=jnp.tanh, repeats=2, switch=True, slope=0.5, bias=None) | changes
    return Gated(weight=jax.random.normal(jax.random.key(seed), (3, 3)), **fields)


def test_functions_numbers_and_switches_become_structure():
    module = gated(0)
    model = as_model(module)
    assert [leaf.shape for leaf in jax.tree.leaves(model)] == [(3, 3)]
    x = jnp.arange(3.0)
    found = jax.jit(lambda m, x: m(x, shift=1.0))(model, x)
    np.testing.assert_allclose(found, module(x) + 1.0, rtol=1e-6)


def test_fresh_modules_have_equal_structure_and_other_settings_do_not():
    structures = [jax.tree.structure(as_model(gated(seed))) for seed in (0, 1)]
    assert structures[0] == structures[1]
    for change in ({"activation": jnp.sin}, {"repeats": 3}, {"switch": False}, {"slope": 1.0}):
        assert jax.tree.structure(as_model(gated(0, **change))) != structures[0]


def test_a_split_model_can_be_split_again():
    model = as_model(gated(0))
    assert as_model(model) is model


def test_dropout_of_equinox_is_off_in_inference_mode():
    class Net(eqx.Module):
        drop: eqx.nn.Dropout

        def __call__(self, x):
            return self.drop(x)

    model = as_model(eqx.nn.inference_mode(Net(eqx.nn.Dropout(0.5))))
    assert jax.jit(lambda m, x: m(x))(model, jnp.ones(4)).tolist() == [1, 1, 1, 1]


@record(static=("size",))
class Scaled:
    """Doubles as an example of what `record` makes."""

    factor: jax.Array | float
    size: int

    def __call__(self, x):
        return self.factor * x[: self.size]


def test_records_are_frozen_pytrees():
    found = Scaled(factor=2.0, size=3)
    assert jax.tree.leaves(found) == [2.0]
    assert jax.tree.structure(found) == jax.tree.structure(Scaled(factor=5.0, size=3))
    assert jax.tree.structure(found) != jax.tree.structure(Scaled(factor=2.0, size=4))
    assert jax.tree.map(lambda leaf: leaf + 1, found) == Scaled(factor=3.0, size=3)
    with pytest.raises(dataclasses.FrozenInstanceError):
        found.size = 4  # type: ignore[misc]


def test_static_values_are_structure():
    assert jax.tree.leaves(Static(("a", 3))) == []
    assert jax.jit(lambda s: s.value[1])(Static(("a", 3))) == 3


def test_protocols_know_callables_from_values():
    for protocol in (Method, Masker, Base):
        assert isinstance(Scaled(1.0, 1), protocol)
        assert not isinstance(3, protocol)


def test_info_has_the_same_keys_shapes_and_types_whatever_is_known():
    plain, full = make_info(), make_info(jnp.float32(0.5), 64, change=0.1)
    known = {"completeness_gap", "evaluations", "change", "standard_error"}
    assert set(plain) == set(full) == known
    describe = lambda info: {k: (v.shape, v.dtype) for k, v in info.items()}
    assert describe(plain) == describe(full)
    assert np.isnan(plain["completeness_gap"]) and plain["evaluations"] == 0
    assert full["completeness_gap"] == 0.5 and full["evaluations"] == 64


def shapeless(model, x, target, *, key):
    return x


@pytest.mark.parametrize(
    "method, said",
    [
        (as_model(shapeless), "the method shapeless returned .* expected an Attribution"),
        (lambda model, x, target: x, "must take .model, x, target, ., key.: "),
        (
            lambda model, x, target, *, key: Attribution(x.sum(0), make_info(evaluations=1)),
            r"relevance \[3\] for an input \[2, 3\]",
        ),
    ],
)
def test_a_method_that_is_none_is_refused(method, said):
    """Relevance of another shape would broadcast, and rank nothing that anybody meant."""
    arguments = (as_model(jnp.sum), jnp.ones((2, 3)), jnp.asarray(0))
    with pytest.raises(ValueError, match=said):
        attribute(method, *arguments, key=jax.random.key(0))
    good = attribute(saliency(), lambda x: x.sum(0), *arguments[1:], key=jax.random.key(0))
    assert good.relevance.shape == (2, 3)


def test_records_of_two_classes_are_never_one_structure():
    """jit's cache compares structures: equal ones get one program."""

    @record(static=("size",))
    class One:
        size: int

    @record(static=("size",))
    class Other:
        size: int

    assert jax.tree.structure(One(3)) == jax.tree.structure(One(3))
    assert jax.tree.structure(One(3)) != jax.tree.structure(Other(3))
    assert jax.tree.structure(One(3)) != jax.tree.structure(One(4))


def test_records_survive_flattening_by_name():
    @record(static=("size",))
    class Pair:
        first: object
        size: int
        second: object

    pair = Pair(jnp.ones(2), 3, {"a": jnp.zeros(1)})
    leaves, structure = jax.tree.flatten(pair)
    again = jax.tree.unflatten(structure, [2 * leaf for leaf in leaves])
    assert again.size == 3 and again.first.tolist() == [2, 2]
    names = [jax.tree_util.keystr(path) for path, _ in jax.tree_util.tree_leaves_with_path(pair)]
    assert names == [".first", ".second['a']"]

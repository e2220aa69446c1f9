"""Smallest sets: by brute force on tiny models, in closed form on linear ones."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jax.tree_util import Partial

from audioxai_jax.perturbation.rank import top_mask, unit_scores
from audioxai_jax.perturbation.smallest import count_grid, smallest_set

SHAPE, CLASSES = (4, 3), 3
NUMBER = 12


def classify(params, latent):
    """Few classes and a bend, so that predictions come and go as features are added."""
    inner, outer = params
    return jnp.sin(latent.ravel() @ inner) @ outer


def linear(weights, latent):
    return jnp.einsum("kfc,fc->k", weights, latent)


def draw(seed):
    random = np.random.default_rng(seed)
    params = random.normal(size=(NUMBER, 5)), random.normal(size=(5, CLASSES))
    arrays = params, *random.normal(size=(3, *SHAPE))
    return jax.tree.map(lambda array: jnp.asarray(array, jnp.float32), arrays)


def slow_properties(params, x, relevance, base, edit, unit="feature"):
    """Whether each set, units added one by one by falling relevance, has the property."""
    axes = {"feature": (), "frame": (1,), "channel": (0,)}[unit]
    score = np.asarray(relevance).sum(axis=axes, keepdims=True)
    order = np.argsort(-score.ravel(), kind="stable")
    target = int(jnp.argmax(classify(params, x)))
    inside, found = np.zeros(score.size, bool), []
    for step in range(score.size + 1):
        mask = np.broadcast_to(inside.reshape(score.shape), x.shape)
        edited = np.where(mask == (edit == "keep"), x, base)
        same = int(jnp.argmax(CLASSIFY(params, jnp.asarray(edited)))) == target
        found.append(same if edit == "keep" else not same)
        if step < score.size:
            inside[order[step]] = True
    return np.asarray(found)


CLASSIFY = jax.jit(classify)


@jax.jit
def searches(params, x, relevance, base):
    model = Partial(classify, params)
    return {
        (edit, name): smallest_set(
            model, x, relevance, base=base, edit=edit, counts=counts, chunk=5
        )
        for edit in ("keep", "delete")
        for name, counts in {"all": None, "grid": (2, 7), "halving": ()}.items()
    }


def expected(holds):
    first = int(np.argmax(holds)) if holds.any() else None
    lasting = next((k for k in range(len(holds)) if holds[k:].all()), None)
    return first, lasting


def same_number(fraction, count, number):
    return np.isnan(fraction) if count is None else round(float(fraction) * number) == count


@given(st.integers(0, 10_000))
@settings(max_examples=60)
def test_all_sets_by_brute_force(seed):
    params, x, relevance, base = draw(seed)
    found = searches(params, x, relevance, base)
    for edit in ("keep", "delete"):
        holds = slow_properties(params, x, relevance, base, edit)
        first, lasting = expected(holds)
        whole = found[edit, "all"]
        assert np.array_equal(whole.holds, holds)
        assert np.array_equal(whole.counts, np.arange(NUMBER + 1))
        assert same_number(whole.fraction, first, NUMBER)
        assert same_number(whole.lasting, lasting, NUMBER)
        count = NUMBER if first is None else first
        assert whole.count == count
        assert np.array_equal(whole.mask, top_mask(relevance.ravel(), count, relevance))
        for name in ("grid", "halving"):
            part = found[edit, name]
            assert part.counts.tolist() == ([0, 2, 7, 12] if name == "grid" else [0, 12])
            assert np.array_equal(part.holds, holds[part.counts])
            seen = np.flatnonzero(part.holds)
            assert np.isnan(part.fraction) == (seen.size == 0)
            assert np.isnan(part.lasting) == (not holds[-1])
            for share in (part.fraction, part.lasting):
                if not np.isnan(share):
                    edge = round(float(share) * NUMBER)
                    assert holds[edge] and (edge == 0 or not holds[edge - 1])
            if seen.size:
                assert first <= part.count <= part.counts[seen[0]]
            if holds[-1]:
                assert part.lasting <= whole.lasting
            if first == lasting:  # monotone: a boundary is the only one
                assert part.count == whole.count
                np.testing.assert_array_equal(part.lasting, whole.lasting)


def test_some_of_those_are_not_monotone():
    """Else the property test above would show less than it seems to."""
    kinds = set()
    for seed in range(30):
        first, lasting = expected(slow_properties(*draw(seed), "keep"))
        kinds.add("monotone" if first == lasting else "comes and goes")
    assert kinds == {"monotone", "comes and goes"}


@pytest.mark.parametrize("unit, number", [("frame", 4), ("channel", 3)])
@pytest.mark.parametrize("edit", ["keep", "delete"])
def test_whole_frames_and_channels(unit, number, edit):
    labels = np.arange(number).reshape((4, 1) if unit == "frame" else (1, 3))
    for seed in range(4):
        params, x, relevance, base = draw(seed)
        found = smallest_set(
            Partial(classify, params), x, relevance, base=base, edit=edit, units=labels
        )
        holds = slow_properties(params, x, relevance, base, edit, unit)
        first, _ = expected(holds)
        assert np.array_equal(found.holds, holds)
        assert same_number(found.fraction, first, number)
        count = number if first is None else first
        score = unit_scores(relevance, labels, rank="signed")
        assert np.array_equal(found.mask, top_mask(score, count, relevance, labels))


def two_classes(margins):
    """Class 0 wins by the sum of the features times their weights, plus an offset."""
    weights, offset = margins
    return Partial(_two_classes, jnp.asarray(weights), jnp.asarray(offset))


def _two_classes(weights, offset, latent):
    return jnp.stack([jnp.sum(weights * latent) + offset, jnp.zeros(())])


def test_closed_form_of_a_linear_model():
    """Evidence 5, 4, 3, 2, 1 and a handicap: enough as soon as their sum is larger."""
    x = jnp.asarray([[1.0, 5.0, 3.0], [2.0, 4.0, 0.0]])
    model = two_classes((np.ones((2, 3), np.float32), -8.5))
    base = jnp.zeros_like(x)
    kept = smallest_set(model, x, x, base=base)
    assert kept.count == 2 and kept.fraction == jnp.float32(2 / 6) == kept.lasting  # 9 > 8.5
    assert kept.mask.tolist() == [[0, 1, 0], [0, 1, 0]]
    assert kept.holds.tolist() == [False, False, True, True, True, True, True]
    flipped = smallest_set(model, x, x, base=base, edit="delete")
    assert flipped.count == 2  # 15 - 9 < 8.5 < 15 - 5
    assert flipped.mask.tolist() == [[0, 1, 0], [0, 1, 0]]


@pytest.mark.full_size
@pytest.mark.parametrize("offset", np.linspace(-14.7, -0.3, 7))
@pytest.mark.parametrize("counts", [None, (), (1, 4)])
def test_all_searches_agree_on_evidence_of_one_sign(offset, counts):
    x = jnp.asarray([[1.0, 5.0, 3.0], [2.0, 4.0, 0.0]])
    sums = np.cumsum([0, 5, 4, 3, 2, 1, 0])
    model = two_classes((np.ones((2, 3), np.float32), np.float32(offset)))
    kept = smallest_set(model, x, x, base=jnp.zeros_like(x), counts=counts)
    lost = smallest_set(model, x, x, base=jnp.zeros_like(x), counts=counts, edit="delete")
    assert kept.count == np.argmax(sums + offset > 0)
    assert lost.count == np.argmax(15 - sums + offset < 0)


def test_a_base_that_says_the_same_needs_nothing_and_never_flips():
    x = jnp.ones((2, 3))
    model = two_classes((np.ones((2, 3), np.float32), 1.0))
    kept = smallest_set(model, x, x, base=jnp.zeros_like(x))
    assert kept.fraction == kept.lasting == kept.count == 0 and not kept.mask.any()
    assert kept.holds[0] and kept.holds[-1]
    never = smallest_set(model, x, x, base=jnp.zeros_like(x), edit="delete")
    assert np.isnan(never.fraction) and np.isnan(never.lasting) and not never.holds.any()
    assert never.count == 6 and never.mask.all()


def test_the_target_may_be_another_class():
    """Class 1 is heard when the evidence for class 0 is gone: the empty set does."""
    x = jnp.ones((2, 3))
    model = two_classes((np.ones((2, 3), np.float32), -2.5))
    assert smallest_set(model, x, x, base=jnp.zeros_like(x), target=1).fraction == 0
    assert smallest_set(model, x, x, base=jnp.zeros_like(x), target=0).count == 3
    assert np.isnan(smallest_set(model, x, x, base=x, target=1).fraction)


def test_evidence_against_makes_the_class_come_and_go():
    x = jnp.asarray([[3.0, -2.0, 1.0, -1.0]])
    order = jnp.asarray([[4.0, 3.0, 2.0, 1.0]])
    model = two_classes((np.ones((1, 4), np.float32), -1.5))
    found = smallest_set(model, x, order, base=jnp.zeros_like(x), target=0)
    assert found.holds.tolist() == [False, True, False, True, False]  # 0, 3, 1, 2, 1 over 1.5
    assert found.count == 1 and np.isnan(found.lasting)


@pytest.mark.parametrize("counts", [None, ()])
def test_models_that_are_not_finite(counts):
    x = jnp.ones((2, 3))
    model = Partial(lambda latent: jnp.log(jnp.stack([jnp.sum(latent) - 2.5, 1.0])))
    found = smallest_set(model, x, x, base=jnp.zeros_like(x), counts=counts)
    assert np.isnan(found.fraction) and np.isnan(found.lasting) and found.count == 6
    assert not found.holds[0] and not found.finite
    never = smallest_set(two_classes((np.ones((2, 3), np.float32), 9.0)), x, x, base=x, target=1)
    assert np.isnan(never.fraction) and never.finite


def test_relevance_that_is_no_number_ranks_nothing():
    x = jnp.ones((2, 3))
    model = two_classes((np.ones((2, 3), np.float32), 0.0))
    found = smallest_set(model, x, x.at[0, 1].set(jnp.nan), base=jnp.zeros_like(x))
    assert np.isnan(found.fraction) and np.isnan(found.lasting) and not found.finite


def test_jit_and_vmap_change_nothing():
    drawn = [draw(seed) for seed in range(5)]
    params = drawn[0][0]
    batch = [jnp.stack([d[i] for d in drawn]) for i in (1, 2, 3)]

    def one(x, relevance, base):
        return smallest_set(Partial(classify, params), x, relevance, base=base, counts=(3,))

    together = jax.jit(jax.vmap(one))(*batch)
    for index in range(5):
        alone = one(*(array[index] for array in batch))
        there = jax.tree.map(lambda leaf: leaf[index], together)  # noqa: B023
        jax.tree.map(np.testing.assert_array_equal, there, alone)


def test_what_is_lost_on_the_way_to_the_model_is_not_enough():
    """A model that hears the decoded sound: it rounds, 0.4 is gone, and the last sample is cut."""
    latent = jnp.asarray([[0.4, 2.0, 0.4], [0.4, 1.0, 3.0]])
    model = two_classes((np.ones((2, 3), np.float32), -2.6))
    heard = Partial(lambda z: model(jnp.round(z).at[1, 2].set(0)))
    base = jnp.zeros_like(latent)
    assert smallest_set(model, latent, latent, base=base).count == 1
    sound = smallest_set(heard, latent, latent, base=base)
    assert sound.count == 3 and sound.mask.tolist() == [[0, 1, 0], [0, 1, 1]]


def test_features_of_any_shape():
    """A pair of real and imaginary part is one unit of three."""
    x = jnp.asarray([[3.0, -1.0], [1.0, 1.0], [2.0, 2.0]])
    model = two_classes((np.ones((3, 2), np.float32), -3.5))
    units = np.arange(3)[:, None]
    found = smallest_set(model, x, x, base=jnp.zeros_like(x), units=units)
    assert found.count == 1 and found.mask.tolist() == [[0, 0], [0, 0], [1, 1]]
    wave = smallest_set(model, x.reshape(3, 2), x, base=0 * x)
    assert wave.count == 2  # 3 and 2 of single features


def test_grids_have_both_ends():
    grid = count_grid(3200, 32)
    assert grid[:3] == (0, 1, 2) and grid[-1] == 3200 and 24 <= len(grid) <= 32
    assert list(grid) == sorted(set(grid))
    assert count_grid(1) == (0, 1) and count_grid(5, 2) == (0, 1)
    with pytest.raises(ValueError, match="a grid needs 1 unit and 2 points, got 0 and 32"):
        count_grid(0)


@pytest.mark.parametrize(
    "changes, said",
    [
        ({"edit": "drop"}, "unknown edit 'drop': choose one of keep, delete"),
        ({"rank": "best"}, "unknown rank 'best'"),
        ({"units": np.zeros((2, 2), int)}, "whose shape broadcasts to the features'"),
        ({"counts": (7,)}, "counts must be 0 to 6, got 7 to 7"),
        ({"counts": (0.5,)}, "counts must be whole numbers, got float64"),
        ({"base": jnp.zeros((3, 2))}, "relevance and base must have its shape"),
        (
            {
                "x": jnp.zeros((0, 3)),
                "relevance": jnp.zeros((0, 3)),
                "base": jnp.zeros((0, 3)),
                "target": 0,
            },
            "x has no units",
        ),
        ({"target": 2}, "target 2 is not a class: the model has 2"),
        ({"target": -1, "edit": "delete"}, "target -1 is not a class"),
        ({"model": Partial(jnp.sum), "target": 0}, "must return logits \\[K\\]"),
    ],
)
def test_what_does_not_fit_is_refused(changes, said):
    x = jnp.ones((2, 3))
    model = two_classes((np.ones((2, 3), np.float32), 0.0))
    usual = {"model": model, "x": x, "relevance": x, "base": x}
    with pytest.raises(ValueError, match=said):
        smallest_set(**usual | changes)

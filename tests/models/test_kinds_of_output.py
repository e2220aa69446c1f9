"""Frames, embeddings, words of CTC, states: values by hand, gradients, one compilation, LRP."""

import itertools
import math
from collections import Counter

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.tree_util import Partial

from audioxai_jax import Classifier, domains, explain, integrated_gradients, propagation, saliency
from audioxai_jax.models import (
    carried,
    ctc_token,
    ctc_word,
    frames,
    maximum_over_time,
    mean_over_time,
    scalar,
    similarity,
    with_state,
)

TRACES = Counter()
KEY = jax.random.key(0)
FRAMES = 5


def draw(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape)


def per_frame(params, x):
    """`[F, 3]` to `[F, 4]`."""
    TRACES["model"] += 1
    return jnp.tanh(x @ params["in"]) @ params["out"]


def embedding(params, x):
    TRACES["model"] += 1
    return jnp.tanh(x.sum(axis=0) @ params["in"]) @ params["out"]


def recurrent(params, state, frame):
    TRACES["model"] += 1
    hidden = jnp.tanh(frame @ params["in"] + state["h"] @ params["own"])
    return {"h": hidden}, hidden @ params["out"]


def params(seed=0):
    arrays = {"in": draw(3, 6, seed=seed), "out": draw(6, 4, seed=seed + 10)}
    return arrays | {"own": 0.3 * draw(6, 6, seed=seed + 20)}


def model(function=per_frame, seed=0):
    return Partial(function, params(seed))


STATE = {"h": 0.1 * draw(6)}
REFERENCES = draw(3, 4, seed=7)


def outputs_of_frames(x):
    return np.tanh(x @ params()["in"]) @ params()["out"]


def cosine(x):
    unit = lambda v: v / np.linalg.norm(v, axis=-1, keepdims=True)
    found = np.tanh(x.sum(axis=0) @ params()["in"]) @ params()["out"]
    return np.array([unit(found) @ unit(unit(REFERENCES).mean(axis=0))])


def over_paths(logits, tokens, blank=0):
    """The sum over all paths that say the tokens, by their definition."""
    shares = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    count, kinds = logits.shape
    total = 0.0
    for path in itertools.product(range(kinds), repeat=count):
        said = tuple(token for token, _ in itertools.groupby(path) if token != blank)
        if said == tuple(tokens):
            total += np.prod(shares[np.arange(count), path])
    return np.log(total)


def recurrent_outputs(x):
    state, rows = np.asarray(STATE["h"]), []
    for frame in x:
        state = np.tanh(frame @ params()["in"] + state @ params()["own"])
        rows.append(state @ params()["out"])
    return np.stack(rows)


WRAPPERS = {
    "mean_over_time": (
        lambda: mean_over_time(model()),
        lambda x: outputs_of_frames(x).mean(axis=0),
    ),
    "maximum_over_time": (
        lambda: maximum_over_time(model()),
        lambda x: outputs_of_frames(x).max(axis=0),
    ),
    "similarity": (lambda: similarity(model(embedding), REFERENCES), cosine),
    "ctc_token": (
        lambda: ctc_token(model(), 2, blank=3),
        lambda x: np.array([over_paths(outputs_of_frames(x), (2,), 3)]),
    ),
    "ctc_word": (
        lambda: ctc_word(model(), (1, 1, 3)),
        lambda x: np.array([over_paths(outputs_of_frames(x), (1, 1, 3))]),
    ),
    "carried": (
        lambda: mean_over_time(carried(model(recurrent), STATE)),
        lambda x: recurrent_outputs(x).mean(axis=0),
    ),
    "with_state": (
        lambda: with_state(model(recurrent), STATE),
        lambda x: recurrent_outputs(x[None])[0],
    ),
}


@pytest.fixture(params=WRAPPERS)
def name(request):
    return request.param


@pytest.fixture
def x(name, x64):
    return jnp.asarray(draw(3, seed=3) if name == "with_state" else draw(FRAMES, 3, seed=3))


def test_values_are_those_by_hand(name, x):
    make, by_hand = WRAPPERS[name]
    np.testing.assert_allclose(jax.jit(make())(x), by_hand(np.asarray(x)), rtol=1e-11)


def test_gradients_are_differences(name, x):
    make, by_hand = WRAPPERS[name]
    found, step = jax.grad(lambda x: make()(x)[0])(x), 1e-6
    for place in np.ndindex(x.shape):
        moved = np.zeros(x.shape)
        moved[place] = step
        change = by_hand(np.asarray(x) + moved)[0] - by_hand(np.asarray(x) - moved)[0]
        assert abs(found[place] - change / (2 * step)) < 1e-7


def test_equal_ones_compile_once_and_parameters_are_leaves(name):
    x = jnp.ones(3) if name == "with_state" else jnp.ones((FRAMES, 3))
    floats = lambda leaf: jnp.issubdtype(jnp.result_type(leaf), jnp.floating)
    change = lambda leaf, seed: leaf + 0.1 * seed if floats(leaf) else leaf
    make = lambda seed: jax.tree.map(lambda leaf: change(leaf, seed), WRAPPERS[name][0]())
    run = jax.jit(lambda model, x: saliency()(model, x, 0, key=KEY))
    first = run(make(0), x).relevance
    before = TRACES["model"]
    assert before > 0 and np.any(run(make(1), x).relevance != first)
    assert TRACES["model"] == before


def test_integrated_gradients_are_complete(name, x):
    made, start = WRAPPERS[name][0](), 0.3 if name == "similarity" else 0.0  # 0 has no direction
    method = integrated_gradients(steps=300, baseline=start)
    found = jax.jit(lambda x: method(made, x, 0, key=KEY))(x)
    assert found.info["completeness_gap"] < 0.01


@pytest.mark.parametrize("name", sorted(WRAPPERS.keys() - {"ctc_token", "ctc_word"}))
def test_relevance_is_propagated_through_them(name, x):
    """Without biases the sum is kept, states that a clip begins with take their share."""
    made = WRAPPERS[name][0]()
    found = propagation.propagate(propagation.PRESETS["attn_lrp"](), made, x, 0)
    assert np.all(np.isfinite(found.relevance)) and np.any(found.relevance != 0)
    if name in ("mean_over_time", "maximum_over_time", "similarity"):
        np.testing.assert_allclose(found.relevance.sum(), made(x)[0], rtol=1e-3)


# Words of CTC.


@pytest.mark.parametrize("tokens", [(1,), (1, 2), (2, 2), (1, 2, 1), (1, 1, 1)])
@pytest.mark.parametrize("count", [1, 2, 3, 5])
@pytest.mark.parametrize("blank", [0, 3])
def test_a_word_is_as_likely_as_all_its_paths(tokens, count, blank, x64):
    logits = draw(count, 4, seed=count)
    word = ctc_word(lambda x: x, tokens, blank=blank)
    needed = len(tokens) + sum(a == b for a, b in itertools.pairwise(tokens))
    if count < needed:
        with pytest.raises(ValueError, match=f"needs {needed} frames, the clip has {count}"):
            word(jnp.asarray(logits))
        return
    wanted = over_paths(logits, tokens, blank)
    np.testing.assert_allclose(word(jnp.asarray(logits)), [wanted], rtol=1e-11)


def test_all_words_and_silence_together_are_certain(x64):
    logits = draw(3, 3, seed=1)
    words = [w for n in (1, 2, 3) for w in itertools.product((1, 2), repeat=n)]
    fits = lambda w: len(w) + sum(a == b for a, b in itertools.pairwise(w)) <= 3
    known = [float(ctc_word(lambda x: x, w)(jnp.asarray(logits))[0]) for w in words if fits(w)]
    silence = np.sum(jax.nn.log_softmax(logits)[:, 0])
    np.testing.assert_allclose(np.sum(np.exp([*known, silence])), 1, rtol=1e-12)


def test_a_long_sure_clip_stays_finite_with_its_gradient():
    """Each frame's probability is exp(-90), in single precision; of C(503, 6) paths."""
    logits = jnp.zeros((500, 30)).at[:, 5].set(90.0)
    word = ctc_word(lambda x: x, (1, 2, 3))
    value, slope = jax.value_and_grad(lambda z: word(z)[0])(logits)
    wanted = -90 * 500 + np.log(math.comb(503, 6))
    rounding = 500 * np.spacing(np.float32(wanted)) / 2  # of each addition at most
    np.testing.assert_allclose(value, wanted, atol=abs(rounding), rtol=0)
    assert np.all(np.isfinite(slope))


def test_words_of_one_kind_share_a_program():
    run = jax.jit(lambda word, x: word(x))
    one, other = (ctc_word(model(), tokens) for tokens in ((1, 2), (3, 1)))
    values = [run(word, jnp.asarray(draw(FRAMES, 3))) for word in (one, other)]
    assert run._cache_size() == 1 and values[0] != values[1]


def test_a_token_that_the_model_lacks_is_not_a_number():
    assert np.isnan(ctc_word(lambda x: x, (7,))(jnp.zeros((4, 3)))[0])


# Frames, embeddings, states.


def test_a_similarity_of_one_reference_is_of_its_direction_and_of_silence_zero():
    same = similarity(lambda x: x, jnp.array([2.0, -4.0]))
    np.testing.assert_allclose(same(jnp.array([1.0, -2.0])), [1], rtol=1e-6)
    np.testing.assert_allclose(same(jnp.array([-3.0, 6.0])), [-1], rtol=1e-6)
    assert same(jnp.zeros(2)).tolist() == [0]
    assert np.all(np.isfinite(jax.grad(lambda x: same(x)[0])(jnp.zeros(2))))


def test_a_speaker_is_explained_as_a_value():
    weights = jnp.asarray(draw(40, 4), jnp.float32)
    voice = lambda x: jnp.tanh(x.reshape(-1, 40) @ weights).mean(axis=0)
    clip = jnp.asarray(0.3 * draw(400, seed=2), jnp.float32)
    alike = similarity(voice, voice(clip))
    told = Classifier(alike, domains.samples(400), ("this voice",), outputs="value")
    found = explain(told, clip, key=KEY)
    np.testing.assert_allclose(found.logits["original"], [1], rtol=1e-5)
    assert found.finite and abs(float(found.logits["removed"][0])) < 1


def test_a_state_that_is_carried_by_hand_is_the_same(x64):
    x = jnp.asarray(draw(FRAMES, 3, seed=3))
    found = carried(model(recurrent), STATE)(x)
    np.testing.assert_allclose(found, recurrent_outputs(np.asarray(x)), rtol=1e-12)
    np.testing.assert_allclose(with_state(model(recurrent), STATE)(x[0]), found[0], rtol=1e-12)
    span = frames(carried(model(recurrent), STATE), 1, 3)
    np.testing.assert_allclose(span(x), found[1:3].mean(axis=0), rtol=1e-12)
    last = scalar(carried(model(recurrent), STATE), _last)
    np.testing.assert_allclose(last(x), found[-1, :1], rtol=1e-12)


def _last(outputs):
    return outputs[-1, 0]


FLAT, ROWS = (lambda x: x), (lambda x: jnp.ones((5, 2)) * x[0])
X = jnp.ones(3)


@pytest.mark.parametrize(
    "call, said",
    [
        (lambda: mean_over_time(FLAT)(X), r"mean_over_time: .* \[F, K\] per frame, got \[3\]"),
        (lambda: maximum_over_time(FLAT)(X), r"maximum_over_time: the model must return logits"),
        (lambda: mean_over_time(lambda x: jnp.ones((0, 2)))(X), "0 frames: give a longer clip"),
        (lambda: similarity(FLAT, jnp.ones((2, 2, 2))), r"\[D\], or several \[N, D\], got \[2, 2"),
        (lambda: similarity(FLAT, jnp.zeros(3)), "the reference is zero or not finite"),
        (lambda: similarity(FLAT, jnp.array([jnp.nan, 1.0])), "is zero or not finite"),
        (lambda: similarity(FLAT, jnp.array([[1.0, 0], [-1, 0]])), "is zero or not finite"),
        (lambda: similarity(FLAT, jnp.ones(4))(X), r"an embedding \[4\] as the reference, got"),
        (lambda: similarity(FLAT, [1, 2]), "must be floating point"),
        (lambda: ctc_word(FLAT, ()), "at least one, got"),
        (lambda: ctc_word(FLAT, "cat"), "must be numbers of the model's tokens"),
        (lambda: ctc_word(FLAT, (1, 0)), "0 is the blank, which no word has"),
        (lambda: ctc_word(FLAT, (1.5,)), "each token must be a whole number"),
        (lambda: ctc_word(FLAT, (1,))(X), r"ctc_word: the model must return logits \[F, K\]"),
        (lambda: ctc_word(ROWS, (1,), blank=2)(X), "blank 2 is not among 2 tokens"),
        (lambda: with_state(lambda h, x: x, 0.0)(X), r"with_state: .* return \(state, output\)"),
        (lambda: carried(lambda h, x: (h, x, x), 0.0)(X), r"carried: .* got tuple"),
        (lambda: carried(lambda h, x: (x[None], x), 0.0)(X), r"as float32 \[1\], it was float32 "),
    ],
)
def test_what_does_not_fit_is_refused_in_one_line(call, said):
    with pytest.raises(ValueError, match=said) as refusal:
        call()
    assert "\n" not in str(refusal.value)

"""The rerun of arXiv 2410.07530 against loops over edits in numpy, on models that are known."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.tree_util import Partial

from audioxai_jax import Codec
from audioxai_jax.attribution import input_x_gradient, saliency
from experiments.akman2024 import protocol, tables
from experiments.akman2024.markdown import claim_lines, to_markdown

FRAMES, HOP, SEEDS = 6, 4, 2
MIX = np.random.default_rng(1).normal(size=(HOP, HOP)).astype(np.float32)
WEIGHT = np.random.default_rng(2).normal(size=(4, FRAMES * HOP)).astype(np.float32)
MEAN = np.array([0.3, -0.2, 0.1, 0.5], np.float32)


def encode(sound):
    """What it loses, it loses each time: a second trip is not the first."""
    return jnp.tanh(sound.reshape(-1, HOP) @ MIX)


def decode(latent):
    return jnp.concatenate([(0.7 * latent @ MIX.T).ravel(), jnp.ones(HOP)])  # too long by a frame


def classify(latent):
    return WEIGHT @ jnp.tanh(2 * latent.ravel())


CODEC = Codec(Partial(encode), Partial(decode), sample_rate=16, hop=HOP, mean=jnp.asarray(MEAN))
MODEL = Partial(classify)
METHODS = {"saliency": saliency(), "input_x_gradient": input_x_gradient()}  # not sorted
AUDIO = np.random.default_rng(3).normal(size=FRAMES * HOP).astype(np.float32)


def judged(decoded=False, **changes):
    edits, index = protocol.plan(len(METHODS), SEEDS)
    settings = {
        "codec": CODEC,
        "classifier": MODEL,
        "methods": {arm: tuple(METHODS.values()) for arm in protocol.ARMS},
        "edits": edits,
        "level_db": 0.0,
        "decoded": decoded,
        "seeds": SEEDS,
        "chunk": 7,
    }
    what = protocol.Protocol(**(settings | changes))
    return jax.jit(protocol.judge)(what, jnp.asarray(AUDIO), jax.random.key(5)), index


def by_hand(decoded: bool):
    """Arm, column, ranking (random ones last), base (noises last), mode, fraction -> class."""
    size = FRAMES * HOP
    encode = lambda sound: np.tanh(np.asarray(sound).reshape(-1, HOP) @ MIX)
    decode = lambda latent: (0.7 * latent @ MIX.T).ravel()
    classify = lambda latent: WEIGHT @ np.tanh(2 * latent.ravel())
    noise_key, _, random_key = jax.random.split(jax.random.key(5), 3)
    noises = np.asarray(jax.random.normal(noise_key, (SEEDS, size)))
    latent = encode(AUDIO)
    trip = lambda z: encode(decode(z))
    sound = decode(latent) if decoded else AUDIO
    target = int(np.argmax(classify(latent)))
    inputs = {"latent": latent, "waveform": sound}
    models = {"latent": MODEL, "waveform": lambda x: MODEL(CODEC.encode(x))}
    to_latent = {"latent": lambda z: z, "waveform": encode}
    bases = {
        "latent": [0 * latent, np.tile(MEAN, (FRAMES, 1)), *map(encode, noises)],
        "waveform": [0 * sound, np.full(size, sound.mean()), *noises],
    }
    found = {}
    for number, arm in enumerate(protocol.ARMS):
        x = inputs[arm]
        slope = np.asarray(jax.grad(lambda x: models[arm](x)[target])(jnp.asarray(x)))  # noqa: B023
        keys = jax.random.split(jax.random.fold_in(random_key, number), SEEDS)
        relevance = [
            abs(slope),
            x * slope,
            *(np.asarray(jax.random.normal(k, x.shape)) for k in keys),
        ]
        for ranking, scores in enumerate(relevance):
            order = np.argsort(-scores.ravel(), kind="stable")
            for base, filled in enumerate(bases[arm]):
                for mode in protocol.MODES:
                    for fraction, kept in enumerate(protocol.KEPT):
                        top = order[: round(kept * size)]
                        rest = order[round(kept * size) :]
                        edited = x.ravel().copy()
                        out = rest if mode == "keep" else top
                        edited[out] = filled.ravel()[out]
                        z = to_latent[arm](edited.reshape(x.shape))
                        for column, heard in (("code_faithful", z), ("fair", trip(z))):
                            place = (arm, column, ranking, base, mode, fraction)
                            found[place] = int(np.argmax(classify(heard)))
    return target, found


@pytest.mark.full_size
@pytest.mark.parametrize("decoded", [False, True])
def test_each_edit_is_what_a_loop_makes_of_it(decoded):
    found, index = judged(decoded)
    target, expected = by_hand(decoded)
    assert int(found["target"]) == target and bool(found["finite"])
    seen = set()
    for method, base, mode, fraction, seed in np.ndindex(*index.shape):
        ranking = method + (seed if method == len(METHODS) else 0)
        filled = base + (seed if protocol.BASES[base] == "noise" else 0)
        for arm in protocol.ARMS:
            for column in protocol.COLUMNS:
                place = (arm, column, ranking, filled, protocol.MODES[mode], fraction)
                got = int(found[arm][column][index[method, base, mode, fraction, seed]])
                assert got == expected[place], place
                seen.add((arm, column, got))
    assert len(seen) > 8  # the models do change their minds


def test_no_edit_is_done_twice():
    edits, index = protocol.plan(5, 4)
    assert index.shape == (6, 3, 2, 7, 4)
    rows = np.stack(jax.tree.leaves(edits), axis=1)
    assert len(np.unique(rows, axis=0)) == len(rows) == index.max() + 1
    methods, random, ends = 5 * (2 + 4) * 2 * 5, 4 * 3 * 2 * 5, 1 + 2 + 4
    assert len(rows) == methods + random + ends


def test_kept_fractions_are_the_papers():
    assert [round(9600 * f) for f in protocol.KEPT] == [9600, 8000, 6000, 4000, 2000, 1000, 0]
    assert [round(f, 2) for f in protocol.KEPT] == [1, 0.83, 0.62, 0.42, 0.21, 0.10, 0]


def test_nan_is_neither_staying_nor_a_flip():
    fails = Partial(lambda latent: classify(latent) / jnp.where(latent[0, 0] == 0, 0.0, 1.0))
    found, index = judged(classifier=fails)
    assert bool(found["finite"]) and np.any(found["latent"]["code_faithful"] == -1)
    with pytest.raises(ValueError, match="NaN or infinity on 1 clips"):
        tables.scores(jax.tree.map(lambda leaf: np.asarray(leaf)[None], found), index)


def made_up_scores(clips=40):
    """The latent arm's one method always stays; the waveform's, and random ones, half the time."""
    shape = (clips, 2, 2, 2, len(protocol.BASES), 2, len(protocol.KEPT), 3)
    found = np.random.default_rng(0).integers(0, 2, shape).astype(np.float32)
    found[:, 0, :, 0] = 1
    return found


@pytest.fixture(scope="module")
def rows():
    speakers = np.arange(40) % 12
    return tables.make_rows(made_up_scores(), ["saliency"], speakers, jax.random.key(0))


def test_rows_hold_means_and_differences(rows):
    found = made_up_scores()
    cell = dict(arm="latent", column="fair", method="saliency", base="mean", mode="delete")
    row = tables.find(rows, **cell, fraction=protocol.KEPT[3])
    assert (row["score"], row["low"], row["high"], row["seeds"]) == (1, 1, 1, 0)
    other = found[:, 1, 1, 0, 1, 1, 3].mean()
    assert row["over_waveform"]["mean"] == pytest.approx(1 - other, abs=1e-6)
    assert row["over_waveform"]["speakers_low"] > 0
    random = found[:, 0, 1, 1, 1, 1, 3].mean(0)
    assert row["over_random"]["mean"] == pytest.approx(1 - random.mean(), abs=1e-6)
    cell |= {"method": protocol.RANDOM}
    control = tables.find(rows, **cell, fraction=protocol.KEPT[3])
    assert "over_random" not in control
    assert control["seeds"] == pytest.approx(random.std(ddof=1), abs=1e-6)


def test_claims_follow_from_the_intervals(rows):
    found = tables.claims(rows, "saliency")
    assert len(found) == 2 * 2 * 2 * 3
    assert all(entry["verdicts"] == ["holds"] * 5 for entry in found)
    lines = "\n".join(claim_lines({"claims": found, "claimed": "saliency", "clips": 30}))
    assert lines.count("holds at every fraction") == 24


@pytest.mark.parametrize(
    "difference, said",
    [
        ({"mean": 0.2, "low": 0.1, "high": 0.3}, "holds"),
        (
            {"mean": 0.2, "low": 0.1, "high": 0.3, "speakers_low": -0.1, "speakers_high": 0.5},
            "open",
        ),
        ({"mean": 0.0, "low": 0.0, "high": 0.0}, "open"),
        ({"mean": -0.2, "low": -0.3, "high": -0.1}, "opposite"),
    ],
)
def test_verdicts(difference, said):
    assert tables.verdict(difference) == said


def test_few_speakers_give_no_interval_of_their_own():
    right = np.ones((1, 20))
    for speakers, given in ((9, False), (10, True)):
        row = tables.accuracy_row(right, np.arange(20) % speakers, jax.random.key(0))
        assert ("speakers_low" in row) == given


def test_confusion_counts_before_in_rows():
    table = tables.confusion(np.array([0, 0, 2]), np.array([1, 1, 2]), 3)
    np.testing.assert_array_equal(table, [[0, 2, 0], [0, 0, 0], [0, 0, 1]])


def test_accuracy_is_averaged_over_seeds_first():
    right = np.array([[1.0, 1, 0, 0], [1, 1, 1, 0]])
    row = tables.accuracy_row(right, np.zeros(4, int), jax.random.key(0))
    assert row["seeds"] == [0.5, 0.75] and row["mean"] == 0.625
    assert row["std"] == pytest.approx(np.std([0.5, 0.75], ddof=1))
    assert tables.accuracy_row(right[:1], np.zeros(4, int), jax.random.key(0))["std"] is None


def test_markdown_has_a_table_of_each_kind(rows):
    result = {
        "rows": rows,
        "methods": ["saliency"],
        "notes": ["- a note"],
        "labels": ["a", "b"],
        "accuracy": {"mean": 0.5, "std": None, "seeds": [0.5], "low": 0.4, "high": 0.6},
        "codec_alone": 0.9,
        "clips": 40,
        "test_clips": 50,
        "classifiers": ["words"],
        "confusion": {"fair": [[3, 1], [0, 0]]},
        "claims": tables.claims(rows, "saliency"),
        "claimed": "saliency",
    }
    text = to_markdown(result)
    assert "| a | 3 | 1 | 75 |" in text and "| b | 0 | 0 |  |" in text
    for done in ("kept", "deleted"):
        assert text.count(f"0.833 {done}") == 6 + 4  # scores, differences
    for line in text.splitlines():  # a table's lines are all as wide
        assert not line.startswith("|") or line.endswith("|")


def test_a_method_twice_is_refused():
    """There would be fewer rankings than `plan` numbers, and the last index is clamped."""
    with pytest.raises(ValueError, match="a method is named twice: lrp, lrp"):
        protocol.make_methods(["lrp", "lrp"], chunk=4)


def test_few_clips_have_no_verdicts():
    assert "29 clips are too few" in "\n".join(claim_lines({"clips": 29}))

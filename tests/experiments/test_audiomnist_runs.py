"""The common domain of waveform and spectrogram networks, shares of relevance, and tables."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from audioxai_jax.nets.classifiers import alexnet
from experiments.audiomnist import comparison, protocol, tables


def test_both_networks_relevance_lies_at_the_same_place():
    """A burst of 1 kHz around 0.4 s: where it is loud in the spectrogram, and where the
    relevance of its samples goes."""
    time = np.arange(8000) / 8000
    burst = np.sin(2 * np.pi * 1000 * time) * np.exp(-(((time - 0.4) / 0.01) ** 2))
    audio = jnp.asarray(burst, jnp.float32)[None]
    sample = np.asarray(comparison.in_common_cells("audionet", audio, audio**2))[0]
    loud = jax.vmap(lambda x: alexnet.features(alexnet.AlexNetConfig(), x))(audio)
    cell = np.asarray(comparison.in_common_cells("alexnet", loud, (loud + 80) ** 8))[0]
    assert sample.shape == cell.shape == (230, 228)
    assert sample.sum() == pytest.approx(float(jnp.sum(audio**2)), rel=1e-5)
    places = [np.unravel_index(cells.argmax(), cells.shape) for cells in (sample, cell)]
    for frame, row in places:
        assert abs(frame * 35 - 3200) <= 35 and abs(row * 8000 / 455 - 1000) <= 18


def test_quarters_are_those_of_the_sounding_part():
    audio = np.zeros((1, 8000), np.float32)
    audio[0, 2000:6000] = 1
    cells = np.zeros((1, 230, 228), np.float32)
    cells[0, [60, 88, 145, 170], 5] = [1, 2, 4, 1]  # samples 2,100, 3,080, 5,075 and 5,950
    cells[0, 61] = -9  # against the class: left out
    bands, quarters = comparison._shares(jnp.asarray(cells), jnp.asarray(audio))
    np.testing.assert_allclose(quarters[0], [1 / 8, 2 / 8, 0, 5 / 8], atol=1e-6)
    np.testing.assert_allclose(bands[0], [1, 0, 0, 0, 0], atol=1e-6)  # 5 x 17.6 Hz


def curves(clips=40):
    """LRP takes all answers at once, magnitude half of them, random none."""
    right = {"lrp": 0.0, "magnitude": 0.5, "random": 1.0}
    alternating = np.arange(clips)[:, None] % 2 * np.ones((1, 2))
    found = {name: {"label": np.full((clips, 2), value)} for name, value in right.items()}
    found["magnitude"]["label"] = alternating
    return {**found, "original": {"label": np.ones(clips)}}


def test_rows_of_deletion():
    rows = tables.deletion_rows(curves(), (0.1, 0.2), np.arange(40) % 2, jax.random.key(0))
    lrp, magnitude, random = rows
    assert [row["ranking"] for row in rows] == ["lrp", "magnitude", "random"]
    assert lrp["left"] == [1, 0, 0] and magnitude["left"] == [1, 0.5, 0.5]
    assert lrp["before_random"]["mean"] == pytest.approx(0.75)  # trapezoids from 0
    assert lrp["before_random"]["low"] == pytest.approx(0.75) and lrp["before_random"]["p"] < 0.001
    area = lrp["before_magnitude"]
    assert area["low"] < area["mean"] == pytest.approx(0.375) and area["low"] > 0.2
    assert "speakers_low" not in area and "before_random" not in random
    table = tables.deletion_table(rows, (0.1, 0.2))
    assert "| lrp | 100.0 | 0.0 | 0.0 | 37.5 (" in table and "| 75.0 (75.0 to 75.0) |" in table


def test_intervals_over_speakers_need_speakers():
    speakers = np.arange(40) // 2 % 10
    (lrp, *_) = tables.deletion_rows(curves(), (0.1, 0.2), speakers, jax.random.key(0))
    area = lrp["before_magnitude"]
    assert area["speakers_low"] <= area["mean"] <= area["speakers_high"]
    assert "; speakers " in tables.deletion_table([lrp], (0.1, 0.2))
    assert "over 10 speakers" in tables.reach(speakers)
    assert "one speaker: they say nothing of other" in tables.reach(np.zeros(9))


def test_accuracies_stand_beside_the_papers():
    rows = [
        {"fold": f"digit_{k}", "steps": 5, "seconds": 90, "val": 0.5, "test": t}
        for k, t in enumerate((0.7, 0.8))
    ]
    table = tables.accuracy_table(rows, "digit", "audionet:rectified")
    assert "| digit_1 | 5 | 2 | 50.0 | 80.0 |" in table
    assert "75.0 ± 7.1" in table and "92.53 ± 2.04" in table


def test_voices_moved_to_where_the_other_sex_has_them():
    labels = np.array([0, 0, 1, 1])
    moves = {
        "frequency axis x 1.5": np.array([0.0, 0, 1, 1]),
        "original": np.ones(4),
        "frequency axis x 0.66": np.array([1.0, 1, 0, 1]),
    }
    moves = {name: {"label": right, "prediction": right} for name, right in moves.items()}
    rows = tables.moves_rows(moves, labels, "sex", jax.random.key(0))
    assert [row["accuracy"] for row in rows] == [1, 0.75, 0.5, 0.25]
    table = tables.moves_table(rows)
    assert "| original | 100.0 | 0.0 (0.0 to 0.0) | 100.0 |" in table
    assert "x 1.5 of men, x 0.66 of women | 25.0 | 75.0 (" in table
    digits = tables.moves_rows(moves, labels, "digit", jax.random.key(0))
    assert [row["clips"] for row in digits] == [row["clips"] for row in rows[:3]]


def test_a_clip_is_moved_only_as_far_as_it_stays_whole():
    """A model of where the loudest sample is says how far each clip went."""
    audio = np.zeros((2, 8000), np.float32)
    audio[0, 300:310], audio[1, 4000:7900] = 1, 1
    where = jax.tree_util.Partial(lambda x: jnp.where(jnp.arange(8000) == jnp.argmax(x), 1.0, 0))
    same = jax.tree_util.Partial(lambda x: x)
    found = protocol.moved("audionet", where, same, audio, np.array([0, 3200]), floor=0.0)
    assert found["up to 100 ms earlier"]["label"].tolist() == [1, 1]
    found = protocol.moved("audionet", where, same, audio, np.array([1100, 4100]), floor=0.0)
    assert (
        found["up to 100 ms later"]["label"].tolist() == [1, 1]
        and "frequency axis x 1.5" not in found
    )


def test_maps_are_compared_with_those_of_another_class():
    random = np.random.default_rng(0)
    maps = random.normal(size=(4, 23, 38))
    found = {"curves": {"a": {}, "b": {}}, "a": {"blocks": maps}, "b": {"blocks": maps}}
    rows = comparison.correlations(found, np.array([0, 0, 1, 1]))
    np.testing.assert_allclose(rows["same clip"], 1, atol=1e-6)
    assert np.abs(rows["clips of another class"]).max() < 0.2
    found["b"] = {"blocks": maps[[2, 1, 0, 3]]}  # clip 2 is next for 0 and 1, clip 0 for 2 and 3
    rows = comparison.correlations(found, np.array([0, 0, 1, 1]))
    np.testing.assert_allclose(rows["clips of another class"][jnp.array([0, 2])], 1, atol=1e-6)
    assert list(comparison.correlations(found, np.zeros(4, int))) == ["same clip"]

"""The table of an evaluation, on curves whose means are known."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from audioxai_jax.report.curve_figures import plot_curves
from experiments.fidelity.curves import RANDOM
from experiments.fidelity.table import make_rows, make_summary

CLIPS, SPEAKERS = 120, 12
GROUPS = jnp.arange(CLIPS) % SPEAKERS


def found():
    """One fraction kept, one deleted: ours stays on 3 of 4 clips, and flips on 1 of 2."""
    stays = (np.arange(CLIPS) % 4 > 0).astype(np.float32)
    unflipped = (np.arange(CLIPS) % 2).astype(np.float32)
    by_speaker = (np.asarray(GROUPS) < 6).astype(np.float32)
    curves = {
        "ours": {"feature": {"sound": np.stack([stays, unflipped], 1)}},
        "moody": {"feature": {"sound": np.stack([by_speaker, by_speaker], 1)}},
        RANDOM: {"feature": {"sound": np.full((CLIPS, 2), [0.25, 0.75], np.float32)}},
    }
    target = np.arange(CLIPS) % 3
    return {
        "curves": curves,
        "codec_only": {"sound": np.ones(CLIPS, np.float32)},
        "target": target,
        "listener_target": np.zeros(CLIPS, int),
        "gap": {"integrated_gradients": np.linspace(0, 0.02, CLIPS)},
        "level": {"ours": np.full(CLIPS, -6.0)},
    }


@pytest.fixture(scope="module")
def rows():
    made = make_rows(found(), GROUPS, (0.1,), (0.2,), jax.random.key(0))
    return {(r["method"], r["edit"]): r for r in made}


def test_scores_and_their_distance_to_random(rows):
    keep, delete = rows["ours", "keep"], rows["ours", "delete"]
    assert keep["score"] == pytest.approx(0.75) and delete["score"] == pytest.approx(0.5)
    assert keep["over_random"] == pytest.approx(0.5)  # 75 % against 25 %
    assert delete["over_random"] == pytest.approx(0.25)  # 50 % flips against 25 %
    assert rows[RANDOM, "delete"]["score"] == pytest.approx(0.25)
    assert rows["codec_only", "keep"]["score"] == 1
    assert (keep["fraction"], delete["fraction"]) == (0.1, 0.2)


def test_intervals_hold_the_score_in_order(rows):
    for row in rows.values():
        for who in ("", "speakers_"):
            assert row[f"{who}low"] <= row["score"] + 1e-6 <= row[f"{who}high"] + 2e-6
            if "over_random" in row:
                low, high = row[f"over_random_{who}low"], row[f"over_random_{who}high"]
                assert low <= row["over_random"] + 1e-6 <= high + 2e-6


def test_a_method_that_depends_on_the_speaker_has_wide_intervals_over_speakers(rows):
    width = lambda row, who: row[f"{who}high"] - row[f"{who}low"]
    moody = rows["moody", "keep"]
    assert width(moody, "speakers_") > 2 * width(moody, "")
    ours = rows["ours", "keep"]  # its errors have little to do with who speaks
    assert width(ours, "speakers_") < 2 * width(ours, "")


def test_few_speakers_give_no_interval_over_speakers():
    made = make_rows(found(), GROUPS % 9, (0.1,), (0.2,), jax.random.key(0))
    assert not any(name.startswith("speakers_") for row in made for name in row)
    assert all({"low", "high"} <= set(row) for row in made)


def test_summary():
    made = make_summary(found(), np.arange(CLIPS) % 3, SPEAKERS)
    assert (made["clips"], made["speakers"], made["classifier_right"]) == (CLIPS, SPEAKERS, 1)
    assert made["listener_right"] == pytest.approx(1 / 3)
    assert made["share_of_listener"] == pytest.approx(3)
    assert made["gap_below_1_percent"] == pytest.approx(0.5)
    assert made["level_db"] == {"ours": -6.0}


def test_the_plot_draws_every_method(rows, tmp_path):
    plot_curves(list(rows.values()), tmp_path / "curves.svg", unit="feature")
    drawn = (tmp_path / "curves.svg").read_text()
    for word in ("Ours", "Moody", "random (control)", "% deleted"):
        assert f"<!-- {word} -->" in drawn

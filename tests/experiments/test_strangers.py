"""The study of strangers: sounds of a linear model whose edits are known, and answers that are."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.tree_util import Partial

from audioxai_jax import integrated_gradients
from audioxai_jax.core.extras import MissingExtra
from audioxai_jax.data.tasks import TASKS, Clips
from audioxai_jax.domains import latent, samples
from audioxai_jax.runs.shards import Parts
from audioxai_jax.synthesis import bases
from audioxai_jax.synthesis.floor import floor
from audioxai_jax.types import Classifier
from experiments.strangers import answers, asked, figure, markdown, protocol, ratios, table
from experiments.strangers import clips as chosen
from experiments.strangers.listeners import NOTHING, WORDS, Pocketsphinx, Settings, as_heard
from experiments.strangers.variants import VARIANTS, shape_of, swapped, view_of
from tests.helpers.small_models import small_codec

RATE, SAMPLES, FRACTIONS = 16_000, 40, (0.1, 0.5)
FLOORS = (None, -30.0)


def linear(weights, audio):
    return weights @ audio


def study(padding=0):
    weights = jax.random.normal(jax.random.key(3), (2, 3, SAMPLES))
    models = [Classifier(Partial(linear, w), samples(RATE)) for w in weights]
    methods = {"integrated_gradients": integrated_gradients(steps=1)}
    how = {"unit": None, "rank": "signed", "fractions": FRACTIONS, "draws": 2, "padding": padding}
    made = protocol.make_study(*models, None, samples(RATE), methods, bases.own(), **how)
    return np.asarray(weights), made


def clips(count=5):
    names = np.array([f"word/{number}.wav" for number in range(count)])
    audio = np.random.default_rng(0).integers(-9000, 9000, (count, SAMPLES)).astype(np.int16)
    return Clips(audio, np.zeros(count, np.int32), names, names, names, {})


class Ears:
    """Hears the sign of the first samples' sum; nothing if that is small."""

    def hear(self, sounds):
        said = np.sum(sounds[:, :20], 1)
        return np.where(np.abs(said) < 0.05, NOTHING, (said > 0).astype(int))


def test_words_are_the_labels_of_their_tasks():
    """In their order, so that an answer's number is that of a label."""
    labels = [label for label in TASKS["keywords"].labels if not label.startswith("_")]
    assert tuple(labels) == WORDS["keywords"]
    assert len(WORDS["digits"]) == len(TASKS["digits"].labels)
    which = np.array([2, 11, 5], np.int32)
    spoken = Clips(np.zeros((3, 1)), which, *[np.array(["a", "b", "c"])] * 3, {})
    assert chosen.true_words("keywords", spoken).tolist() == [0, 9, 3]


def test_sounds_of_a_linear_model_are_its_largest_terms():
    weights, what = study()
    audio, key = clips().audio[0], jax.random.key(5)
    clip = {"audio": audio, "number": np.uint32(7)}
    made = protocol.one_clip((what, key), clip, key)
    audio = audio.astype(np.float32) / 32768
    logits = weights[0] @ audio
    assert int(made["prediction"]) == logits.argmax()
    listed = protocol.arms(what)
    assert len(listed) == 2 + (1 + 1 + 2) * 2 * 2 == len(made["sounds"])
    order = {
        "integrated_gradients": np.argsort(-weights[0, logits.argmax()] * audio),
        "magnitude": np.argsort(-np.abs(audio), kind="stable"),
    }
    for arm, sound in zip(listed, np.asarray(made["sounds"]), strict=True):
        if arm["ranking"] in order:
            count = round(arm["fraction"] * SAMPLES)
            first = np.isin(np.arange(SAMPLES), order[arm["ranking"]][:count])
            wanted = np.where(first == (arm["edit"] == "keep"), audio, 0)
            np.testing.assert_allclose(sound, wanted, atol=1e-7)
        elif "edit" in arm:
            count = round(arm["fraction"] * SAMPLES)
            kept = count if arm["edit"] == "keep" else SAMPLES - count
            assert np.sum(sound != 0) == kept
        else:
            np.testing.assert_allclose(sound, audio, atol=1e-7)


def test_every_arm_has_the_floor_of_the_clip():
    _, what = study(padding=4)
    clip, key = {"audio": clips().audio[1], "number": np.uint32(9)}, jax.random.key(1)
    made = jax.tree.map(np.asarray, protocol.one_clip((what, key), clip, key))
    mixed = answers.mix(what, made["sounds"], made["noise"], -30.0)
    added = mixed - made["sounds"]
    np.testing.assert_allclose(added, np.broadcast_to(added[0], added.shape), atol=1e-7)
    audio = clip["audio"].astype(np.float32) / 32768
    level = 10 * np.log10(np.mean(made["noise"] ** 2) / np.mean(audio**2))
    assert level == pytest.approx(0, abs=1e-3)
    assert np.array_equal(answers.mix(what, made["sounds"], made["noise"], None), made["sounds"])
    heard = protocol.with_floor(made["sounds"], made["noise"], 0.1, 4)
    assert heard.shape[1] == SAMPLES + 8
    np.testing.assert_allclose(heard[:, :4], np.tile(0.1 * made["noise"][:4], (len(heard), 1)))
    noise_key = protocol.keys_of(key, jnp.uint32(9))[3]
    own = protocol.level_factor(-30.0) * protocol.noise_of(jnp.asarray(audio), RATE, 0, noise_key)
    np.testing.assert_allclose(own, floor(jnp.asarray(audio), -30.0, RATE, noise_key), rtol=1e-5)


def test_answers_to_a_clip_do_not_depend_on_its_neighbours(tmp_path):
    _, what = study()
    whole, ears, key = clips(), Ears(), jax.random.key(2)
    how = {"floors": FLOORS, "opinion": Partial(lambda sound: sound[:3]), "opinion_floor": None}
    rated = np.array([True, False, False, True, False])
    every = answers.part_of_answers(what, whole, ears, key, **how, rated=rated)
    parts = Parts(tmp_path, {})
    for start in (3, 0):
        some = slice(start, start + 3)
        parts.get(
            start,
            lambda some=some: answers.part_of_answers(
                what, whole[some], ears, key, **how, rated=rated[some]
            ),
        )
    read = answers.read_all(parts, 5)
    assert read is not None and answers.read_all(parts, 6) is None
    jax.tree.map(np.testing.assert_array_equal, read, every)
    arms = len(protocol.arms(what))
    assert every["word"].shape == (5, arms, 2) and every["listener"].shape == (5, arms, 2, 3)
    listed = answers.rated_arms(protocol.arms(what))
    assert every["opinion"].shape == (5, len(listed), 3) and len(listed) == 2 + 3 * 2
    assert np.isfinite(every["opinion"]).all((1, 2)).tolist() == rated.tolist()
    made = protocol.one_clip(
        (what, key), {"audio": whole.audio[3], "number": chosen.numbers(whole)[3]}, key
    )
    np.testing.assert_allclose(
        every["opinion"][3], np.asarray(made["sounds"])[listed, :3], atol=1e-7
    )
    mixed = answers.mix(what, np.asarray(made["sounds"]), np.asarray(made["noise"]), -30.0)
    np.testing.assert_array_equal(every["word"][3, :, 1], ears.hear(mixed))


def test_retention_is_the_ratio_of_means_with_intervals_of_the_ratio():
    rng = np.random.default_rng(0)
    whole = (rng.random(400) < 0.8).astype(float)
    kept = whole * (rng.random(400) < 0.5)
    speakers = np.arange(400) // 10
    key = jax.random.key(0)
    made = ratios.retention(kept, whole, key, speakers=speakers)
    ratio = kept.sum() / whole.sum()
    assert made["mean"] == pytest.approx(ratio)
    # the kept are a binomial share of the whole: Wald's interval
    half = 1.96 * np.sqrt(ratio * (1 - ratio) / whole.sum())
    np.testing.assert_allclose(
        [made["low"], made["high"]], [ratio - half, ratio + half], atol=0.012
    )
    assert made["speakers_low"] < ratio < made["speakers_high"]
    same = ratios.retention(whole, whole, key, speakers=speakers)
    assert [float(value) for value in same.values()] == [1] * 5
    both = ratios.retention(np.stack([kept, whole], 1), whole[:, None], key)
    np.testing.assert_allclose(both["mean"], [ratio, 1])
    assert np.isnan(ratios.retention(kept, 0 * whole, key)["mean"])
    alone = ratios.retention(kept, whole, key, speakers=np.full(400, -1))
    assert "speakers_low" not in alone


@pytest.fixture(scope="module")
def rows():
    """24 clips: codec only is heard on 18, ours on 9, the largest on 6, of two draws one on all."""
    count, every = 24, np.ones(24)
    listed = [{"ranking": "original"}, {"ranking": "trip"}]
    edited = {"edit": "keep", "fraction": 0.2}
    listed += [{"ranking": "ours"} | edited, {"ranking": "magnitude"} | edited]
    listed += [{"ranking": "random", "draw": draw} | edited for draw in (0, 1)]
    numbers = np.arange(count)
    heard = [every, numbers < 18, numbers < 9, numbers < 6, every, 0 * every]
    words = np.where(np.stack(heard, 1)[:, :, None].astype(bool), 3, NOTHING)
    words[23, 2] = 5  # a wrong word, and no silence
    logits = np.stack([1 - (words == 3), words == 3], -1).astype(float)
    said = {"word": np.repeat(words, 2, 2), "listener": np.repeat(logits, 2, 2)}
    said |= {"classifier": said["listener"], "prediction": np.ones(count, int)}
    said["speech"] = np.where(said["word"] == 3, 0.1, -0.1)
    scores = np.full((count, 5, 3), np.nan)
    scores[:12] = np.arange(5)[:, None] + np.arange(3)
    about = {"task": "keywords", "arms": listed, "floors": list(FLOORS), "quality_floor": -30.0}
    about |= {"rated": [0, 1, 2, 3, 4], "labels": [1] * count, "truth": [3] * count}
    about |= {"speakers": [f"s{n % 12}" for n in range(count)], "unit": "cell", "rank": "signed"}
    about |= {"domain": "latent", "codec": "c", "classifier": "k", "base": "own", "split": "s, val"}
    made = table.make_rows(about, said | {"opinion": scores}, jax.random.key(0))
    return made, table.public(about)


def test_rows_are_shares_retention_and_differences(rows):
    made, _ = rows
    where = {"judge": "pocketsphinx", "floor": "-30 dB"}
    trip = table.find(made, **where, ranking="trip")
    assert trip["mean"] == 0.75 and "retention" not in trip and trip["nothing"] == 0.25
    ours = table.find(made, **where, ranking="ours", edit="keep", fraction=0.2)
    assert ours["mean"] == 9 / 24 and ours["retention"]["mean"] == 0.5
    assert ours["over_magnitude"]["mean"] == 3 / 24
    assert ours["nothing"] == pytest.approx(14 / 24, abs=1e-5)
    low, high = (ours["retention"][f"speakers_{end}"] for end in ("low", "high"))
    assert low < 0.5 < high
    drawn = table.find(made, **where, ranking="random")
    assert drawn["mean"] == 0.5 and drawn["retention"]["mean"] == pytest.approx(2 / 3, abs=1e-5)
    for judge in ("listener", "classifier", "silero"):
        row = table.find(made, judge=judge, floor="none", ranking="ours")
        assert row["mean"] == 9 / 24 and ("retention" in row) == (judge != "silero")
    score = table.find(made, judge="dnsmos BAK", ranking="ours")
    assert score["mean"] == 3 and score["over_magnitude"]["mean"] == -1 and score["clips"] == 12


def test_the_table_and_the_figure_have_them(rows, tmp_path):
    made, about = rows
    text = markdown.markdown(made, [about])
    assert "24 clips of 12 speakers (s, val); `k` in latent of c, unit cell" in text
    (row,) = [one for one in text.splitlines() if one.startswith("| ours, keep 20% | 38 (")]
    assert (
        "| 50 (" in row and "| +12 (" in row and row.endswith("| 58 | 38 | 38 | 38 | 2.00 | 4.00 |")
    )
    assert "| ours, keep 20% | 38 / 50 | 38 / 50 |" in text and "| codec only | 75 | 75 |" in text
    figure.draw(made, tmp_path / "curves.png")
    assert (tmp_path / "curves.png").stat().st_size > 10_000


def test_what_is_heard_has_its_peak_at_the_gain():
    sound = np.array([0.1, -0.2, 0.05])
    heard = as_heard(sound, 0.5, 2 / 16_000)
    assert heard.dtype == np.int16
    assert heard.tolist() == [
        0,
        0,
        round(0.25 * 32767),
        round(-0.5 * 32767),
        round(0.125 * 32767),
        0,
        0,
    ]
    assert not as_heard(np.zeros(5), 0.5, 0).any()


def test_a_package_that_is_missing_is_named(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "pocketsphinx", None)
    with pytest.raises(MissingExtra, match="pip install 'pocketsphinx"):
        Pocketsphinx(Settings(WORDS["digits"]))


def test_floors_are_read_from_the_command_line():
    assert [asked.parse_floor(text) for text in ("none", "-30")] == [None, -30]
    for text in ("quiet", "3", "nan"):
        with pytest.raises(Exception, match="none, or a level"):
            asked.parse_floor(text)


@pytest.fixture(scope="module")
def view():
    codec = small_codec()
    audio = 0.1 * jax.random.normal(jax.random.key(0), (1280,))
    features = codec.encode(audio)
    relevance = jax.random.normal(jax.random.key(1), features.shape)
    return view_of(latent(codec), features, relevance, jax.random.key(2))


@pytest.mark.parametrize("name", VARIANTS)
def test_variants_keep_the_fraction_of_their_units(view, name):
    chosen = np.broadcast_to(VARIANTS[name](view, 0.25), view.features.shape)
    cells, gains = view.cells, view.gains
    whole = lambda: [np.unique(chosen[cells == cell]).size for cell in np.unique(cells)]
    if name == "single features":
        assert chosen.sum() == round(0.25 * chosen.size)
    elif name.startswith("gains"):
        assert chosen[:, gains].sum() == round(0.25 * chosen[:, gains].size)
        assert (chosen[:, ~gains] == ("all" in name)).all()
    elif name.startswith("coefficients"):
        assert chosen[:, gains].all()
        assert chosen[:, ~gains].sum() == round(0.25 * chosen[:, ~gains].size)
    else:
        assert whole() == [1] * (cells.max() + 1)  # a cell is kept whole, or not
        assert chosen[:, gains].mean() == pytest.approx(0.25, abs=0.02)


def test_hearable_variants_are_their_formula(view):
    level = np.asarray(view.size)[:, view.gains].ravel()
    summed = np.zeros(len(level))
    np.add.at(summed, view.cells.ravel(), np.asarray(view.relevance).ravel())
    for power in (0, 1, 3):
        score = level**power * np.maximum(summed, 0)
        chosen = np.asarray(VARIANTS_WITHOUT_BLUR(power)(view, 0.25))[:, view.gains].ravel()
        assert score[chosen].min() >= score[~chosen].max() - 1e-6
    facts = shape_of(view, jnp.ones(view.features.shape, bool))
    assert facts["run"] == len(view.features) and facts["frames"] == 1


def VARIANTS_WITHOUT_BLUR(power):
    from experiments.strangers.variants import hearable

    return hearable(0, 0, power)


def test_swapped_bands_are_those_of_each_sound():
    time = np.arange(1600) / RATE
    low, high = np.sin(2 * np.pi * 500 * time), np.sin(2 * np.pi * 3000 * time)
    both = jnp.asarray(low + high, jnp.float32)
    silent = jnp.zeros(1600)
    np.testing.assert_allclose(swapped(both, silent, 1200, RATE), low, atol=1e-4)
    np.testing.assert_allclose(swapped(silent, both, 1200, RATE), high, atol=1e-4)


def test_a_domain_without_cells_is_refused():
    with pytest.raises(ValueError, match="has no cells: choose a classifier"):
        view_of(samples(RATE), jnp.ones(4), jnp.ones(4), jax.random.key(0))

"""Where the truth is known, the relevance of other people's models lies on it.

`experiments/subjects` measures the same on more clips, and its README has the figures. The bars
here are far from them, and from chance.
"""

import numpy as np
import pytest

from audioxai_jax.models.subjects import SUBJECTS
from tests.helpers.real_clips import real_clips

pytestmark = pytest.mark.usefixtures("optimised")
pytest.importorskip("onnxruntime", reason="onnxruntime is not installed: the extra 'oracles'")
from experiments.subjects import sounds, truths  # noqa: E402

CLIPS = 3


@pytest.fixture(scope="module")
def speech(data_root):
    return np.stack(list(real_clips(data_root, "speech_commands", CLIPS).values()))


def means(name, speech):
    """Mean over clips by method, and chance."""
    subject, truth = truths.TRUTHS[name]
    if not SUBJECTS[subject].installed:
        pytest.skip(f"{subject} is not installed: pip install {SUBJECTS[subject].install}")
    found = list(truth(speech))
    of = lambda method, what: np.mean([row[what] for row in found if row["method"] == method])
    methods = dict.fromkeys(row["method"] for row in found)
    return {method: of(method, "value") for method in methods}, of("random", "chance")


def test_relevance_for_speech_lies_in_the_planted_word(speech):
    """A word in noise as loud as itself: an eighth of the time, most of the relevance."""
    shares, chance = means("utterance", speech)
    assert chance < 0.2 and abs(shares["random"] - chance) < 0.02 and shares["energy"] < 0.4
    assert shares["IG"] > 0.5 and shares["LRP"] > 0.6


def test_relevance_for_a_pitch_lies_on_the_harmonics_of_a_tone(speech):
    """Half of the energy is noise; by LRP, nearly no relevance is."""
    shares, chance = means("tone", speech)
    assert chance < 0.15 and shares["energy"] < 0.6
    assert shares["LRP"] > 0.7 and shares["IG"] > 2 * chance


@pytest.mark.full_size
def test_relevance_for_a_pitch_lies_on_the_harmonics_of_a_vowel(data_root):
    """Steady vowels of recorded words, an eighth of a second: far above chance, below energy."""
    words = np.stack(list(real_clips(data_root, "speech_commands", 20).values()))
    shares, chance = means("vowel", words)
    assert shares["LRP"] > 1.5 * chance and shares["IG"] > 2 * chance


@pytest.mark.full_size
def test_relevance_for_a_note_lies_where_it_is_played(speech):
    shares, chance = means("note", speech)
    assert abs(chance - 0.3) < 0.01 and shares["energy"] < 0.6
    assert shares["IG"] > 0.9 and shares["LRP"] > 0.9


@pytest.mark.full_size
def test_relevance_for_a_wake_word_lies_where_it_is_said(speech):
    try:
        sounds.spoken("hey", rate=140, pitch=50)
    except FileNotFoundError as error:
        pytest.skip(str(error))
    shares, chance = means("wake word", speech)
    assert chance < 0.4 and shares["LRP"] > 0.8 and shares["IG"] > 0.8


@pytest.mark.full_size
def test_quality_rises_without_what_speaks_most_against_it(speech):
    """Deleted are 5 % of the cells; the score of the background (BAK), of speech in part noisy."""
    changes, _ = means("noise", speech[:1])
    for method in ("IG", "LRP"):
        most, least = (changes[f"{method}, most {sign}"] for sign in ("negative", "positive"))
        assert most > max(0.1, changes["random"] + 0.1) and most > least + 0.2

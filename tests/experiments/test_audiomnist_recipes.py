"""The trainings of AudioNet and AlexNet: the paper's numbers, and clips that stay whole."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from experiments.audiomnist.recipes import PEAK, SPEEDS, elsewhere, make_recipe, spoken_copies


def updates(net: str, gradient: float, steps: int) -> list[float]:
    """Where one weight that starts at 0 is after each step, its gradient the same each time."""
    optimiser = make_recipe(net, "paper").optimiser
    params = {"w": jnp.zeros(1)}
    state, places = optimiser.init(params), []
    step = jax.jit(optimiser.update)
    for _ in range(steps):
        update, state = step({"w": jnp.full(1, gradient)}, state, params)
        params = jax.tree.map(jnp.add, params, update)
        places.append(float(params["w"][0]))
    return places


def test_the_papers_recipe():
    audio, alex = make_recipe("audionet", "paper"), make_recipe("alexnet", "paper")
    assert (audio.steps, alex.steps, audio.batch, alex.batch) == (50_000, 10_000, 100, 100)
    assert audio.smoothing == alex.smoothing == 0
    assert (alex.config.silence, alex.config.scale, audio.config.rectify) == (0, 1, False)


def test_audionet_moves_with_momentum():
    """1e-4 g, then 1e-4 (g + 0.9 g), and no limit to g."""
    wanted = -1e-4 * 1000 * np.array([1, 1 + 1.9, 1 + 1.9 + 2.71])
    np.testing.assert_allclose(updates("audionet", 1000.0, 3), wanted, rtol=1e-5)


def test_alexnet_moves_no_further_than_its_limit_and_slower_later():
    places = updates("alexnet", 1000.0, 2600)
    assert places[0] == pytest.approx(-1e-3 * 5)
    before, after = places[2499] - places[2498], places[2500] - places[2499]
    assert before == pytest.approx(-1e-3 * 5 * 10, rel=1e-3)
    assert after == pytest.approx(before / 2, rel=1e-3)


@pytest.mark.full_size
@pytest.mark.parametrize("net", ["audionet", "alexnet"])
def test_the_papers_start(net):
    params = make_recipe(net, "paper").init(jax.random.key(0))
    deviation = {
        "audionet": {"conv_1": 0.1, "dense_0": 0.1},
        "alexnet": {"conv_1": 0.01, "dense_0": 0.005},
    }[net]
    for name, wanted in deviation.items():
        assert float(jnp.std(params[name]["kernel"])) == pytest.approx(wanted, rel=0.02)
    bias = 0.1 if net == "alexnet" else 0
    assert [float(params[n]["bias"][0]) for n in ("conv_0", "conv_1", "dense_0")] == [
        0,
        pytest.approx(bias),
        pytest.approx(bias),
    ]


def test_a_moved_clip_is_whole_and_goes_everywhere():
    clip = np.zeros(20, np.int16)
    clip[8:12] = [5, 0, 7, 9]
    found = np.asarray(
        jax.vmap(elsewhere, in_axes=(0, None))(
            jax.random.split(jax.random.key(0), 300), jnp.asarray(clip)
        )
    )
    starts = [int(np.flatnonzero(one)[0]) for one in found]
    assert set(starts) == set(range(17))
    for one, start in zip(found, starts, strict=True):
        assert one[start : start + 4].tolist() == [5, 0, 7, 9]
        assert np.count_nonzero(one) == 3


def test_copies_are_whole_and_zeros_stay_zeros():
    """A slow copy must not be cut while there is room, nor get noise where nothing is spoken."""
    clip = np.zeros((1, 8000), np.int16)
    word = 500 * np.sin(np.arange(3000) / 5) * np.hanning(3000)
    clip[0, 4800:7800] = np.round(word)
    copies = spoken_copies(clip, (0.75, 1.0, 1.35))[0]
    for copy, speed in zip(copies, (0.75, 1.0, 1.35), strict=True):
        length = round(3000 / speed)
        assert np.abs(copy).max() == PEAK
        assert not copy[length + 2 :].any() and copy[length // 2 - 50 : length // 2 + 50].any()
        energy = np.square(copy / PEAK).sum() * speed
        assert energy == pytest.approx(np.square(word / np.abs(word).max()).sum(), rel=0.02)
    starts = jax.vmap(lambda key: jnp.argmax(elsewhere(key, copies[0]) != 0))(
        jax.random.split(jax.random.key(0), 200)
    )
    room = 8000 - np.ptp(np.flatnonzero(copies[0])) - 1  # about 4,000
    assert starts.min() < 200 and room - 300 < starts.max() <= room
    assert not spoken_copies(np.zeros((1, 50), np.int16), (0.75,)).any()
    assert spoken_copies(np.full((1, 50), 9, np.int16), (0.5,)).all()  # no room: both ends go


def test_silence_and_full_clips_move_nowhere():
    for clip in (np.zeros(9, np.int16), np.ones(9, np.int16)):
        assert elsewhere(jax.random.key(1), jnp.asarray(clip)).tolist() == clip.tolist()


def test_speeds_do_not_change_the_answer():
    """A man at 1.35 times his speed would be taken for a woman."""
    assert max(SPEEDS["sex"]) / min(SPEEDS["sex"]) < 1.1
    clips = np.ones((2, 8000), np.int16)
    assert make_recipe("audionet", "modern", task="sex").copies(clips).shape == (2, 3, 8000)


def test_what_is_unknown_is_said():
    with pytest.raises(ValueError, match="unknown network or recipe 'lenet', 'modern'"):
        make_recipe("lenet", "modern")
    with pytest.raises(ValueError, match="unknown variant 'wide' of audionet: known are rectified"):
        make_recipe("audionet:wide", "modern")

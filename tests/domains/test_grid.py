"""Grids: what lies beside what, as the axes of a domain tell, or the domain itself."""

import dataclasses

import numpy as np
import pytest

from audioxai_jax import domains
from audioxai_jax.domains.grid import places, unit_grid
from audioxai_jax.domains.protocol import Grid
from tests.helpers.small_models import small_codec

RATE = 8000


@pytest.mark.parametrize(
    "domain, shape, unit, seconds, ordered",
    [
        (domains.samples(RATE), (RATE,), "sample", (1 / RATE,), ()),
        (domains.samples(RATE), (RATE + 1,), "segment", (0.02,), ()),
        (domains.frequencies(RATE), (4001, 2), "frequency", (None, None), (0,)),
        (domains.time_frequency(RATE), (66, 257, 2), "cell", (0.016, None, None), (1,)),
        (domains.time_frequency(RATE), (66, 257, 2), "frame", (0.016, None, None), ()),
        (domains.time_frequency(RATE), (66, 257, 2), "frequency", (None, None, None), (1,)),
        (domains.cells(RATE, frequency_first=True), (64, 66), "cell", (None, 0.016), (0,)),
        (domains.bands(RATE), (RATE, 16), "segment", (0.02, None), (1,)),
        (domains.bands(RATE), (RATE, 16), "band", (None, None), (1,)),
        (domains.wavelets(RATE), (RATE,), "coefficient", (None,), ()),
        (domains.wavelets(RATE), (RATE,), "level", (None,), ()),
        (domains.latent(small_codec()), (200, 12), "feature", (0.005, None), ()),
        (domains.latent(small_codec()), (200, 12), "channel", (None, None), ()),
        (domains.latent(small_codec()), (200, 12), "cell", (0.005, None), (1,)),
        (domains.latent(small_codec(True)), (200, 6), "feature", (0.005, None), ()),
    ],
)
def test_time_is_in_seconds_and_channels_have_no_order(domain, shape, unit, seconds, ordered):
    grid = unit_grid(domain, shape, unit)
    assert grid.ordered == ordered
    wanted = [np.nan if step is None else step for step in seconds]
    given = [np.nan if step is None else step for step in grid.seconds]
    np.testing.assert_allclose(given, wanted, rtol=1e-9)


def test_of_a_cell_the_level_alone_tells_how_large_it_is():
    grid = unit_grid(domains.latent(small_codec()), (3, 12), "cell")
    np.testing.assert_array_equal(grid.counted, [[True] * 4 + [False] * 8])
    assert unit_grid(domains.latent(small_codec()), (3, 12), "frame").counted is None


def test_a_domain_may_say_it_itself_also_through_a_kept_residual():
    own = domains.latent(small_codec())
    kept = domains.keep_residual(own)
    for unit in own.units((3, 12)):
        one, two = (unit_grid(domain, (3, 12), unit) for domain in (own, kept))
        assert (one.seconds, one.ordered) == (two.seconds, two.ordered)


def test_units_on_no_grid_have_no_neighbours():
    @dataclasses.dataclass(frozen=True)
    class Halves:
        """A sample between those of another unit."""

        name = "halves"

        def units(self, shape):
            return {"odd": np.array([1, 1, 0, 1])}

        def axes(self, shape):
            return domains.samples(4).axes(shape)

    assert unit_grid(Halves(), (4,), "odd").seconds == (None,)
    assert places(np.array([[0, 2], [1, 3]])) is None  # the first axis first
    assert [place.tolist() for place in places(np.array([[4], [4], [5]]) - 4)] == [[0, 0, 1], [0]]


def test_axes_that_do_not_fit_the_features_are_refused():
    @dataclasses.dataclass(frozen=True)
    class Flat:
        name = "flat"

        def units(self, shape):
            return {"feature": np.arange(6).reshape(shape)}

        def axes(self, shape):
            return domains.samples(4).axes(shape)

    with pytest.raises(ValueError, match=r"'flat' has 1 axes for features \[2, 3\]: give one"):
        unit_grid(Flat(), (2, 3), "feature")


def test_words_of_several_lengths_follow_each_other_at_the_middle_one():
    @dataclasses.dataclass(frozen=True)
    class Words:
        name = "words"

        def units(self, shape):
            return {"word": np.repeat(np.arange(3, dtype=np.int32), [1, 2, 5])}

        def axes(self, shape):
            return domains.samples(4).axes(shape)

    assert unit_grid(Words(), (8,), "word") == Grid((0.5,))

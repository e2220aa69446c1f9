"""Smallest sets of many clips: the search per clip, the table, and the script."""

import functools
import json
import runpy
import sys
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.tree_util import Partial

from audioxai_jax import Codec, bases, input_x_gradient, random_control
from audioxai_jax.data.tasks import TASKS
from audioxai_jax.nets.classifiers import transformer
from audioxai_jax.perturbation.smallest import count_grid, smallest_set
from audioxai_jax.weights.save import save
from experiments.smallest_sets.figures import plot_smallest
from experiments.smallest_sets.search import ALL, Searches, make_rows, search_clip
from tests.helpers import made_up_data as made_up
from tests.helpers import small_models

KEY = jax.random.key(0)

SCRIPT = Path(__file__).parents[2] / "experiments" / "smallest_sets" / "run.py"
WEIGHTS = jnp.asarray(np.random.default_rng(0).normal(size=(3, 4, 5)), jnp.float32)


def linear(weights, latent):
    return jnp.einsum("kfc,fc->k", weights, latent)


def test_each_search_is_that_of_one_method_place_and_edit(key):
    codec = Codec(
        encode=Partial(lambda audio: jnp.round(audio.reshape(4, 5), 1)),
        decode=Partial(lambda latent: 0.9 * latent.ravel()),
        sample_rate=100,
        hop=5,
    )
    classifier = Partial(linear, WEIGHTS)
    what = Searches(
        codec,
        classifier,
        {"ours": input_x_gradient(), "random": random_control()},
        bases.zero(),
        unit="feature",
        rank="signed",
        points=4,
    )
    audio = jnp.asarray(np.random.default_rng(1).normal(size=20), jnp.float32)
    found = jax.jit(search_clip)(what, audio, key)
    latent = codec.encode(audio)
    assert found["finite"] and found["target"] == jnp.argmax(classifier(latent))
    relevance = WEIGHTS[found["target"]] * latent

    @functools.partial(jax.jit, static_argnums=3)
    def search(model, latent, relevance, edit):
        return smallest_set(
            model,
            latent,
            relevance,
            found["target"],
            base=0 * latent,
            edit=edit,
            counts=count_grid(20, 4),
        )

    heard = Partial(lambda latent: classifier(codec.encode(codec.decode(latent)[:20])))
    for place, model in (("latent", classifier), ("sound", heard)):
        for edit in ("keep", "delete"):
            wanted = search(model, latent, relevance, edit)
            for name in ("fraction", "lasting"):
                ours = found[name][place][edit]["ours"]
                np.testing.assert_array_equal(ours, getattr(wanted, name))
    fractions = [methods for edits in found["fraction"].values() for methods in edits.values()]
    assert any(methods["random"] != methods["ours"] for methods in fractions)


def results(values, lasting):
    return {
        "fraction": {"sound": {"keep": {"ours": np.asarray(values)}}},
        "lasting": {"sound": {"keep": {"ours": np.asarray(lasting)}}},
        "target": np.asarray([0, 0, 0, 2, 2, 2]),
    }


def test_medians_count_what_never_holds_as_more_than_all():
    nan = np.nan
    found = results([0.1, 0.3, nan, nan, nan, 0.5], [0.2, 0.4, nan, nan, nan, 0.6])
    rows = {row["label"]: row for row in make_rows(found, ("a", "b", "c"), KEY)}
    assert list(rows) == [ALL, "a", "c"]  # no clip is heard as b
    assert (rows["a"]["median"], rows["a"]["lasting"], rows["a"]["clips"]) == (0.3, 0.4, 3)
    assert rows["a"]["never"] == pytest.approx(1 / 3)
    assert (rows["a"]["low"], rows["a"]["high"]) == (np.float32(0.1), np.inf)
    assert rows["c"]["median"] == np.inf and rows["c"]["never"] == pytest.approx(2 / 3)
    assert rows[ALL]["median"] == np.inf and rows[ALL]["never"] == 0.5


def test_a_model_that_fails_on_edits_only_is_reported(key):
    """Its NaN is not "no set keeps the prediction"."""
    codec = Codec(Partial(lambda audio: audio.reshape(4, 5)), Partial(jnp.ravel), 100, 5)
    model = Partial(lambda latent: jnp.log(jnp.stack([jnp.sum(latent), 1.0])))  # of 0: -inf
    what = Searches(
        codec,
        model,
        {"ours": input_x_gradient()},
        bases.zero(),
        unit="feature",
        rank="signed",
        points=3,
    )
    found = jax.jit(search_clip)(what, jnp.ones(20), key)
    assert np.isnan(found["fraction"]["latent"]["keep"]["ours"]) and not found["finite"]


def test_intervals_over_speakers_of_all_clips_are_wider_and_need_ten():
    speakers = np.repeat(np.arange(12), 20)
    needs = np.random.default_rng(0).random(12)[speakers]
    found = results(needs, np.zeros(240)) | {"target": np.zeros(240, int)}
    every, one = make_rows(found, ("a",), KEY, speakers=speakers)
    assert every["high"] - every["low"] < 0.6 * (every["speakers_high"] - every["speakers_low"])
    assert "speakers_low" not in one
    assert "speakers_low" not in make_rows(found, ("a",), KEY, speakers=speakers % 9)[0]


def test_clips_that_the_codec_alone_flips_are_not_counted_as_flips():
    found = results([0, 0.1, 0.3, 0, 0, 0], np.full(6, 0.5))
    for name in ("fraction", "lasting"):
        found[name]["sound"]["delete"] = found[name]["sound"]["keep"]
    rows = {(r["edit"], r["label"]): r for r in make_rows(found, "abc", KEY)}
    flips = rows["delete", ALL]
    assert (flips["median"], flips["clips"]) == (0.2, 2)
    assert flips["at_once"] == pytest.approx(4 / 6)
    nothing = rows["delete", "c"]
    assert (nothing["clips"], nothing["at_once"]) == (0, 1)
    assert np.isnan([nothing[name] for name in ("median", "low", "high", "lasting", "never")]).all()
    assert rows["keep", ALL]["median"] == 0 and rows["keep", ALL]["clips"] == 6


def test_one_clip_has_no_interval():
    found = results([0.3], [0.3]) | {"target": np.zeros(1, int)}
    row = make_rows(found, ("a",), KEY)[0]
    assert row["median"] == 0.3 and np.isnan(row["low"]) and np.isnan(row["high"])


def test_the_picture(tmp_path):
    found = results([0.1, 0.3, np.nan, np.nan, np.nan, 0.5], np.full(6, 0.5))
    found["fraction"]["sound"]["delete"] = found["fraction"]["sound"]["keep"]
    found["lasting"]["sound"]["delete"] = found["lasting"]["sound"]["keep"]
    plot_smallest(make_rows(found, "abc", KEY), tmp_path / "x.png", place="sound")
    assert (tmp_path / "x.png").stat().st_size > 5_000


@pytest.mark.full_size
def test_the_script(tmp_path, monkeypatch, capsys):
    """Whole, on made-up clips; killed and started again it searches nothing twice."""
    made_up.speech_commands(tmp_path / "data")
    small_models.save(tmp_path)
    labels = TASKS["keywords"].labels
    config = transformer.TransformerConfig(
        channels=12, classes=len(labels), width=8, layers=0, reach=0
    )
    params = small_models.random_params(lambda: transformer.init(config, jax.random.key(0)))
    fields = {
        "kind": "classifier",
        "network": "transformer",
        "config": config,
        "codec": "small",
        "labels": labels,
        "frames": 50,
        "task": "keywords",
        "split": "speaker_disjoint",
    }
    save(tmp_path, "tiny", fields, params)

    def run(*arguments, status=0):
        command = [
            "--data",
            tmp_path / "data",
            "--codec",
            tmp_path / "small",
            "--classifier",
            tmp_path / "tiny",
            "--methods",
            "saliency",
            "--clips",
            3,
            "--points",
            3,
            "--out",
            tmp_path / "out",
            *arguments,
        ]
        monkeypatch.setattr(sys, "argv", ["smallest_sets.py", *map(str, command)])
        with pytest.raises(SystemExit) as stop:
            runpy.run_path(str(SCRIPT), run_name="__main__")
        assert (stop.value.code or 0) == status
        return capsys.readouterr()

    said = run()
    table = json.loads((tmp_path / "out" / "table.json").read_text())
    whole = [row for row in table["rows"] if row["label"] == ALL]
    assert len(whole) == 8 and all(row["clips"] == 3 for row in whole)
    assert "| all classes | 3 |" in said.out and "delete: random (control)" in said.out
    for place in ("latent", "sound"):
        assert (tmp_path / "out" / f"{place}.png").stat().st_size > 5_000
    with monkeypatch.context() as patch:
        patch.setattr("audioxai_jax.map_examples", lambda *_, **__: pytest.fail("done again"))
        assert run().out == said.out
    assert "other settings (base)" in run("--base", "silence", status=1).err

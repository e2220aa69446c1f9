"""Rows of the leaderboard are the same by captum and zennit, on the same weights in torch.

On a network of the size of the truths', with drawn weights and statistics: every layer counts. In
double precision relevance must agree to 1e-9 of the largest, and so must all scores. On trained
networks: `python -m experiments.truth.other_frameworks`.
"""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.tree_util import Partial

from audioxai_jax.domains.samples import samples
from audioxai_jax.nets.classifiers import wave_cnn
from audioxai_jax.truth import recipe, time
from audioxai_jax.truth.answers import Boxes
from audioxai_jax.truth.views import sounds_trial
from audioxai_jax.types import Classifier

# Without its optimisations XLA (jaxlib 0.10) gives gradients of these strided convolutions that are
# not finite.
pytestmark = pytest.mark.usefixtures("optimised")
torch = pytest.importorskip("torch", reason="torch is not installed: see the extra 'oracles'")
pytest.importorskip("captum", reason="captum is not installed: the extra 'oracles'")
pytest.importorskip("zennit", reason="zennit is not installed: the extra 'oracles'")

from experiments.truth import other_frameworks  # noqa: E402
from experiments.truth.other_frameworks import TOLERANCE, compare, equal, table  # noqa: E402
from experiments.truth.shared_methods import SHARED  # noqa: E402
from experiments.truth.torch_network import padding, parts, replica  # noqa: E402

CONFIG = dataclasses.replace(recipe.wave_config(4), filters=12, width=12)


def drawn(config):
    """Variables of a network, of which no bias or mean is 0 and no variance 1."""
    random = np.random.default_rng(3)
    variables = wave_cnn.init(config, jax.random.key(0))
    near = lambda leaf: leaf + 0.01 * random.normal(size=leaf.shape)
    params = jax.tree.map(lambda leaf: near(leaf) if leaf.ndim == 1 else leaf, variables["params"])
    statistics = {
        name: {"mean": near(norm["mean"]), "var": random.uniform(0.5, 2, norm["var"].shape)}
        for name, norm in variables["batch_stats"].items()
    }
    return jax.tree.map(jnp.float32, {"params": params, "batch_stats": statistics})


@pytest.fixture(scope="module", autouse=True)
def one_thread():
    """As in the program: cores that are shared make many threads wait for each other."""
    usual = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(usual)


@pytest.fixture(scope="module")
def trial():
    return trial_of(CONFIG)


def trial_of(config):
    classifier = Classifier(wave_cnn.model(config, drawn(config)), reads=samples(recipe.RATE))
    clips = time.draw(2, seed=4)
    answer, domain = Boxes(time.boxes(clips.place)), samples(recipe.RATE)
    return sounds_trial(
        classifier, clips.audio, clips.labels, answer, (), domain=domain, grid=(0.05, None)
    )


@pytest.mark.parametrize("name", SHARED)
def test_rows_are_equal_in_double_precision(name, trial):
    rows = compare(trial, "double", [name])
    print(*(f"{row['method']} {row['package']}: {row['difference']:.1e}" for row in rows))
    assert [row["method"] for row in rows] == ["logits", name]
    assert all(row["difference"] <= TOLERANCE and equal(row) for row in rows)
    assert np.isfinite(rows[1]["theirs"]["mass"])  # not zero everywhere
    assert set(rows[1]["ours"]) == set(rows[1]["theirs"]) > {"auc", "pointing", "sign"}


def test_rows_of_a_network_that_knows_when_are_equal_too():
    trial = trial_of(dataclasses.replace(CONFIG, pooled=False))
    rows = compare(trial, "double", ["deep_lift", "lrp:epsilon_gamma_box"])
    assert all(map(equal, rows))


def test_rows_of_single_precision_are_printed(trial):
    rows = [
        {"truth": "drawn", "seed": 0, **row}
        for row in compare(trial, "single", ["input_x_gradient", "lrp:epsilon_plus"])
    ]
    print(*map("  ".join, table(rows)), sep="\n")
    assert all(row["difference"] < 1e-4 for row in rows)


def test_another_network_is_another_row(trial, monkeypatch):
    """What would hide a difference would hide a thousandth of one bias."""

    def changed(classifier):
        net = replica(classifier)
        with torch.no_grad():
            net.body[0].bias[0] += 1e-3
        return net

    monkeypatch.setattr(other_frameworks, "replica", changed)
    rows = compare(trial, "double", ["input_x_gradient"])
    assert not any(map(equal, rows))
    scores = {"difference": 0.0, "ours": {"auc": 0.5}, "theirs": {"auc": 0.5}}
    assert equal(scores) and not equal(scores | {"theirs": {"auc": float("nan")}})
    assert not equal(scores | {"theirs": {"auc": 0.6}}) and not equal(scores | {"difference": 1.0})


def test_padding_gives_one_frame_a_stride_as_flax_does():
    for frames, width, stride in ((8000, 128, 16), (500, 5, 4), (125, 5, 2), (63, 5, 2), (9, 3, 5)):
        wanted = jax.lax.padtype_to_pads((frames,), (width,), (stride,), "SAME")[0]
        assert padding(frames, width, stride) == wanted


def test_other_networks_are_refused():
    classifier = Classifier(Partial(jnp.sum), reads=samples(recipe.RATE))
    with pytest.raises(ValueError, match="only networks of waveforms"):
        parts(classifier)

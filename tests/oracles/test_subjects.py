"""Every subject: it says what its own runtime says, and every kind of explanation runs on it.

A new row of SUBJECTS needs a row of CASES. Recorded speech: the clip of the package, and real
recordings where there are some. Subjects that are not installed skip, and say so.
"""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from audioxai_jax import attribute, explain, integrated_gradients, lrp, occlusion
from audioxai_jax.data.audio import read_clip
from audioxai_jax.domains import latent
from audioxai_jax.explanation.assess import assess
from audioxai_jax.models import resample
from audioxai_jax.models.subjects import SUBJECTS, package_file
from audioxai_jax.propagation import propagate
from audioxai_jax.synthesis.heat_maps import heat_map_sound
from audioxai_jax.weights.load import load_codec
from tests.conftest import REPO
from tests.helpers.real_clips import real_clips
from tests.helpers.rows import rows

pytest.importorskip("onnxruntime", reason="onnxruntime is not installed: the extra 'oracles'")
from experiments.subjects import checks  # noqa: E402

pytestmark = pytest.mark.usefixtures("optimised")
KEY, RATE = jax.random.key(0), 16_000


@dataclasses.dataclass(frozen=True)
class Case:
    """What holds for a subject.

    Attributes:
      steps: steps of Integrated Gradients.
      gap: largest completeness gap with them, on the clip of the package. Wide where the path
        from silence passes a logarithm (SwiftF0: 0.57 with 32 steps, 0.30 with 256). None where
        the output hardly depends on level, so that there is nothing to be complete about.
      seconds: length of the clip that is explained.
      rounding: whether the runtime's own rounding exceeds 1e-5 of the largest output.
      silence: whether gradients are finite where all samples are 0. basic-pitch divides 0 by 0
        there, which is NaN without XLA's optimisations.
    """

    steps: int = 32
    gap: float | None = 0.1
    seconds: float = 0.74
    rounding: bool = False
    silence: bool = True


CASES = {
    "silero_vad": Case(gap=0.05),
    "swift_f0": Case(gap=0.7),
    "dnsmos": Case(steps=8, gap=1.0, seconds=9.01),
    "openwakeword": Case(steps=8, gap=1.0),
    "basic_pitch": Case(gap=None, rounding=True, silence=False),
}
OF_TORCH = ("crepe", "resemblyzer", "distillmos", "emphases")
LONG = {"dnsmos"}
"""A reading takes seconds."""
BESIDE = rows(CASES, full_size=LONG)
EXPLAINED = rows(CASES, full_size=LONG | {"openwakeword", "basic_pitch"})
"""Subjects of tests that take a minute each."""


@pytest.fixture(params=BESIDE)
def name(request):
    return request.param


@pytest.fixture(autouse=True)
def installed(request):
    if "name" in request.fixturenames:
        name = request.getfixturevalue("name")
        if not SUBJECTS[name].installed:
            pytest.skip(f"{name} is not installed: pip install {SUBJECTS[name].install}")


@pytest.fixture(scope="module")
def built():
    """Classifiers by name, so that a file is read once."""
    made = {}

    def build(name):
        if name not in made:
            made[name] = checks.built(name)
        return made[name]

    return build


@pytest.fixture(scope="module")
def stop():
    """A recorded word, 0.74 s."""
    return np.asarray(read_clip(REPO / "audioxai_jax/assets/stop.wav", RATE).samples, np.float32)


@pytest.fixture
def clip(name, stop):
    """The word at the subject's rate, said again until it is long enough."""
    return jnp.asarray(checks.at_rate(name, np.resize(stop, round(CASES[name].seconds * RATE))))


@pytest.fixture
def target(name, built, clip):
    return int(jnp.argmax(jax.jit(built(name))(clip)))


def test_every_subject_is_here():
    """Those whose weights are torch's have tests of their own: test_torch_subjects.py."""
    assert set(CASES) | set(OF_TORCH) == set(SUBJECTS)


def test_it_says_what_its_runtime_says(name, built, clip):
    assert_parity(name, built(name), [np.asarray(clip)])


def test_it_says_so_of_real_recordings(name, built, data_root):
    """Of three data sets and rates; two seconds of FSDD and TESS hold digital silence."""
    clips = []
    for dataset in ("speech_commands", "fsdd", "tess"):
        clips += real_clips(data_root, dataset, 2).values()
    assert_parity(name, built(name), [checks.at_rate(name, clip) for clip in clips])


def assert_parity(name, classifier, clips):
    """Within 1e-5 of the largest; or as near to double precision as the runtime is."""
    for clip in clips:
        ours, theirs = checks.beside(name, classifier, clip)
        if not CASES[name].rounding:
            assert checks.distance((ours, theirs)) < 1e-5
            continue
        exact = checks.in_double(classifier, clip)
        allowed = max(1e-5, 1.5 * checks.distance((theirs, exact)))
        assert checks.distance((ours, exact)) < allowed < 1e-4
        assert checks.distance((ours, theirs)) < 1e-4


def test_its_outputs_are_named(name, built, clip):
    """The classifier's outputs fit its labels, and any length from a fifth of a second will do."""
    classifier = built(name)
    for length in (len(clip) // 3, len(clip)):
        logits = jax.eval_shape(classifier, clip[:length])
        assert logits.shape == (len(classifier.labels),) and logits.dtype == jnp.float32


@pytest.mark.parametrize("name", EXPLAINED)
def test_gradients_are_finite_on_a_clip_and_at_silence(name, built, clip, target):
    slope = jax.jit(jax.grad(lambda model, x: model(x)[target], argnums=1))
    silent_end = clip.at[len(clip) // 2 :].set(0)
    for x in (clip, silent_end):
        gradient = slope(built(name), x)
        assert bool(jnp.all(jnp.isfinite(gradient))) and bool(jnp.any(gradient != 0))
    if CASES[name].silence:
        assert bool(jnp.all(jnp.isfinite(slope(built(name), jnp.zeros_like(clip)))))


@pytest.mark.parametrize("name", EXPLAINED)
def test_integrated_gradients_are_complete_or_level_hardly_counts(name, built, clip, target):
    case, classifier = CASES[name], built(name)
    method = integrated_gradients(steps=case.steps, chunk=4)
    found = jax.jit(lambda model, x: attribute(method, model, x, target, key=KEY))(classifier, clip)
    assert bool(found.info["finite"]) and bool(jnp.any(found.relevance != 0))
    if case.gap is not None:
        assert float(found.info["completeness_gap"]) < case.gap
    else:
        loud, quiet = (float(classifier(clip * level)[target]) for level in (1.0, 0.5))
        assert abs(loud - quiet) < 0.05 * abs(loud - float(classifier(0 * clip)[target]))


@pytest.mark.parametrize("name", EXPLAINED)
def test_the_ledger_of_its_composite_balances(name, built, clip, target):
    rules = lrp(SUBJECTS[name].composite).composite
    told = propagate(rules, built(name), clip, target)
    book = told.ledger
    size = np.max(np.abs(np.asarray(book.received)))
    assert np.max(np.abs(np.asarray(book.missing))) < 1e-5 * size
    assert np.isfinite(told.relevance).all() and np.any(told.relevance > 0)
    total = float(told.relevance.sum() + book.bias.sum() + book.stabiliser.sum())
    assert abs(total - float(told.logits[target])) < 1e-3 * size


@pytest.mark.parametrize("name", EXPLAINED)
def test_what_is_relevant_can_be_heard(name, built, clip, target):
    """Occlusion by a sixteenth of the clip, and LRP as an audible heat map."""
    classifier = built(name)
    hidden = attribute(occlusion(chunk=4), classifier, clip, target, key=KEY)
    assert bool(hidden.info["finite"]) and bool(jnp.any(hidden.relevance != 0))
    method = lrp(SUBJECTS[name].composite)
    relevance = attribute(method, classifier, clip, target, key=KEY).relevance
    heard = heat_map_sound(clip, relevance)
    assert bool(jnp.all(jnp.abs(heard) <= jnp.abs(clip) + 1e-6)) and bool(jnp.any(heard != 0))


@pytest.mark.parametrize("name", EXPLAINED)
def test_it_is_explained_in_the_latent_of_a_codec(name, built, clip, target):
    """The paper's method, for a model that never saw a latent."""
    domain = latent(load_codec("gainshape_16khz"))
    classifier, method = built(name), integrated_gradients(steps=2, chunk=2)
    sound = resample(clip, classifier.reads.sample_rate, domain.sample_rate)
    told = explain(classifier, sound, domain=domain, method=method, target=target, key=KEY)
    assert bool(told.finite) and told.relevance.ndim == 2
    assert np.any(np.asarray(told.relevance) != 0)
    assert np.max(np.abs(told.sounds["explanation"])) > 1e-4


@pytest.mark.parametrize("name", EXPLAINED)
def test_what_is_known_before_it_is_explained(name, built, clip):
    """`assess` finds no NaN at silence, and says whether level counts."""
    told = assess(built(name), clip)
    assert not told.ignores_level and told.nan_at_baseline is None
    assert told.nan_gradient is None and told.ends_in is None


@pytest.mark.filterwarnings("ignore:.*torch.jit.load:DeprecationWarning")
def test_silero_vad_has_the_gradients_of_its_torchscript(built, stop):
    """The one package that has both: outputs within 1e-5, gradients within 1e-4 of the largest."""
    torch = pytest.importorskip("torch", reason="torch is not installed: the extra 'oracles'")
    if not SUBJECTS["silero_vad"].installed:
        pytest.skip("silero_vad is not installed")
    path = package_file("silero_vad", "data/silero_vad.jit", install="silero-vad")
    network = torch.jit.load(str(path)).eval()
    leaf = torch.tensor(stop[: len(stop) // 512 * 512], requires_grad=True)
    theirs = torch.stack([network(frame[None], RATE)[0, 0] for frame in leaf.split(512)])
    (slope,) = torch.autograd.grad(theirs.sum(), leaf)
    model = checks.inner(built("silero_vad").model)
    probabilities = jax.jit(lambda model, x: jax.nn.sigmoid(model(x)[:, 0]))
    ours, pull = jax.vjp(lambda x: probabilities(model, x), jnp.asarray(leaf.detach().numpy()))
    assert checks.distance((np.asarray(ours), theirs.detach().numpy())) < 1e-5
    assert checks.distance((np.asarray(pull(jnp.ones_like(ours))[0]), slope.numpy())) < 1e-4

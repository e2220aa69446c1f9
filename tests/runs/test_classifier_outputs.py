"""What a classifier's outputs are: logits, exclusive or not, a single one, or probabilities.

From the numbers that a model returns to the words that a reader sees.
"""

import json

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.tree_util import Partial

import audioxai_jax as ax
from audioxai_jax import Classifier, Codec, explain_batch
from audioxai_jax.cli import user_files
from audioxai_jax.cli.probing import recognise_outputs
from audioxai_jax.cli.user_files import UserFileError
from audioxai_jax.core.logits import decision
from audioxai_jax.perturbation.curves import perturbation_curve
from audioxai_jax.perturbation.deletion import deletion_curves
from audioxai_jax.perturbation.smallest import smallest_set
from audioxai_jax.report import phrases
from audioxai_jax.report.folder import as_json
from audioxai_jax.report.page import page
from audioxai_jax.results import SOUNDS, Answer
from audioxai_jax.runs import predictions
from tests.helpers.pages import Elements, explained
from tests.helpers.refusals import refusal

HOP = 4
LATENT = ax.domains.latent(Codec(lambda x: x.reshape(-1, HOP), lambda z: z.ravel(), 400, HOP))
AUDIO = jax.random.normal(jax.random.key(0), (40,))
WEIGHTS = jax.random.normal(jax.random.key(1), (3, 10, HOP))


def linear(weights, bias, latent):
    return jnp.einsum("kfc,fc->k", weights, latent) + bias


def sigmoid(values):
    return 1 / (1 + np.exp(-np.asarray(values, float)))


@pytest.mark.parametrize(
    "outputs, values, wanted",
    [
        ("softmax", [0.0, np.log(3)], [0.25, 0.75]),
        ("softmax", [1e4, 0.0], [1.0, 0.0]),
        ("sigmoid", [0.0, np.log(3), -1e4], [0.5, 0.75, 0.0]),
        ("sigmoid", [1e4], [1.0]),
        ("probabilities", [0.2, 0.8], [0.2, 0.8]),
        ("probabilities", [1.001, -0.001], [1.0, 0.0]),
    ],
)
def test_probabilities_in_closed_form(outputs, values, wanted):
    found = predictions.as_probabilities(np.array(values), outputs)
    np.testing.assert_allclose(found, wanted, atol=1e-12)


def test_what_is_said_to_be_probabilities_has_to_be():
    with pytest.raises(ValueError, match="returned -3.2, but says that its outputs are prob"):
        predictions.as_probabilities(np.array([0.5, -3.2]), "probabilities")


@pytest.mark.parametrize(
    "labels, outputs, wanted",
    [
        (("a",), None, "sigmoid"),
        (("a", "b"), None, "softmax"),
        (("a", "b"), "sigmoid", "sigmoid"),
        (("a",), "probabilities", "probabilities"),
    ],
)
def test_what_outputs_are_unless_it_is_said(labels, outputs, wanted):
    classifier = Classifier(lambda z: z[0], LATENT, labels, outputs=outputs)
    assert predictions.outputs_of(classifier) == wanted


@pytest.mark.parametrize("logit, label, share", [(1.0, "siren", 0.731), (-2.0, "not siren", 0.881)])
def test_one_logit_is_heard_as_its_label_or_not(logit, label, share):
    scores = dict.fromkeys(SOUNDS, (logit,)) | {"explanation": (3.0,)}
    _, result = explained(scores=scores, labels=("siren",), outputs="sigmoid", target=0)
    assert result.prediction == Answer(label, pytest.approx(share, abs=1e-3))
    assert result.setup.outputs == "sigmoid" and result.target.label == "siren"
    assert result.target.probability["original"] == pytest.approx(sigmoid(logit))
    text = page(result)
    rows = text.split("What the model hears")[1].split("</table>")[0]
    assert phrases.heard(result.prediction) in text
    assert rows.count('<th scope="row">') == 2 and "not siren" in rows
    json.dumps(as_json(result), allow_nan=False)


def test_labels_that_hold_by_themselves_are_heard_with_their_own_probability():
    scores = dict.fromkeys(SOUNDS, (1.0, 2.0, -1.0, 0.0))
    explanation, result = explained(scores=scores, outputs="sigmoid", target=0)
    assert result.prediction == Answer("go", pytest.approx(sigmoid(2.0)))
    assert result.target.probability["original"] == pytest.approx(sigmoid(1.0))
    assert explanation.holds("original")  # though another label is surer


def test_labels_are_escaped_and_stay_on_their_line():
    hostile = ('<b onmouseover=alert(1)>&"', "two\nlines", "\x1b[31mred", "c")
    scores = dict.fromkeys(SOUNDS, (3.0, 2.0, 1.0, 0.0))
    for target in range(3):
        text = page(explained(scores=scores, labels=hostile, target=target)[1])
        Elements(text)  # every element is closed
        assert "<b onmouseover" not in text and "\x1b" not in text and "two\nlines" not in text


def classifier(**changes):
    fields = {"model": Partial(linear, WEIGHTS, jnp.zeros(3)), "labels": ("a", "b", "c")}
    return Classifier(reads=LATENT, **fields | changes)


def only(index, bias=0.0):
    """A classifier of one output of the three."""
    model = Partial(linear, WEIGHTS[index : index + 1], jnp.full(1, bias))
    return Classifier(model, LATENT, ("abc"[index],))


def explained_smallest(classifier, method=None, **options):
    """`explain` with keep="smallest", by gradient x input."""
    method = method or ax.input_x_gradient()
    options |= {"keep": "smallest", "method": method, "key": jax.random.key(0)}
    found = explain_batch(classifier, AUDIO[None], **options)
    return jax.tree.map(lambda leaf: leaf[0], found)


def smallest_by_hand(found, logits):
    """Of all counts, the fewest whose sound has the logit above 0, for the lossless codec."""
    latent, order = (
        np.asarray(found.features),
        np.argsort(-np.ravel(found.relevance), kind="stable"),
    )
    for count in range(latent.size + 1):
        mask = np.zeros(latent.size)
        mask[order[:count]] = 1
        if logits(mask.reshape(latent.shape) * latent) > 0:
            return count
    return latent.size


@pytest.mark.parametrize("index, bias", [(0, -1.0), (1, -2.0), (2, -1e3)])
def test_the_smallest_set_of_one_logit_is_the_fewest_that_make_its_label_hold(index, bias):
    found = explained_smallest(only(index, bias))
    by_hand = lambda z: float(np.sum(np.asarray(WEIGHTS[index]) * z) + bias)
    assert int(found.mask.sum()) == smallest_by_hand(found, by_hand)
    assert 0 < found.mask.sum() and found.logits["original"].shape == (1,)
    np.testing.assert_allclose(found.relevance, WEIGHTS[index] * found.features, atol=1e-5)


def test_the_smallest_set_of_labels_by_themselves_asks_for_the_target_alone():
    bias = jnp.array([-1.0, -1.0, 50.0])  # the third is always the largest
    both = classifier(model=Partial(linear, WEIGHTS, bias), outputs="sigmoid")
    alone = explained_smallest(only(0, -1.0), target=0)
    among = explained_smallest(both, target=0)
    np.testing.assert_array_equal(among.mask, alone.mask)
    exclusive = explained_smallest(classifier(model=both.model), target=0)
    assert exclusive.mask.sum() == exclusive.mask.size  # never the largest: none is enough


def test_a_probability_holds_from_one_half_on():
    logit = only(0, -1.0)
    squashed = lambda z: jax.nn.sigmoid(logit.model(z))
    share = Classifier(squashed, LATENT, ("a",), outputs="probabilities")
    found = [explained_smallest(c, ax.random_control()).mask for c in (logit, share)]
    np.testing.assert_array_equal(*found)


@pytest.mark.parametrize("logits, says", [([2.0], 0), ([-2.0], 1), ([0.0], 1), ([1.0, 1.0], 0)])
def test_what_logits_say(logits, says):
    assert decision(jnp.array(logits)) == says


def test_one_logit_can_flip_in_curves_and_sets():
    """Its label is the largest of one, always: what counts is whether it is above 0."""
    x = jnp.array([[3.0, 1.0, -2.0]])
    one = lambda z: jnp.sum(z)[None]
    found = smallest_set(one, x, x, base=jnp.zeros_like(x), edit="delete")
    assert found.count == 1 and found.holds.tolist() == [False, True, True, True]
    curve = perturbation_curve(one, x, x, 0, fractions=3, question="class")
    assert curve.tolist() == [1, 0, 0, 0]
    shares = perturbation_curve(one, x, x, 0, fractions=3)
    np.testing.assert_allclose(shares, sigmoid([2, -1, -2, 0]), rtol=1e-6)
    given = {"relevance": {"own": x[None]}, "fractions": (0, 0.34), "draws": 1}
    curves = deletion_curves(one, x[None], np.zeros(1, int), **given, key=jax.random.key(0))
    assert curves["own"]["prediction"].tolist() == [[1, 0]]
    np.testing.assert_allclose(curves["own"]["probability"], [sigmoid([2, -1])], rtol=1e-6)


RANDOM = np.random.default_rng(0).normal(size=(9, 4))


@pytest.mark.parametrize(
    "outputs, said, wanted",
    [
        (RANDOM, None, None),
        (np.exp(RANDOM) / np.exp(RANDOM).sum(1, keepdims=True), None, "probabilities"),
        (sigmoid(RANDOM), None, "probabilities"),
        (sigmoid(RANDOM[:, :1]), None, "probabilities"),
        (RANDOM[:, :1], None, None),
        (-np.abs(RANDOM[:, :1]), None, None),
        (sigmoid(RANDOM), "sigmoid", "sigmoid"),
        (RANDOM + 9, "sigmoid", "sigmoid"),
        (np.full((9, 4), np.nan), None, None),
    ],
)
def test_probabilities_are_recognised_by_value(outputs, said, wanted):
    assert recognise_outputs(outputs, said) == wanted


def build(tmp_path, text):
    (tmp_path / "my.py").write_text(
        "import jax, jax.numpy as jnp\nfrom audioxai_jax import Classifier, domains\n"
        "three = lambda x: jnp.stack([x.mean(), x[0], x[6]])\n"
        "waves = lambda model, *a, **k: Classifier(model, domains.samples(400), *a, **k)\n"
        f"def build():\n  return {text}"
    )
    return f"{tmp_path}/my.py:build"


@pytest.mark.parametrize(
    "text, outputs",
    [
        ("waves(three)", None),
        ("waves(lambda x: three(x).astype(jnp.bfloat16))", None),
        ("waves(lambda x: jax.nn.softmax(three(x)))", "probabilities"),
        ("waves(lambda x: jax.nn.softmax(three(x).astype(jnp.bfloat16)))", "probabilities"),
        ("waves(lambda x: jax.nn.sigmoid(10 * three(x)))", "probabilities"),
        ("waves(lambda x: jax.nn.log_softmax(three(x)))", None),
        ("waves(lambda x: three(x)[:1])", None),
        ("waves(lambda x: jax.nn.sigmoid(three(x)[:1]))", "probabilities"),
        ("waves(lambda x: jax.nn.softmax(three(x)), ('a', 'b', 'c'))", "probabilities"),
        ("waves(three, ('a', 'b', 'c'), outputs='sigmoid')", "sigmoid"),
        ("waves(lambda x: abs(three(x)[:1]), ('a',), outputs='sigmoid')", "sigmoid"),
    ],
)
def test_a_users_outputs_are_recognised(tmp_path, text, outputs):
    built = user_files.load_classifier(build(tmp_path, text))
    assert built.outputs == outputs
    logits = np.asarray(built.model(jnp.ones(400)), np.float32)
    shares = predictions.as_probabilities(logits, predictions.outputs_of(built, len(logits)))
    assert np.all((shares >= 0) & (shares <= 1))
    told = outputs == "probabilities" or built.labels == ("a",)
    assert len(predictions.notes(built)) == int(told)


@pytest.mark.parametrize(
    "text, said",
    [
        (
            "waves(lambda x: {'logits': x})",
            "logits [K] of one example [400] of samples, got a dict with logits: return",
        ),
        ("waves(lambda x: (x, x))", "got a tuple: return one array"),
        ("waves(lambda x: [x.sum()])", "got a list: return one array"),
        ("waves(lambda x: x.mean())", "got (): a single number is logits [1]"),
        ("waves(lambda x: x[None, :3])", "got (1, 3): take the first row"),
        ("waves(lambda x: x.astype(int))", "got int32: return floating point"),
        ("waves(lambda x: x[:0])", "got none: there must be one output"),
        ("waves(lambda x: 50 * jnp.abs(x).mean()[None])", "never negative and exceeds 1, like a"),
        ("waves(lambda x: float(x[0]))", "my.py:6: fails on [400] of samples: Concret"),
        ("waves(three, ('a', 'b'))", "has 2 labels ('a', 'b'), but its model has 3 outputs"),
        ("waves(three, tuple('abcd'))", "has 4 labels ('a', 'b', 'c', 'd'), but its model"),
        ("waves(three, ('a', 'b', 'b'))", "labels must differ: 'b' is there twice"),
        ("waves(lambda x: x[2:5].reshape(3), frames=1)", "fails on [1] of samples"),
        (
            "waves(lambda x: jax.nn.softmax(three(x)), tuple('abc'), outputs='softmax')",
            "a second softmax would be applied: say outputs='probabilities'",
        ),
    ],
)
def test_outputs_that_are_not_logits_are_refused(tmp_path, text, said):
    assert said in refusal(UserFileError, user_files.load_classifier, build(tmp_path, text))

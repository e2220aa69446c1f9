"""What a model says, of every kind of outputs, and that the host says the same."""

import jax.numpy as jnp
import numpy as np
import pytest

from audioxai_jax.perturbation.ask import QUESTIONS, answer, heard_class, probability, says
from audioxai_jax.runs import predictions

LOGITS = jnp.array([0.4, 2.0, -1.0])
SURE = jnp.array([0.2, 0.7, 0.1])
KINDS = [
    (LOGITS, "softmax"),
    (LOGITS, "sigmoid"),
    (SURE, "probabilities"),
    (LOGITS[:1], "sigmoid"),
    (SURE[:1], "probabilities"),
    (SURE[1:2], "probabilities"),
]


@pytest.mark.parametrize("logits, outputs", KINDS)
def test_answers_are_those_of_reports(logits, outputs):
    """`runs.predictions` reads saved outputs, in double precision, on the host."""
    shares = predictions.as_probabilities(np.asarray(logits), outputs)
    for target in range(len(shares)):
        given = logits, target
        assert answer("probability", *given, outputs=outputs) == pytest.approx(shares[target])
        held = predictions.holds(shares, target, outputs)
        assert answer("class", *given, outputs=outputs) == held
        assert answer("logit", *given, outputs=outputs) == logits[target]


def test_without_a_word_several_logits_exclude_each_other_and_one_holds_or_not():
    assert probability(LOGITS, 1) == pytest.approx(float(np.exp(2) / np.exp(LOGITS).sum()))
    assert probability(LOGITS[:1], 0) == pytest.approx(float(1 / (1 + np.exp(-0.4))))
    assert says(LOGITS, 1) == 1 and says(LOGITS, 0) == 0
    assert says(LOGITS[:1], 0) == 1 and says(-LOGITS[:1], 0) == 0 and says(-LOGITS[:1], 1) == 1


def test_agreement_is_with_the_answer_to_the_whole():
    other, ask = jnp.array([3.0, 2.0, -1.0]), "agreement"
    assert answer(ask, LOGITS, 0, whole=LOGITS) == 1 and answer(ask, other, 0, whole=LOGITS) == 0
    # labels by themselves: the target's alone counts
    assert answer(ask, other, 0, whole=LOGITS, outputs="sigmoid") == 1
    assert answer(ask, -LOGITS, 0, whole=LOGITS, outputs="sigmoid") == 0


def test_what_is_not_finite_is_neither():
    for bad in (LOGITS.at[2].set(jnp.nan), LOGITS.at[0].set(-jnp.inf)):
        for question in QUESTIONS:
            assert np.isnan(answer(question, bad, 1, whole=LOGITS))
        assert np.isnan(answer("agreement", LOGITS, 1, whole=bad)) and heard_class(bad) == -1
    assert heard_class(LOGITS) == 1


def test_refusals():
    with pytest.raises(ValueError, match="unknown question 'loss': choose one of probability"):
        answer("loss", LOGITS, 0)
    with pytest.raises(ValueError, match="target 3 is not a class"):
        answer("class", LOGITS, 3)

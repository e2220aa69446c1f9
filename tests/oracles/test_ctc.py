"""The log-likelihood of a word beside torch's CTC loss: values and gradients."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from audioxai_jax.models import ctc_word

torch = pytest.importorskip("torch")


@pytest.mark.parametrize("frames", [12, 80])
@pytest.mark.parametrize("blank", [0, 5])
@pytest.mark.parametrize("word", [(1,), (3, 3), (2, 4, 4, 1, 2), (1, 2, 3, 4, 1, 2)])
def test_values_and_gradients_are_those_of_torch(word, blank, frames, x64):
    logits = 3 * np.random.default_rng(frames).normal(size=(frames, 6))
    given = torch.tensor(logits, requires_grad=True)
    levels = torch.log_softmax(given, dim=1)[:, None]
    lengths = torch.tensor([frames]), torch.tensor([len(word)])
    loss = torch.nn.functional.ctc_loss(
        levels, torch.tensor([word]), *lengths, blank=blank, reduction="sum"
    )
    loss.backward()
    call = lambda z: ctc_word(lambda x: x, word, blank=blank)(z)[0]
    value, slope = jax.value_and_grad(call)(jnp.asarray(logits))
    np.testing.assert_allclose(value, -loss.item(), rtol=1e-11)
    np.testing.assert_allclose(slope, -given.grad.numpy(), rtol=1e-9, atol=1e-12)

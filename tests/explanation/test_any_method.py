"""Every method explains every pair of a classifier and a domain."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.tree_util import Partial

from audioxai_jax import METHODS, Classifier, Codec, domains, explain
from audioxai_jax.propagation import lrp
from audioxai_jax.types import attribute

KEY = jax.random.key(0)
AUDIO = 0.5 * jax.random.normal(KEY, (24,))
WEIGHTS = 0.3 * jax.random.normal(jax.random.key(1), (2, 4, 3))
CODEC = Codec(
    Partial(lambda audio: jnp.pad(audio, (0, -len(audio) % 4)).reshape(-1, 4)),
    Partial(lambda latent: latent.ravel()),
    sample_rate=400,
    hop=4,
)


def frames_network(weights, latent):
    """A convolution of single frames, a ReLU, a mean over frames, a matrix."""
    hidden = jax.lax.conv_general_dilated(
        latent[None], weights[:1], (1,), "VALID", dimension_numbers=("NWC", "WIO", "NWC")
    )[0]
    return jnp.maximum(hidden, 0).mean(0) @ weights[1, :3]


def wave_network(weights, audio):
    return frames_network(weights, audio.reshape(-1, 4))


LATENT = Classifier(Partial(frames_network, WEIGHTS), domains.latent(CODEC))
WAVES = Classifier(Partial(wave_network, WEIGHTS), domains.samples(400))
SHORT_TIME = domains.time_frequency(400, window=("hann", 8), hop=4)
PAIRS = {
    "latent": (LATENT, None),
    "samples": (WAVES, None),
    "frequencies": (WAVES, domains.frequencies(400)),
    "time_frequency": (WAVES, SHORT_TIME),
}


SLOW = pytest.mark.full_size


@pytest.mark.full_size
@pytest.mark.parametrize(
    "pair",
    [
        pytest.param("latent", marks=SLOW),
        pytest.param("samples", marks=SLOW),
        "frequencies",
        "time_frequency",
    ],
)
def test_every_method_explains_every_pair(pair):
    """Traced alone: what methods compute is in the suites of methods."""
    classifier, domain = PAIRS[pair]
    for name in METHODS:
        method = METHODS[name]()
        call = lambda clip, m=method: explain(classifier, clip, domain=domain, method=m, key=KEY)
        if name == "grad_cam" and domain is not None:
            with pytest.raises(ValueError, match="explain in the domain that the classifier reads"):
                jax.eval_shape(call, AUDIO)
            continue
        found = jax.eval_shape(call, AUDIO)
        assert found.relevance.shape == found.features.shape, name


@pytest.mark.parametrize("method", [lrp("epsilon_plus"), METHODS["deep_lift"]()])
def test_relevance_is_conserved_through_a_transform(method):
    """The relevance of samples, each handed on in proportion to what features add to it."""
    domain = domains.frequencies(400)

    @jax.jit
    def both(clip):
        found = explain(WAVES, clip, domain=domain, method=method, key=KEY)
        return found, attribute(method, WAVES.model, clip, found.target, key=KEY)

    found, samples = both(AUDIO)
    np.testing.assert_allclose(found.relevance.sum(), samples.relevance.sum(), rtol=1e-5)
    _, back = jax.vjp(lambda z: domain.synthesise(z, AUDIO), found.features)
    (handed,) = back(samples.relevance / AUDIO)
    np.testing.assert_allclose(found.relevance, found.features * handed, atol=1e-6)

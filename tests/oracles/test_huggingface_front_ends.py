"""Front ends in JAX beside the feature extractors of `transformers`, on real clips."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

transformers = pytest.importorskip("transformers", reason="needs transformers")

from audioxai_jax.models.bridges.errors import BridgeError  # noqa: E402
from audioxai_jax.models.bridges.huggingface.front_ends import front_end  # noqa: E402
from tests.helpers.real_clips import RATE, real_clips  # noqa: E402

pytestmark = pytest.mark.filterwarnings("ignore:At least one mel filter")  # AST's own default
EXTRACTORS = {
    "wav2vec2": lambda: transformers.Wav2Vec2FeatureExtractor(do_normalize=True),
    "as it is": lambda: transformers.Wav2Vec2FeatureExtractor(do_normalize=False),
    "AST": lambda: transformers.ASTFeatureExtractor(),
    "AST, short": lambda: transformers.ASTFeatureExtractor(num_mel_bins=64, max_length=110),
    "AST, as it is": lambda: transformers.ASTFeatureExtractor(do_normalize=False),
    "Whisper": lambda: transformers.WhisperFeatureExtractor(),
    "Whisper, short": lambda: transformers.WhisperFeatureExtractor(
        feature_size=128, chunk_length=2
    ),
}


@pytest.fixture(params=list(EXTRACTORS))
def extractor(request):
    return EXTRACTORS[request.param]()


def test_features_are_those_of_the_extractor(extractor, data_root):
    """Relative to the largest value."""
    ours = front_end(extractor.to_dict())
    for name, clip in real_clips(data_root, "speech_commands", 3).items():
        theirs = extractor(clip, sampling_rate=RATE, return_tensors="np")
        theirs = theirs[extractor.model_input_names[0]][0]
        features = np.asarray(ours(jnp.asarray(clip)))
        assert features.shape == theirs.shape
        error = np.abs(features - theirs).max() / np.abs(theirs).max()
        print(f"{type(extractor).__name__} {name}: {error:.1e}")
        assert error < 1e-4


def test_derivatives_are_finite_at_silence_and_on_it_too(extractor):
    front = front_end(extractor.to_dict())
    for x in (jnp.zeros(RATE), jnp.zeros(RATE).at[4000:].set(0.1)):
        slope = jax.grad(lambda x: jnp.sum(front(x) ** 2))(x)
        assert np.isfinite(slope).all() and np.isfinite(front(x)).all()


def test_equal_front_ends_compile_once(extractor):
    one, other = (front_end(extractor.to_dict()) for _ in range(2))
    assert jax.tree.structure(one) == jax.tree.structure(other)


def test_what_is_not_known_is_refused():
    with pytest.raises(BridgeError, match="'EncodecFeatureExtractor' is not known"):
        front_end({"feature_extractor_type": "EncodecFeatureExtractor"})
    with pytest.raises(BridgeError, match="adds noise"):
        front_end({"feature_extractor_type": "WhisperFeatureExtractor", "dither": 1e-4})
    with pytest.raises(BridgeError, match="1.12 s, got 2.00 s: cut the clip"):
        front_end(EXTRACTORS["AST, short"]().to_dict())(jnp.zeros(2 * RATE))
    with pytest.raises(BridgeError, match="2 s at most, got 3.00 s: cut the clip"):
        front_end(EXTRACTORS["Whisper, short"]().to_dict())(jnp.zeros(3 * RATE))

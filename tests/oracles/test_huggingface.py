"""Audio models of transformers, tiny and random, saved to a folder: beside its own pipelines."""

import json

import jax
import jax.numpy as jnp
import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="needs torch")
T = pytest.importorskip("transformers", reason="needs transformers")

from audioxai_jax.attribution import integrated_gradients, lrp  # noqa: E402
from audioxai_jax.models.bridges.errors import BridgeError  # noqa: E402
from audioxai_jax.models.bridges.huggingface import from_huggingface  # noqa: E402
from audioxai_jax.propagation.composites import epsilon_plus  # noqa: E402
from audioxai_jax.types import attribute  # noqa: E402
from tests.helpers.real_clips import RATE, real_clips  # noqa: E402

pytestmark = [
    pytest.mark.filterwarnings("ignore:At least one mel filter"),  # AST's own default
    pytest.mark.filterwarnings("ignore::FutureWarning"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
]
LABELS = {0: "dog", 1: "bell", 2: "rain"}
WAVES = dict(
    hidden_size=16,
    num_hidden_layers=2,
    num_attention_heads=2,
    intermediate_size=24,
    conv_dim=(8, 8, 8),
    conv_kernel=(10, 3, 3),
    conv_stride=(5, 4, 4),
    num_feat_extract_layers=3,
    num_conv_pos_embeddings=8,
    num_conv_pos_embedding_groups=2,
    classifier_proj_size=8,
)
WHISPER = dict(
    d_model=16,
    encoder_layers=2,
    encoder_attention_heads=2,
    encoder_ffn_dim=24,
    decoder_layers=1,
    decoder_attention_heads=2,
    decoder_ffn_dim=24,
    num_mel_bins=80,
    max_source_positions=100,
    classifier_proj_size=8,
    vocab_size=60,
    pad_token_id=0,
    bos_token_id=1,
    eos_token_id=2,
    decoder_start_token_id=1,
)
BANDS = dict(
    hidden_size=16,
    num_hidden_layers=2,
    num_attention_heads=2,
    intermediate_size=24,
    max_length=110,
    num_mel_bins=32,
)
NAMED = dict(id2label=LABELS, label2id={name: number for number, name in LABELS.items()})
WAVE_FRONT = lambda: T.Wav2Vec2FeatureExtractor(do_normalize=True)
WHISPER_FRONT = lambda: T.WhisperFeatureExtractor(chunk_length=2)
BAND_FRONT = lambda: T.ASTFeatureExtractor(num_mel_bins=32, max_length=110)
VOCABULARY = {"<pad>": 0, "|": 1, "a": 2, "b": 3, "c": 4}

MODELS = {
    "wav2vec2": lambda: (
        T.Wav2Vec2ForSequenceClassification(T.Wav2Vec2Config(**WAVES, **NAMED)),
        WAVE_FRONT(),
    ),
    "hubert": lambda: (
        T.HubertForSequenceClassification(
            T.HubertConfig(**WAVES, **NAMED, feat_extract_norm="layer", do_stable_layer_norm=True)
        ),
        WAVE_FRONT(),
    ),
    "wavlm": lambda: (
        T.WavLMForSequenceClassification(T.WavLMConfig(**WAVES, **NAMED)),
        WAVE_FRONT(),
    ),
    "ast": lambda: (T.ASTForAudioClassification(T.ASTConfig(**BANDS, **NAMED)), BAND_FRONT()),
    "whisper": lambda: (
        T.WhisperForAudioClassification(T.WhisperConfig(**WHISPER, **NAMED)),
        WHISPER_FRONT(),
    ),
    "ctc": lambda: (T.Wav2Vec2ForCTC(T.Wav2Vec2Config(**WAVES, vocab_size=5)), WAVE_FRONT()),
    "encoder": lambda: (T.HubertModel(T.HubertConfig(**WAVES)), WAVE_FRONT()),
    "whisper encoder": lambda: (T.WhisperModel(T.WhisperConfig(**WHISPER)), WHISPER_FRONT()),
}


def saved(name, folder):
    """Module and feature extractor, as they were saved."""
    torch.manual_seed(11)
    module, extractor = MODELS[name]()
    module.eval().save_pretrained(folder)
    extractor.save_pretrained(folder)
    if name == "ctc":
        (folder / "vocab.json").write_text(json.dumps(VOCABULARY))
    return module, extractor


QUICK = ("wav2vec2", "ast", "whisper", "ctc")
FULL = pytest.mark.full_size


@pytest.fixture(
    params=[name if name in QUICK else pytest.param(name, marks=FULL) for name in MODELS],
    scope="module",
)
def case(request, tmp_path_factory):
    folder = tmp_path_factory.mktemp("model")
    module, extractor = saved(request.param, folder)
    return request.param, folder, module, extractor


@pytest.fixture(scope="module")
def classifier(case):
    return from_huggingface(case[1])


def theirs(name, module, extractor, clip):
    """Their output of one clip, of frames where it has any."""
    inputs = extractor(clip, sampling_rate=RATE, return_tensors="pt")
    if name == "whisper encoder":
        module = module.get_encoder()
    with torch.no_grad():
        result = module(inputs[module.main_input_name])
    result = result.logits if "logits" in result else result.last_hidden_state
    return result[0].numpy()


def test_outputs_are_those_of_the_pipeline_on_clips_of_any_length(case, classifier, data_root):
    """Relative to the largest."""
    name, _, module, extractor = case
    clips = real_clips(data_root, "speech_commands", 3).values()
    for clip, samples in zip(clips, (16_000, 9_001, 16_000), strict=True):
        clip = clip[:samples]
        expected = theirs(name, module, extractor, clip)
        if name == "ctc":
            expected = expected.max(0)
        elif "encoder" in name:
            expected = expected.mean(0)
        ours = classifier(jnp.asarray(clip))
        error = np.abs(ours - expected).max() / np.abs(expected).max()
        print(f"{name} {len(clip)}: {error:.1e}")
        assert error < 1e-5
        if expected.shape == (3,):
            pipeline = T.pipeline("audio-classification", module, feature_extractor=extractor)
            said = {row["label"]: row["score"] for row in pipeline(clip, top_k=3)}
            shares = jax.nn.softmax(ours)
            assert classifier.labels == ("dog", "bell", "rain")
            for label, share in zip(classifier.labels, shares, strict=True):
                assert float(share) == pytest.approx(said[label], rel=1e-5)


def test_kinds_labels_and_names(case, classifier):
    name, _, module, _ = case
    kind, labels = "softmax", ("dog", "bell", "rain")
    if name == "ctc":
        labels = ("<pad>", "|", "a", "b", "c")
    elif "encoder" in name:
        kind, labels = "value", None
    assert (classifier.outputs, classifier.labels) == (kind, labels)
    assert classifier.reads.sample_rate == RATE and classifier.frames is None
    leaves = jax.tree_util.tree_flatten_with_path(classifier)[0]
    paths = " ".join(jax.tree_util.keystr(path) for path, _ in leaves)
    body = module.get_encoder() if name == "whisper encoder" else module
    unused = ("masked_spec_embed", "k_proj.bias")
    missing = [n for n, _ in body.named_parameters() if f"'{n}'" not in paths]
    assert not [n for n in missing if not n.endswith(unused)]


def test_methods_run(case, classifier, data_root):
    (clip,) = real_clips(data_root, "speech_commands", 1).values()
    x, key = jnp.asarray(clip[:9_001]), jax.random.key(0)
    for method in (integrated_gradients(steps=2), lrp(epsilon_plus())):
        relevance = attribute(method, classifier, x, 1, key=key).relevance
        assert np.isfinite(relevance).all() and relevance.any()


def test_behind_the_normalisation(tmp_path, data_root):
    module, extractor = saved("wav2vec2", tmp_path)
    classifier = from_huggingface(tmp_path, behind_front=True)
    (clip,) = real_clips(data_root, "speech_commands", 1).values()
    features = classifier.reads.analyse(jnp.asarray(clip))
    assert abs(float(features.mean())) < 1e-6 and float(features.std()) == pytest.approx(1, 1e-4)
    expected = theirs("wav2vec2", module, extractor, clip)
    np.testing.assert_allclose(classifier(features), expected, rtol=1e-5, atol=1e-6)
    saved("ast", tmp_path)
    with pytest.raises(BridgeError, match="makes bands, of which no sound can be made"):
        from_huggingface(tmp_path, behind_front=True)


def test_halves_are_computed_in_single_precision(tmp_path, data_root):
    module, extractor = saved("hubert", tmp_path)
    module.half().save_pretrained(tmp_path)
    classifier = from_huggingface(tmp_path)
    assert classifier.manifest["weights"] == "F16, computed in single precision"
    (clip,) = real_clips(data_root, "speech_commands", 1).values()
    expected = theirs("hubert", module.float(), extractor, clip)
    np.testing.assert_allclose(classifier(jnp.asarray(clip)), expected, rtol=1e-5, atol=1e-6)


def test_frames_of_tokens_on_request(tmp_path, data_root):
    module, extractor = saved("ctc", tmp_path)
    (clip,) = real_clips(data_root, "speech_commands", 1).values()
    classifier = from_huggingface(tmp_path, over_time="frames", cache=tmp_path / "graphs")
    expected = theirs("ctc", module, extractor, clip)
    np.testing.assert_allclose(classifier.model(jnp.asarray(clip)), expected, rtol=1e-4, atol=1e-6)
    assert len(list((tmp_path / "graphs").iterdir())) == 1


def edited(folder, file, **fields):
    path = folder / file
    path.write_text(json.dumps({**json.loads(path.read_text()), **fields}))


def pickled(folder):
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")


def headless(folder):
    T.Wav2Vec2Model(T.Wav2Vec2Config(**WAVES)).save_pretrained(folder)
    edited(folder, "config.json", architectures=["Wav2Vec2ForSequenceClassification"])


@pytest.mark.parametrize(
    "spoil, message",
    [
        (pickled, "pytorch_model.bin and no safetensors: pickles are not read"),
        (headless, "such as 'classifier.bias': transformers would draw them at random"),
        (lambda f: (f / "preprocessor_config.json").unlink(), "holds no preprocessor_config.json"),
        (lambda f: (f / "config.json").unlink(), "config.json: cannot be read"),
        (lambda f: (f / "config.json").write_text("{"), "config.json: is not JSON"),
        (lambda f: (f / "model.safetensors").write_bytes(b"12345678 no"), "no safetensors file"),
        (lambda f: (f / "model.safetensors").unlink(), "holds no safetensors file"),
        (lambda f: edited(f, "config.json", auto_map={"AutoModel": "x.Y"}), "code of its own"),
        (
            lambda f: edited(f, "config.json", architectures=["BartForConditionalGeneration"]),
            "'BartForConditionalGeneration' is not read",
        ),
        (
            lambda f: edited(f, "config.json", architectures=["OwnForCTC"]),
            "has no OwnForCTC",
        ),
        (
            lambda f: edited(
                f, "preprocessor_config.json", feature_extractor_type="ClapFeatureExtractor"
            ),
            "front end 'ClapFeatureExtractor' is not known",
        ),
    ],
)
def test_folders_that_are_not_read_are_refused_in_one_line(spoil, message, tmp_path, capfd):
    saved("wav2vec2", tmp_path)
    spoil(tmp_path)
    capfd.readouterr()
    with pytest.raises(BridgeError, match=message) as error:
        from_huggingface(tmp_path)
    assert "\n" not in str(error.value)
    assert capfd.readouterr() == ("", "")


def test_what_is_no_folder_is_refused(tmp_path):
    with pytest.raises(BridgeError, match="is not a folder, nor a repository's name"):
        from_huggingface(tmp_path / "nothing")
    with pytest.raises(BridgeError, match="over_time 'sum': choose one of maximum, mean, frames"):
        from_huggingface(tmp_path, over_time="sum")

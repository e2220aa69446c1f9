"""What people pass to public functions: labels, lists and NumPy's numbers work; what does not fit
is refused in one line that says what to do."""

import inspect
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.tree_util import Partial

import audioxai_jax as ax
from audioxai_jax import Classifier, Codec, domains, explain, explain_batch, propagation
from audioxai_jax.attribution import METHODS
from audioxai_jax.core.logits import as_targets
from audioxai_jax.metrics.complexity import sparseness
from audioxai_jax.metrics.infidelity import infidelity
from audioxai_jax.perturbation.curves import perturbation_curve
from audioxai_jax.perturbation.smallest import smallest_set
from audioxai_jax.streaming import api
from audioxai_jax.streaming.stages import Local
from audioxai_jax.types import Context
from audioxai_jax.weights.file_format import WeightsError
from audioxai_jax.weights.load import load_classifier, load_codec, load_listener

HOP = 8
MADE = ax.make_info()
KEY = jax.random.key(0)
AUDIO = 0.3 * jax.random.normal(KEY, (40,))
WEIGHTS = jax.random.normal(jax.random.key(1), (HOP, 3))
encode = lambda audio: jnp.pad(audio, (0, -len(audio) % HOP)).reshape(-1, HOP)
decode = lambda latent: latent.ravel()
apply = lambda weights, latent: jnp.tanh(latent).mean(0) @ weights
CODEC = Codec(encode, decode, 400, HOP, mean=jnp.zeros(HOP))
READS = domains.latent(CODEC)
CLASSIFIER = Classifier(Partial(apply, WEIGHTS), READS, ("go", "stop", "yes"))
MODEL, LATENT = CLASSIFIER.model, encode(AUDIO)
STAGE = Local(encode, takes=HOP)


def run(call, **changes):
    """`explain` or `explain_batch` of one clip, by saliency, with something changed."""
    given = {"classifier": CLASSIFIER, "audio": AUDIO, "method": ax.saliency(), "key": KEY}
    given |= changes
    if call is explain_batch and isinstance(given["audio"], jax.Array):
        given["audio"] = given["audio"][None]
    return call(**given)


def refusal(call, *args, **changes):
    """The line of a refusal, by a TypeError or a ValueError of this library."""
    with pytest.raises((TypeError, ValueError)) as caught:
        call(*args, **changes)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def of(model=MODEL, encode=encode, decode=decode):
    """A classifier of a model, or of a codec with other functions."""
    return Classifier(model, domains.latent(Codec(encode, decode, 400, HOP)))


def plain(value):
    """A test's id; addresses of functions would differ between processes."""
    text = str(value)[:40]
    return type(value).__name__ if " at 0x" in str(value) else text


REFUSED = [
    ("target", "sotp", "target 'sotp' is not a class: labels are go, stop, yes"),
    ("target", True, "targets must be whole numbers or labels, got bool"),
    ("target", 1.0, "targets must be whole numbers or labels, got float"),
    ("target", np.nan, "targets must be whole numbers or labels, got float"),
    ("target", None.__class__, "target must be an array, got the class NoneType"),
    ("target", [[1, 2], [3]], "unequal length"),
    ("target", b"a", "target b'a' is bytes, labels are texts: write target.decode()"),
    ("target", 3, "target 3 is not a class: the classifier has 3, 0 to 2"),
    ("target", np.int64(-1), "target -1 is not a class"),
    ("key", 0, "key must be a key of jax.random, got 0: write jax.random.key(0)"),
    ("key", "0", "key must be a key of jax.random, got the text '0'"),
    ("key", jax.random.split(KEY, 3), "key must be one key, got an array of keys [3]"),
    ("key", np.arange(3, dtype=np.uint32), "got uint32 [3] for [2]: write e.g. jax.random.key(0)"),
    ("audio", np.ma.array(np.zeros((1, 40))), "audio is a masked array: fill what is masked first"),
    ("keep", True, "keep must be a fraction between 0 and 1, got True"),
    ("keep", float("nan"), "keep must be a fraction between 0 and 1, got nan"),
    ("keep", 1.5, "keep must be a fraction between 0 and 1, got 1.5"),
    ("keep", "10%", "keep must be a fraction or 'smallest', got '10%'"),
    ("keep", None, "keep must be a fraction between 0 and 1, got None"),
    ("keep", [0.1], "keep must be a fraction between 0 and 1, got a list"),
    ("method", "saliency", "expected a method: write its factory, such as audioxai_jax.lrp()"),
    ("method", "lrp2", "the text 'lrp2', expected a method: write its fact"),
    ("method", ax.integrated_gradients, "(write integrated_gradients()?)"),
    ("method", type(ax.saliency()), "the method is the class Saliency, expected a method: make"),
    ("method", 3, "the method is an int, expected a method"),
    ("classifier", "keywords", "got the text 'keywords': load it first"),
    ("classifier", (CLASSIFIER, {}), "expected a function of one example, got tuple: pass a"),
    ("classifier", Classifier, "got the class Classifier: make one"),
    ("classifier", MODEL, "must say what it reads: write Classifier(model, reads="),
    ("classifier", CODEC, "the classifier: expected a function of one example, got Codec"),
    (
        "classifier",
        of(lambda z: {"logits": z[0]}),
        "logits [K] of one clip, got a dict with logits",
    ),
    ("classifier", of(lambda z: (z[0], z)), "of one clip, got a tuple: return one array"),
    ("classifier", of(lambda z: z.mean()), "got (): a single number is logits [1]"),
    ("classifier", of(lambda z: z.mean(0)[None]), "got (1, 8): take the first row"),
    ("classifier", of(lambda z: z[0].astype(int)), "got int32: return floating point, the scores"),
    (
        "classifier",
        Classifier(MODEL, READS, ("a", "b")),
        "2 labels ('a', 'b'), but its model has 3",
    ),
    ("classifier", of(encode=lambda x: (encode(x), x)), "[frames, channels], got a tuple: return"),
    ("classifier", of(encode=lambda x: encode(x)[None]), "[frames, channels], got (1, 5, 8)"),
    ("classifier", of(decode=lambda z: (decode(z),)), "a waveform [T], got a tuple"),
    ("classifier", of(decode=lambda z: z), "what decode returns must be one mono"),
    ("domain", "samples", "domain must be a domain, got the text 'samples': write e.g. audioxai"),
    ("domain", domains.samples, "domain must be a domain, got samples: write samples(..)"),
    ("domain", CODEC, "domain must be a domain, got a Codec: write audioxai_jax.domains.latent"),
    ("listener", MODEL, "the listener must say what it reads"),
    ("listener", "keywords_listener", "the listener: expected a function of one example, got the"),
    ("keep", lambda relevance: relevance, "keep must be a function (relevance, context), got"),
    ("keep", lambda relevance, context: relevance[:2], "the masker returned [2, 8] for features"),
    ("key", None, "key must be a key of jax.random, got None"),
    ("base", "zero", "base must be a function (domain, features, audio, key), got the text"),
    ("base", ax.bases.zero, "got zero: write audioxai_jax.bases.zero()"),
    ("base", lambda d, z, x, key: z[:2], "the base returned [2, 8] for features [5, 8]"),
    ("rank", None, "unknown rank None"),
    ("unit", "frames", "unknown unit 'frames' of the domain 'latent': choose one of feature, fr"),
]


@pytest.mark.parametrize("call", [explain, explain_batch])
@pytest.mark.parametrize("name, value, said", REFUSED, ids=plain)
def test_what_does_not_fit_is_refused_in_one_line(call, name, value, said):
    assert said in refusal(run, call, **{name: value})


@pytest.mark.parametrize(
    "name, value, said",
    [
        ("target", [1, 2], "targets [2] do not fit 1 clips"),
        ("chunk", 0, "chunk must be a positive whole number or 'auto', got 0"),
        ("chunk", True, "chunk must be a positive whole number or 'auto', got True"),
        ("chunk", 2.0, "chunk must be a positive whole number or 'auto', got 2.0"),
        ("devices", [], "the list of devices is empty: name at least one"),
        ("devices", jax.devices()[0], "devices must be a list of JAX devices"),
        ("devices", "cpu", "devices must be a list of JAX devices"),
        ("first_index", -1, "first_index must be a whole number from 0 up, got -1"),
        ("first_index", 2**40, "first_index 1099511627776 is too large for 1 examples"),
        ("first_index", 2**32, "is too large for 1 examples: indices end at 4294967295"),
        ("first_index", 1.5, "first_index must be a whole number from 0 up, got 1.5"),
    ],
)
def test_options_of_batches_that_do_not_fit_are_refused(name, value, said):
    assert said in refusal(run, explain_batch, **{name: value})
    if name != "target":
        given = {"method": ax.saliency(), "model": CLASSIFIER, "x": LATENT[None], "key": KEY}
        assert said in refusal(ax.attribute_batch, **given, **{name: value})


def test_a_target_that_is_no_class_is_refused_under_jit_too():
    """A number that is known stays known there; only a traced one cannot be checked."""
    said = "target 3 is not a class"
    assert said in refusal(jax.jit(lambda x: run(explain, audio=x, target=3)), AUDIO)
    curve = jax.jit(lambda x: perturbation_curve(MODEL, x, x, 3))
    assert said in refusal(curve, LATENT)


def test_several_targets_of_one_clip_are_refused():
    assert "one clip has one target, got [2]: see attribute_classes" in refusal(
        run, explain, target=[1, 2]
    )


@pytest.mark.parametrize(
    "target", ["stop", 1, np.int64(1), np.uint8(1), jnp.int32(1), np.str_("stop")]
)
def test_labels_and_whole_numbers_of_any_kind_are_targets(target):
    for call in (explain, explain_batch):
        assert np.ravel(run(call, target=target).target).tolist() == [1]
    found = ax.attribute_batch(ax.saliency(), CLASSIFIER, LATENT[None], target, key=KEY).relevance[
        0
    ]
    np.testing.assert_array_equal(found, ax.saliency()(MODEL, LATENT, 1, key=KEY).relevance)


def test_labels_in_lists_are_targets():
    assert as_targets([["go", "stop"], ["yes", "go"]], CLASSIFIER.labels).tolist() == [
        [0, 1],
        [2, 0],
    ]
    assert as_targets(np.array(["yes"]), CLASSIFIER.labels).tolist() == [2]
    found = ax.attribute_classes(ax.saliency(), CLASSIFIER, LATENT, ["yes", "go"], key=KEY)
    wanted = ax.attribute_classes(ax.saliency(), MODEL, LATENT, jnp.array([2, 0]), key=KEY)
    np.testing.assert_array_equal(found.relevance, wanted.relevance)
    assert "a function has none: give its number" in refusal(
        ax.attribute_classes, ax.saliency(), MODEL, LATENT, ["go"], key=KEY
    )


def test_lists_and_keys_of_the_old_kind_work():
    wanted = run(explain)
    for changes in (
        {"audio": AUDIO.tolist()},
        {"key": KEY},
        {"keep": np.float32(0.1)},
        {"keep": jnp.float32(0.1)},
        {"target": None},
    ):
        np.testing.assert_array_equal(run(explain, **changes).relevance, wanted.relevance)
    assert run(explain_batch, key=jax.random.PRNGKey(0), chunk=np.int64(1)).finite.all()


def test_a_method_that_is_a_function_works_in_batches():
    def mine(model, x, target, *, key):
        return ax.saliency()(model, x, target, key=key)

    np.testing.assert_allclose(
        run(explain_batch, method=mine).relevance, run(explain).relevance[None]
    )


@pytest.mark.parametrize(
    "fields, said",
    [
        ({"encode": 3}, "encode: expected a function"),
        ({"sample_rate": 16e3}, "sample_rate must be a whole number from 1 up, got 16000.0"),
        ({"hop": 0}, "hop must be a whole number from 1 up, got 0"),
        ({"mean": jnp.ones((2, 8))}, "mean must be one latent frame [C], got (2, 8)"),
        ({"mean": "zero"}, "mean must be an array, got the text 'zero'"),
    ],
)
def test_codecs_check_themselves(fields, said):
    given = {"encode": encode, "decode": decode, "sample_rate": 400, "hop": HOP}
    assert said in refusal(Codec, **given | fields)


def test_a_mean_of_the_wrong_length_is_refused():
    wrong = Codec(encode, decode, 400, HOP, mean=jnp.zeros(7))
    said = "the codec 'custom' has a mean latent of [7], its latents have 8 channels"
    reader = Classifier(MODEL, domains.latent(wrong))
    assert said in refusal(run, explain, classifier=reader, base=ax.bases.mean())


@pytest.mark.parametrize(
    "fields, said",
    [
        ({"labels": "abc"}, "labels must be a tuple of texts, got the text 'abc'"),
        ({"labels": ("a", 1, "b")}, "labels must be texts, entry 1 is an int"),
        ({"labels": ("a", "b", "a")}, "labels must differ: 'a' is there twice"),
        ({"labels": ()}, "labels are empty"),
        ({"frames": 0}, "frames must be a whole number from 1 up, got 0"),
        ({"frames": True}, "frames must be a whole number from 1 up, got True"),
        ({"frames": 50.0}, "frames must be a whole number from 1 up, got 50.0"),
        ({"background": ("_silence_",)}, "background '_silence_' is not among the labels"),
        ({"background": "go"}, "background must be a tuple of texts"),
        ({"model": "m.py"}, "model: expected a function of one example, got the text 'm.py'"),
        (
            {"reads": CODEC},
            "reads must be a domain, got a Codec: write audioxai_jax.domains.latent",
        ),
        ({"reads": domains.latent}, "reads must be a domain, got latent: write latent(..)"),
        ({"labels": None, "background": ("go",)}, "background 'go' is not among the labels"),
        ({"model": lambda z, k: z[0]}, "must take one example, (x): missing a required argument"),
        ({"model": lambda: 0}, "<lambda> must take one example, (x): too many positional"),
        ({"model": partial(lambda a, z, k: z, 1)}, "must take one example, (x): missing"),
        ({"model": lambda *, z: z[0]}, "must take one example, (x): too many positional"),
        ({"outputs": "logits"}, "outputs 'logits': choose one of softmax, sigmoid, probabilities"),
        ({"labels": ("a",), "outputs": "softmax"}, "a softmax of one output is always 1"),
    ],
)
def test_classifiers_check_themselves(fields, said):
    assert said in refusal(
        Classifier, **{"model": MODEL, "reads": READS, "labels": ("go", "a", "b")} | fields
    )


def test_labels_in_a_list_become_a_tuple():
    assert Classifier(MODEL, READS, ["a", "b"], background=["a"]).labels == ("a", "b")  # type: ignore
    assert Classifier(MODEL, READS, ["a", "b"]).names(2) == ("a", "b")  # type: ignore


def test_outputs_without_labels_have_numbers():
    assert of().names(3) == ("0", "1", "2")
    assert run(explain, classifier=of(), target="2").target == 2


@pytest.mark.parametrize(
    "call, said",
    [
        (
            lambda: ax.attribute("saliency", MODEL, LATENT, 0, key=KEY),
            "write its factory, such as audioxai_jax.lrp()",
        ),
        (lambda: ax.attribute(ax.saliency(), MODEL, "a", 0, key=KEY), "the input must be an array"),
        (lambda: ax.saliency()(MODEL, LATENT, "stop", key=KEY), "a function has none"),
        (
            lambda: ax.saliency()(MODEL, LATENT, [1, 2], key=KEY),
            "one target is explained at a time",
        ),
        (lambda: ax.saliency()(lambda z: {"a": z}, LATENT, 0, key=KEY), "NoGradient|dict"),
        (lambda: ax.preview(ax.saliency, MODEL, LATENT), "write saliency()?"),
        (lambda: ax.smoothgrad(ax.saliency), "write saliency()?"),
        (
            lambda: propagation.lrp(3),
            "composite must be a Composite or a preset's name, got an int",
        ),
        (
            lambda: propagation.propagate("epsilon_plus", MODEL, LATENT, 0),
            "composite must be a Composite",
        ),
        (
            lambda: propagation.propagate(
                propagation.PRESETS["epsilon_plus"](), MODEL, LATENT, "go"
            ),
            "has none",
        ),
        (
            lambda: ax.masks.top_fraction("10%"),
            "keep must be a fraction between 0 and 1, got the text",
        ),
        (
            lambda: ax.masks.top_fraction(0.5)([True, False], Context()),
            "relevance must be floating point, got bool",
        ),
        (lambda: ax.sum_channels(axis="x"), "sum_channels: axis must be a whole number, got the"),
        (lambda: ax.kernel_shap(segments=True), "few: count must be a whole number from 1 up"),
        (lambda: ax.integrated_gradients(rule=["midpoint"]), "no rule ['midpoint']: there are"),
        (lambda: ax.masks.top_count(1.0), "count must be a whole number from 0 up, got 1.0"),
        (lambda: smallest_set(MODEL, LATENT, LATENT, "go", base=LATENT), "has none"),
        (lambda: smallest_set("m", LATENT, LATENT, base=LATENT), "the model: expected a function"),
        (lambda: perturbation_curve(MODEL, LATENT, "a", 0), "relevance must be an array"),
        (
            lambda: infidelity(3, LATENT, LATENT, 0, key=KEY, perturb=ax.bases.zero()),
            "expected a function",
        ),
        (lambda: api.encode("gainshape_16khz", [AUDIO]), "expected a Codec, got the text"),
        (lambda: api.encode(CODEC, [AUDIO], frames="8"), "window must be a whole number"),
        (lambda: list(api.encode(CODEC, [None], stages=[STAGE])), "expected a piece of one"),
        (lambda: sparseness({"a": 1}), "relevance must be an array, got a dict"),
        (
            lambda: ax.map_examples(explain, 0, LATENT, key=3),
            "key must be a key of jax.random, got 3",
        ),
        (
            lambda: ax.map_examples(explain, 0, LATENT, key=KEY, first_index=2**32 - 1),
            "first_index 4294967295 is too large for 5 examples",
        ),
        (
            lambda: ax.attribute(ax.smoothgrad(ax.saliency()), MODEL, LATENT, 1, key=0),
            "key must be a key of jax.random, got 0: write jax.random.key(0)",
        ),
        (
            lambda: ax.attribute(ax.saliency(), MODEL, np.ma.array(LATENT), 1, key=KEY),
            "the input is a masked array",
        ),
        (lambda: own(LATENT, None), "the method own returned info None: return make_info()"),
        (lambda: own(LATENT, ()), "the method own returned info a tuple: return make_info()"),
        (lambda: own([[1.0], []]), "the relevance of the method own is a list that makes no"),
        (lambda: own("x"), "the relevance of the method own must be an array, got the text 'x'"),
        (lambda: own(LATENT.astype(int)), "method own must be floating point, got int32"),
        (lambda: own([[1.0]]), "returned relevance [1, 1] for an input [5, 8]"),
        (lambda: ax.attribute(METHODS["grad_cam"](3), MODEL, LATENT, 1, key=KEY), "name of a"),
        (
            lambda: METHODS["grad_cam"](channel_axis="x"),
            "grad_cam: channel_axis must be a whole number, got the text 'x'",
        ),
    ],
)
def test_other_functions_refuse_in_one_line_too(call, said):
    assert any(part in refusal(call) for part in said.split("|"))


COUNTS = ("steps", "samples", "permutations", "most", "segments", "chunk")
NUMBERS = ("tolerance", "width", "ridge", "probability", "fraction", "distance", "deviation")


def own(relevance, info=MADE):
    """What becomes of a result of one's own method."""

    def own(model, x, target, *, key):
        return ax.Attribution(relevance, info)

    return ax.attribute(own, MODEL, LATENT, 1, key=KEY)


@pytest.mark.parametrize("name", METHODS)
def test_options_of_methods_that_do_not_fit_are_refused(name):
    """Every factory: counts are whole numbers, baselines and the like are numbers or arrays."""
    factory = METHODS[name]
    for option, given in inspect.signature(factory).parameters.items():
        if option in COUNTS and isinstance(given.default, int):
            for wrong in (2.5, "8", [8], True, 0, None):
                said = refusal(factory, **{option: wrong})
                assert f"{name}: {option} must be a whole number from 1 up, got" in said
            assert factory(**{option: np.int64(8)}) == factory(**{option: 8})
        if option in NUMBERS:
            for wrong in ("x", None, {}):
                assert f"{name}: {option} must be a" in refusal(factory, **{option: wrong})
        if option in ("baseline", "baselines", "deviation"):
            for wrong in ("zero", None, {}, [[1.0], []], np.array([True]), [np.ma.array([1.0])]):
                assert f"{name}: {option} " in refusal(factory, **{option: wrong})
            method = factory(**{option: np.zeros(3)})
            said = refusal(method, lambda x: x.sum(1), jnp.ones((6, 4)), 0, key=KEY)
            assert f"the {option} [3] do" in said and "not fit the input [6, 4]" in said


@pytest.mark.parametrize("load", [load_codec, load_classifier, load_listener])
@pytest.mark.parametrize("name", [None, 3, ("keywords", {})])
def test_loaders_take_names_and_paths(load, name):
    with pytest.raises(WeightsError, match="expected the name or the path of a"):
        load(name)


@pytest.mark.parametrize("name", METHODS)
def test_factories_that_were_not_called_are_told_from_methods(name):
    assert f"the method {METHODS[name].__name__} must take" in refusal(
        ax.attribute, METHODS[name], MODEL, LATENT, 0, key=KEY
    )


def test_the_codec_of_a_batch_is_the_codec_that_was_given():
    """Its fingerprint, name and hop reach the base that stands for absent features."""
    seen = []

    def base(domain, features, audio, key):
        codec = domain.codec
        seen.append((codec.fingerprint, codec.name, codec.hop))
        return jnp.zeros_like(features)

    codec = Codec(encode, decode, 400, HOP, None, "mine", "ab" * 32)
    reader = Classifier(MODEL, domains.latent(codec))
    run(explain_batch, classifier=reader, base=base)
    run(explain, classifier=reader, base=base)
    assert set(seen) == {("ab" * 32, "mine", HOP)}


@pytest.mark.parametrize(
    "fields, said",
    [
        ({"unit": "band"}, "unknown unit 'band' of a codec: choose one of feature, cell"),
        ({"unit": "cell"}, "unit 'cell' needs cells: give the band of each channel"),
        ({"cells": 3}, "cells must be the band of each channel, got"),
        ({"cells": "012"}, "cells must be the band of each channel, got"),
        ({"cells": (0, 2)}, "cells must have a channel for each band from 0 on, got [0, 2]"),
        ({"cells": ()}, "cells must have a channel for each band from 0 on, got []"),
        ({"cells": (0, -1)}, "a band of cells must be a whole number from 0 up, got -1"),
        ({"cells": (0, 0.5)}, "a band of cells must be a whole number from 0 up, got 0.5"),
    ],
)
def test_cells_that_do_not_fit_are_refused(fields, said):
    assert said in refusal(Codec, encode, decode, 400, HOP, **fields)


def test_cells_of_another_number_of_channels_are_refused():
    codec = Codec(encode, decode, 400, HOP, cells=np.arange(HOP - 1))
    assert codec.cells == tuple(range(HOP - 1))
    said = refusal(domains.latent(codec).units, (5, HOP))
    assert f"cells of {HOP - 1} channels, and its latents have {HOP}: give the band of" in said


def test_manifests_are_not_compared():
    """Nor are they part of compiled programs, which serve codecs of all files."""
    codecs = [Codec(encode, decode, 400, HOP, manifest=m) for m in (None, {"made": [1, 2]})]
    assert "made" not in repr(codecs[1])
    assert jax.tree.structure(codecs[0]) == jax.tree.structure(codecs[1])
    readers = [Classifier(MODEL, READS, manifest=m) for m in (None, {"a": 1})]
    assert jax.tree.structure(readers[0]) == jax.tree.structure(readers[1])
    assert jax.tree.map(lambda leaf: leaf, readers[1]).manifest == {"a": 1}


class Plain:
    """What has all parts of a domain, but is not a pytree."""

    sample_rate, hop, name = 400, 1, "plain"
    analyse = synthesise = base = size = units = axes = lambda *_: None


def test_a_domain_that_is_no_pytree_is_refused():
    said = "domain: Plain is not a pytree: decorate its class by audioxai_jax.record"
    assert said in refusal(run, explain_batch, domain=Plain())

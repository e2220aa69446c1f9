"""What is seen of a model before it is explained, and which methods are refused then."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.tree_util import Partial

import audioxai_jax as ax
from audioxai_jax.attribution.promises import promise
from audioxai_jax.domains import normalised, samples, time_frequency
from audioxai_jax.explanation.assess import assess

RATE, FRAME = 8000, 256
KEY = jax.random.key(0)


def clip(seed=0, count=4 * FRAME):
    draw = np.random.default_rng(seed)
    tone = np.sin(2 * np.pi * 440 / RATE * np.arange(count))
    return jnp.asarray(0.3 * tone + 0.05 * draw.normal(size=count), jnp.float32)


def each_frame_divided(x):
    """As CREPE has it: each frame less its mean, divided by its deviation, 1e-10 at least."""
    frames = x.reshape(-1, FRAME)
    frames = frames - frames.mean(axis=1, keepdims=True)
    return (frames / jnp.clip(frames.std(axis=1, keepdims=True), 1e-10)).reshape(-1)


def within_its_range(x):
    """As BirdNET has it: from -1 to 1, the least sample to the largest."""
    return 2 * (x - x.min()) / (x.max() - x.min() + 1e-6) - 1


def back(weights, x):
    hidden = jnp.tanh(x.reshape(-1, FRAME) @ weights["in"] + weights["bias"])
    return hidden.mean(axis=0) @ weights["out"]


def weights():
    draw = np.random.default_rng(1).normal
    arrays = {"in": draw(size=(FRAME, 32)) / 16, "bias": draw(size=32), "out": draw(size=(32, 3))}
    return jax.tree.map(lambda a: jnp.asarray(a, jnp.float32), arrays)


def whole(weights, x):
    return back(weights, each_frame_divided(x))


BACK, WHOLE = Partial(back, weights()), Partial(whole, weights())
CREPE_LIKE = ax.Classifier(WHOLE, samples(RATE), ("a", "b", "c"))


def explained(method, model, x, target):
    return ax.attribute(method, model, x, target, key=KEY)


def test_a_model_that_divides_each_frame_by_its_deviation_ignores_level():
    found = assess(CREPE_LIKE, clip())
    assert found.ignores_level and found.nan_at_baseline is None
    assert "The model ignores level" in found.lines()[0] and len(found.lines()) == 2
    assert str(found.nan_gradient).startswith("at the baseline")  # of the deviation of silence
    np.testing.assert_allclose(found.outputs[0], WHOLE(clip()), rtol=1e-5)
    np.testing.assert_allclose(found.outputs[1:4], np.tile(found.outputs[0], (3, 1)), rtol=1e-4)
    np.testing.assert_allclose(found.outputs[4], WHOLE(jnp.zeros(4 * FRAME)), rtol=1e-5)


def test_what_is_refused_of_it_would_be_wrong_and_behind_the_normalisation_it_is_right():
    """The sum from silence is 0 whatever the clip; DeepLIFT's is anything."""
    x, target = clip(), int(jnp.argmax(WHOLE(clip())))
    change = float((WHOLE(x) - WHOLE(jnp.zeros_like(x)))[target])
    path = explained(ax.integrated_gradients(), WHOLE, x, target)
    assert abs(float(path.relevance.sum())) < 1e-3 * abs(change)
    assert float(path.info["completeness_gap"]) > 0.99
    assert float(explained(ax.deep_lift(), WHOLE, x, target).info["completeness_gap"]) > 1
    behind = ax.Classifier(BACK, normalised(RATE, each_frame_divided))
    np.testing.assert_allclose(behind.model(behind.reads.analyse(x)), WHOLE(x), rtol=1e-5)
    found = assess(behind, x)
    assert not found.ignores_level and np.isnan(found.gap) and found.lines() == ()
    assert found.refusal("integrated_gradients") is None and found.refusal("deep_lift") is None
    features = behind.reads.analyse(x)
    for method in (ax.integrated_gradients(steps=200), ax.deep_lift()):
        assert explained(method, BACK, features, target).info["completeness_gap"] < 1e-3


@pytest.mark.parametrize("name", ax.METHODS)
def test_what_goes_along_the_way_is_refused_and_nothing_else(name):
    found, promised = assess(CREPE_LIKE, clip()), promise(ax.METHODS[name]())
    told = found.refusal(name)
    along = promised is not None and promised.completeness in ("path", "reference")
    assert (told is not None) == along
    if told:
        assert "\n" not in told and "lrp" in told and "domains.normalised" in told


def test_a_comparison_with_silence_is_refused_if_its_sum_is_off():
    """DeepLIFT passes a range without trouble: what comes of a silent clip is -1, not 0 / 0."""
    peaks = assess(Partial(within, weights()), clip())
    assert peaks.ignores_level and peaks.gap < 0.5 and peaks.refusal("deep_lift") is None
    assert peaks.refusal("integrated_gradients") is not None
    deviations = assess(CREPE_LIKE, clip())
    assert deviations.gap > 10 and "DeepLIFT's sum is" in str(deviations.refusal("deep_lift"))


def within(weights, x):
    return back(weights, within_its_range(x))


def test_the_methods_baseline_counts():
    """From noise the way is not one of level."""
    noise = 0.1 * jax.random.normal(KEY, (4 * FRAME,))
    method = ax.rectify(ax.integrated_gradients(baseline=noise))
    from_noise, from_silence = assess(WHOLE, clip(), baseline=noise), assess(WHOLE, clip())
    assert not from_noise.ignores_level and from_noise.refusal(method) is None
    with pytest.raises(ValueError, match="another baseline than the one that was assessed"):
        from_silence.refusal(method)
    constant = assess(WHOLE, clip(), baseline=0.25)
    assert constant.ignores_level and "all the way from the baseline" in str(
        constant.refusal(ax.integrated_gradients(baseline=0.25))
    )
    with pytest.raises(ValueError, match="no method 'magic': there are absolute"):
        from_silence.refusal("magic")


def test_levels_that_count_and_a_clip_that_is_the_baseline_are_not_told():
    loudness = lambda x: jnp.log1p(jnp.sum(x**2))[None]
    assert assess(loudness, clip()).lines() == ()
    assert not assess(CREPE_LIKE, jnp.zeros(4 * FRAME)).ignores_level


def by_norm(x):
    return x[:3] / jnp.sqrt(jnp.sum(x**2))


def test_nan_at_the_baseline_is_told_and_refuses_all_that_count_from_there():
    found = assess(by_norm, clip())
    assert str(found.nan_at_baseline).startswith("div at ") and found.ignores_level
    assert "test_assess.py" in str(found.nan_at_baseline)
    assert any("NaN or infinite at the baseline" in line for line in found.lines())
    for name in ("integrated_gradients", "deep_lift", "shapley_sampling", "kernel_shap"):
        assert "returns NaN or infinity at the baseline" in str(found.refusal(name))
    assert found.refusal("lrp") is None and found.refusal("occlusion") is None


@pytest.mark.parametrize("where, at", [("clip", jnp.zeros(8)), ("baseline", jnp.ones(8))])
def test_a_gradient_that_is_not_a_number_is_told(where, at):
    root = lambda x: jnp.sqrt(jnp.sum(x**2))[None]
    found = assess(root, at)
    assert str(found.nan_gradient).startswith(f"at the {where}, first made by sqrt at ")
    assert any(f"The gradient is NaN or infinite at the {where}" in line for line in found.lines())


ENDS = {
    "softmax": lambda z: jax.nn.softmax(z),
    "log-softmax": lambda z: jax.nn.log_softmax(z),
    "sigmoid": lambda z: jax.nn.sigmoid(z),
    None: lambda z: jnp.tanh(z),
}


@pytest.mark.parametrize("end", ENDS)
@pytest.mark.parametrize("mean", [False, True])
def test_how_a_model_ends(end, mean):
    matrix = jax.random.normal(KEY, (64, 3)) / 100
    each = lambda x: ENDS[end](x.reshape(-1, 64) @ matrix)
    found = assess((lambda x: each(x).mean(axis=0)) if mean else lambda x: each(x)[0], clip())
    assert found.ends_in == end
    told = [line for line in found.lines() if "probabilities" in line]
    assert len(told) == (end is not None) and all(f"ends in a {end}:" in line for line in told)


def test_a_value_that_ends_in_a_sigmoid_is_not_a_probability():
    """As a quality from 1 to 5."""
    quality = lambda x: 1 + 4 * jax.nn.sigmoid(jnp.mean(x, keepdims=True))
    told = [ax.Classifier(quality, samples(RATE), ("q",), outputs=o) for o in (None, "value")]
    assert [assess(one, clip()).ends_in for one in told] == ["sigmoid", None]


def test_parts_that_the_output_does_not_depend_on():
    """The first and the last quarter of a second; in time and frequency, the same frames."""
    x = clip(count=RATE)
    heard = lambda x: jnp.sum(jnp.tanh(x[RATE // 4 : 3 * RATE // 4]))[None]
    found = assess(ax.Classifier(heard, samples(RATE)), x)
    assert found.ignored == pytest.approx(0.5, abs=1e-3)
    assert found.spans == ((0.0, (RATE // 4 - 1) / RATE), (0.75, (RATE - 1) / RATE))
    (line,) = found.lines()
    assert line.endswith("silence to the clip: 0 to 0.2499 s, 0.75 to 0.9999 s.")
    assert line.startswith("The output has no slope along 50 % of the features on the way")
    cells = assess(ax.Classifier(heard, samples(RATE)), x, domain=time_frequency(RATE, hop=256))
    assert cells.unit == "s" and len(cells.spans) == 2 and 0.4 < cells.ignored < 0.5
    constant = assess(lambda x: 0 * x[:2] + 1, x)
    assert constant.ignored == 1 and constant.lines()[-1].startswith("The output does not depend")
    rounded = assess(lambda x: jnp.round(10 * x[:2]), x)
    assert rounded.ignored == 1 and rounded.lines()[-1].startswith("No gradient flows")


def test_where_the_clip_is_silent_that_is_told():
    """The power of a silent stretch has no slope, although the model hears it."""
    power = lambda x: jnp.log1p(jnp.sum(x**2))[None]
    heard, half = clip(), clip().at[FRAME:].set(0)
    found = assess(power, half)
    assert found.ignored == pytest.approx(0.75) and found.silent == 1
    (line,) = found.lines()
    assert line.endswith(f"to the clip: {FRAME} to {4 * FRAME - 1}. The clip is silent there.")
    assert float(power(heard)[0]) != float(power(half)[0])
    deaf = assess(lambda x: power(x[: 2 * FRAME]), half.at[3 * FRAME :].set(0.1))
    assert deaf.lines()[0].endswith("The clip is silent in 67 % of them.")
    assert assess(power, jnp.zeros(8)).lines() == (
        "The output has no slope at this clip, which is silent.",
    )


def frames_by_root(x):
    return jnp.sqrt(jnp.sum(x.reshape(-1, FRAME) ** 2, axis=1))[:3]


@pytest.mark.parametrize("name", ax.METHODS)
def test_of_a_gradient_that_is_not_a_number_exactly_the_methods_that_fail_are_refused(name):
    """The second half of the clip is silent, and the root of its power has an infinite slope."""
    x, method = clip().at[2 * FRAME :].set(0), ax.METHODS[name]()
    found = assess(frames_by_root, x)
    told, lines = found.refusal(method), found.lines(method)
    assert told == found.refusal(name) and lines == found.lines(name)
    if name == "grad_cam":  # no convolution
        assert told is None
        return
    failed = not np.isfinite(explained(method, frames_by_root, x, 1).relevance).all()
    assert (told is not None) == failed
    if failed:
        assert "\n" not in told and "lrp" in told and "safe_gradients" in told
        assert "at the clip, first made by sqrt at " in told
    noted = any("gradient is NaN" in line for line in lines)
    assert noted == (failed or name in ("smoothgrad", "squaregrad", "vargrad", "gradient_shap"))
    assert any("gradient is NaN" in line for line in found.lines())


def test_a_path_of_numbers_to_a_clip_without_one_is_not_refused():
    """The nodes of Gauss and Legendre leave out the ends."""
    model = lambda x: jnp.sqrt(1 - x[:1])
    found = assess(model, jnp.ones(2))
    assert found.refusal("saliency") is not None and not found.nan_on_the_way
    assert found.refusal("integrated_gradients") is None
    safe = assess(ax.models.safe_gradients(model), jnp.ones(2))
    assert safe.refusal("saliency") is None


def test_a_saturated_output_is_told():
    steep = lambda x: jax.nn.sigmoid(30 * x[:1] + 0.01)
    found = assess(steep, jnp.ones(4))
    assert found.saturated and any("saturated" in line for line in found.lines())
    assert not assess(lambda x: 30 * x[:1], jnp.ones(4)).saturated


def test_one_program_serves_models_of_one_kind_and_they_are_traced_for_their_end_alone():
    traces = []

    def counted(weights, x):
        traces.append(1)
        return back(weights, x)

    model = Partial(functools.partial(counted), weights())
    first = assess(model, clip(), target=1)
    once = len(traces)
    changed = jax.tree.map(lambda leaf: 2 * leaf, model)
    assert assess(changed, clip(1), target=2).target == 2 and first.target == 1
    assert len(traces) == once + 1


@pytest.mark.parametrize(
    "call, said",
    [
        (lambda: assess(WHOLE, clip(), domain=samples(RATE)), "a function has no domain"),
        (lambda: assess(CREPE_LIKE, clip(), target="z"), "'z' is not a class"),
        (lambda: assess(CREPE_LIKE, clip(), residual="all"), "residual must be None or 'keep'"),
        (lambda: assess(CREPE_LIKE, jnp.ones((2, 8))), "must be one mono waveform"),
        (lambda: assess(lambda x: x.sum(), clip()), "a single number is logits"),
        (lambda: assess(WHOLE, clip(), baseline=jnp.zeros(7)), "does not fit the input"),
    ],
)
def test_what_does_not_fit_is_refused_in_one_line(call, said):
    with pytest.raises(ValueError, match=said) as refusal:
        call()
    assert "\n" not in str(refusal.value)

"""Options as text, by the signature of a factory; what is listed is what is read."""

import inspect
import shlex
from collections.abc import Sequence

import jax
import pytest

from audioxai_jax import METHODS, Classifier, integrated_gradients
from audioxai_jax.cli.lists import option_lines
from audioxai_jax.cli.methods import default_method, named_method
from audioxai_jax.cli.settings import SettingError, format_value, parse_settings
from audioxai_jax.domains import samples
from tests.helpers.refusals import refusal


def factory(*, steps: int = 64, scale: float = 1.0, name: str = "x", fast: bool = False, w=None):
    return steps, scale, name, fast, w


def test_options_have_the_types_of_the_signature():
    texts = ["steps=8", "scale=2", "name=3", "fast=yes", "w=(1, 2)"]
    options = parse_settings(factory, texts, name="it")
    assert options == {"steps": 8, "scale": 2.0, "name": "3", "fast": True, "w": (1, 2)}
    assert isinstance(options["scale"], float)
    assert parse_settings(factory, [], name="it")["steps"] == 64
    known = parse_settings(integrated_gradients, ["baseline=0.5"], name="it")
    assert known == {"steps": 64, "baseline": 0.5, "rule": "gauss_legendre", "chunk": 64}


@pytest.mark.parametrize(
    "texts, said",
    [
        (["step=8"], "it has no option 'step': its options are steps, scale, name, fast, w"),
        (["steps"], "write it as option=value"),
        (["steps=x"], "--set steps=x: expected a whole number"),
        (["steps=2.5"], "expected a whole number"),
        (["scale=x"], "expected a number"),
        (["fast=maybe"], "expected true or false"),
        (["w=(1"], "expected a Python literal"),
        (["steps=1", "steps=2"], "--set steps is given twice"),
    ],
)
def test_wrong_options_are_explained(texts, said):
    assert said in refusal(SettingError, lambda: parse_settings(factory, texts, name="it"))


def test_a_required_option_is_asked_for():
    needy = lambda steps: steps
    assert "add --set steps=VALUE" in refusal(
        SettingError, lambda: parse_settings(needy, [], name="it")
    )


def test_listed_options_can_be_pasted_into_a_shell():
    def odd(*, window=("hann", 512), name="a b", money='"$HOME"', steps=8):
        return window, name, money, steps

    (line,) = option_lines(odd, "--set", width=0)
    assert line.split(" --set ")[1] == "\"window=('hann', 512)\""
    words = shlex.split(line)
    assert words[::2] == ["--set"] * 4
    assert odd(**parse_settings(odd, words[1::2], name="it")) == odd()


@pytest.mark.parametrize("name", METHODS)
def test_the_defaults_that_are_listed_make_the_default_method(name):
    defaults = {n: p.default for n, p in inspect.signature(METHODS[name]).parameters.items()}
    texts = {option: format_value(value) for option, value in defaults.items()}
    listed = [f"{option}={text}" for option, text in texts.items() if text is not None]
    method, _ = named_method(name, listed)
    assert jax.tree.structure(method) == jax.tree.structure(METHODS[name]())
    assert jax.tree.leaves(method) == jax.tree.leaves(METHODS[name]())


def bridged(
    *, output: str | None = None, labels: Sequence[str] | None = None, rate: int | None = None
):
    return output, labels, rate


@pytest.mark.parametrize(
    "given, wanted",
    [
        (["output=logits", "labels=yes, no"], {"output": "logits", "labels": ("yes", "no")}),
        (
            ["output='logits'", "labels=('yes', 'no')"],
            {"output": "logits", "labels": ("yes", "no")},
        ),
        (
            ["output=7", "labels=1,2", "rate=8000"],
            {"output": "7", "labels": ("1", "2"), "rate": 8000},
        ),
        (["output=None", "labels=None", "rate=None"], {}),
    ],
)
def test_words_need_no_quotes(given, wanted):
    nothing = {"output": None, "labels": None, "rate": None}
    assert parse_settings(bridged, given, name="bridged") == nothing | wanted


def test_a_number_is_still_a_number():
    with pytest.raises(SettingError, match="rate=16k: expected a whole number"):
        parse_settings(bridged, ["rate=16k"], name="bridged")


def test_the_default_method_is_that_of_the_network():
    def named(network, settings=()):
        manifest = None if network is None else {"network": network}
        made = Classifier(lambda x: x, reads=samples(8000), manifest=manifest)
        return default_method(made, settings)

    assert named("transformer") == ("lrp", ("composite=latent_transformer",))
    assert named("transformer", ("composite=attn_lrp",)) == ("lrp", ("composite=attn_lrp",))
    assert named("cnn", ("steps=3",)) == ("integrated_gradients", ("steps=3",))
    assert named(None) == ("integrated_gradients", ())

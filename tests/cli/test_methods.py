"""Methods by name, and methods inside methods, as the command line takes them."""

import jax
import jax.numpy as jnp
import pytest

from audioxai_jax import integrated_gradients, over_baselines, propagation, saliency, smoothgrad
from audioxai_jax.cli.methods import named_method
from audioxai_jax.cli.settings import SettingError
from tests.helpers.refusals import refusal


def test_a_name_and_its_options():
    method, options = named_method("integrated_gradients", ["steps=7", "rule=midpoint"])
    assert method == integrated_gradients(steps=7, rule="midpoint")
    assert options == {"steps": 7, "baseline": 0.0, "rule": "midpoint", "chunk": 64}


def test_methods_inside_methods():
    method, options = named_method(
        "smoothgrad", ["samples=4", "method=lrp", "method.composite=epsilon_plus_flat"]
    )
    assert jax.tree.structure(method) == jax.tree.structure(
        smoothgrad(propagation.lrp("epsilon_plus_flat"), samples=4)
    )
    assert options["method"] == {"name": "lrp", "options": {"composite": "epsilon_plus_flat"}}
    nested, _ = named_method("rectify", ["method=smoothgrad", "method.method=saliency"])
    assert jax.tree.structure(nested.method) == jax.tree.structure(smoothgrad(saliency()))
    assert named_method("over_baselines")[0] == over_baselines()


def test_a_method_of_ones_own_inside(tmp_path):
    file = tmp_path / "mine.py"
    file.write_text(
        "from audioxai_jax import integrated_gradients\n"
        "def build(steps=3):\n    return integrated_gradients(steps=steps)\n"
    )
    method, options = named_method("smoothgrad", [f"method={file}:build", "method.steps=5"])
    assert method.method == integrated_gradients(steps=5)
    assert options["method"]["options"] == {"steps": 5}
    model, x = lambda x: jnp.sum(x**2)[None], jnp.ones(3)
    assert method(model, x, 0, key=jax.random.key(0)).relevance.shape == (3,)


@pytest.mark.parametrize(
    "name, settings, told",
    [
        ("saliencyy", [], "unknown method 'saliencyy': known are absolute"),
        (
            "saliency",
            ["method=lrp"],
            "saliency has no option 'method': it does not combine methods",
        ),
        ("smoothgrad", ["method=lpr"], "unknown method 'lpr'"),
        ("smoothgrad", ["method.steps=3"], "say which method by --set method=NAME"),
        ("smoothgrad", ["method=lrp", "method=saliency"], "--set method is given twice"),
        ("smoothgrad", ["method=lrp", "method.steps=3"], "lrp has no option 'steps'"),
        ("rise", ["samples=many"], "--set samples=many: expected a whole number"),
    ],
)
def test_what_does_not_exist_is_told(name, settings, told):
    assert told in refusal(SettingError, named_method, name, settings)

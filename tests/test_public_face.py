"""What `import audioxai_jax` offers: exactly what is meant to be used, all of it documented."""

import inspect
import subprocess
import sys
import types
from importlib.metadata import version

import pytest

import audioxai_jax as ax
from audioxai_jax import attribution
from audioxai_jax.propagation import RULES

NAMESPACES = {"bases", "domains", "masks", "metrics", "models", "propagation", "streaming"}
NEEDED = {"neighbour": (1.0,), "z_box": (-1.0, 1.0)}
"""Arguments of factories that have no default for them."""


def test_the_listed_names_are_those_that_are_there():
    assert dir(ax) == sorted(ax.__all__) and len(set(ax.__all__)) == len(ax.__all__)
    assert all(getattr(ax, name) is not None for name in ax.__all__)
    with pytest.raises(AttributeError, match="has no attribute 'no_such_name'"):
        _ = ax.no_such_name


def test_modules_among_them_are_the_namespaces():
    modules = {name for name in dir(ax) if isinstance(getattr(ax, name), types.ModuleType)}
    assert modules == NAMESPACES


def test_what_is_a_row_of_a_table_is_exported():
    assert set(ax.METHODS) <= set(ax.__all__) and set(ax.METHODS) <= set(attribution.__all__)
    tables = {ax.metrics: ax.metrics.METRICS, ax.domains: ax.domains.DOMAINS}
    for namespace, table in tables.items():
        assert set(table) <= set(namespace.__all__)
        assert all(callable(getattr(namespace, name)) for name in table)
    assert all(getattr(ax.propagation.rules, name) is RULES[name] for name in RULES)
    assert all(getattr(ax.bases, name) is base for name, base in ax.bases.BASES.items())


def test_words_that_mean_much_are_in_namespaces_alone():
    words = {"mean", "noise", "mix", "zero", "silence", "neighbour", "top_fraction", "probability"}
    assert not words & set(dir(ax))
    assert callable(ax.bases.noise) and callable(ax.masks.top_fraction)
    assert callable(ax.lrp("epsilon_plus"))


def test_the_version_is_that_of_the_package():
    assert ax.__version__ == version("audioxai_jax")


def test_what_is_heavy_waits_until_it_is_used():
    heavy = ["flax", "soundfile", "matplotlib"]
    code = (
        "import sys, audioxai_jax as ax; "
        f"before = [name for name in {heavy} if name in sys.modules]; "
        "ax.read_clip; ax.load_codec; "
        f"print(before, [name for name in {heavy} if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[] ['flax', 'soundfile']"


@pytest.mark.parametrize("name", [*ax.METHODS, *RULES])
def test_the_record_behind_a_factory_says_which_it_is(name):
    factory = {**RULES, **ax.METHODS}[name]
    required = [
        parameter
        for parameter in inspect.signature(factory).parameters.values()
        if parameter.default is parameter.empty
    ]
    given = NEEDED.get(name, (ax.saliency(),)) if required else ()
    documented = inspect.getdoc(type(factory(*given)))
    assert documented and documented.startswith("See `")

"""Optional packages: one line says what to install, wherever one is missing."""

import importlib
import re
import subprocess
import sys
import tomllib

import pytest

from audioxai_jax.core.extras import EXTRAS, MissingExtra, extra_of, needed_by
from tests.helpers.refusals import refusal

USERS = {
    "audioxai_jax.training.loop": "orbax",
    "audioxai_jax.training.optimisers": "optax",
    "audioxai_jax.data.pipelines": "grain",
    "audioxai_jax.data.builders.recordings": "tensorflow_datasets",
}
DISTRIBUTIONS = {"orbax": "orbax-checkpoint"}


def import_of(module):
    with needed_by("the test"):
        importlib.import_module(module)


def test_a_missing_package_is_said_in_one_line(monkeypatch):
    monkeypatch.setitem(sys.modules, "optax", None)
    message = refusal(MissingExtra, import_of, "optax")
    assert message == "the test needs optax: pip install 'audioxai_jax[train]'"


def test_other_failures_of_an_import_pass_as_they_are():
    with pytest.raises(ModuleNotFoundError, match="no_such_package") as caught:
        import_of("no_such_package")
    assert not isinstance(caught.value, MissingExtra)


def test_each_extra_is_one_of_the_installation(repo):
    """The modules of EXTRAS are the distributions that pyproject.toml lists, by their names."""
    tables = tomllib.loads((repo / "pyproject.toml").read_text())["project"]
    for extra, modules in EXTRAS.items():
        wanted = {DISTRIBUTIONS.get(name, name.replace("_", "-")) for name in modules}
        listed = {re.split("[<>=\\[]", line)[0] for line in tables["optional-dependencies"][extra]}
        assert listed == wanted, extra
    core = {re.split("[<>=]", line)[0] for line in tables["dependencies"]}
    assert not core & {DISTRIBUTIONS.get(m, m) for modules in EXTRAS.values() for m in modules}


def test_parts_that_need_an_extra_name_it():
    """In one process where all of them are hidden."""
    code = f"""
import sys
hidden = {[name for modules in EXTRAS.values() for name in modules]!r}
sys.modules.update(dict.fromkeys(hidden))
import audioxai_jax.cli, audioxai_jax.data.audio, importlib
for name in {list(USERS)!r}:
    try:
        importlib.import_module(name)
    except ImportError as error:
        print(error)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    lines = done.stdout.splitlines()
    for line, module in zip(lines, USERS.values(), strict=True):
        assert line.endswith(f"needs {module}: pip install 'audioxai_jax[{extra_of(module)}]'")

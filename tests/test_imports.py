"""The import direction: a pure core, networks on it, everything else above.

Each part of the package is listed with what it may import of the others, and each layer
with the foreign packages that it may know. A new part has to be listed here.
"""

import ast
import functools
import importlib.util
import subprocess
import sys
import types
from pathlib import Path

import pytest

REPO = Path(__file__).resolve().parents[1]
PACKAGE = REPO / "audioxai_jax"

PURE = {
    "core": "",
    "types": "core",
    "tracing": "core types",
    "transforms": "core",
    "domains": "core types transforms",
    "models": "core types tracing",
    "engine": "core types",
    "propagation": "core types tracing",
    "dft_lrp": "core types transforms",
    "attribution": "core types tracing engine propagation domains models",
    "synthesis": "core types transforms domains perturbation",
    "perturbation": "core types engine domains attribution transforms",
    "manipulation": "core transforms",
    "statistics": "core",
    "metrics": "core types tracing transforms attribution domains synthesis perturbation",
    "explanation": "core types tracing propagation domains models attribution synthesis "
    "perturbation",
}
"""Parts that import jax, the standard library and numpy for constants, and these others."""
EDGES = {
    "bridges": "core types tracing transforms domains models weights",
    "subjects": "core types transforms domains models bridges",
    "nets": "core types transforms models domains",
    "weights": "core types models nets domains",
    "streaming": "core types models nets",
    "data": "core",
    "training": "core types transforms perturbation data nets weights",
    "truth": "core types transforms domains models propagation attribution synthesis perturbation "
    "manipulation metrics explanation data nets weights training",
    "results": "core",
    "runs": "core types results transforms domains attribution synthesis perturbation statistics "
    "explanation data",
    "report": "core results",
    "cli": "*",
    "__init__": "*",
}
FOLDERS = ("scripts", "experiments", "benchmarks", "tools")
"""Of programs that are run from a checkout."""
PARTS = PURE | EDGES
FOREIGN = {**{part: {"jax", "numpy"} for part in PURE}, "__init__": set()}
FOREIGN["nets"] = {"jax", "numpy", "flax"}
FOREIGN |= {"results": {"numpy"}, "report": {"numpy", "matplotlib"}}


@functools.cache
def parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def part_of(path: Path) -> str:
    return part_at(path.relative_to(PACKAGE).with_suffix("").parts)


def part_at(names: tuple[str, ...]) -> str:
    """The part of a module; those that know other people's models are parts by themselves."""
    apart = names[0] == "models" and names[1:2] in (("bridges",), ("subjects",))
    return names[1] if apart else names[0]


def imports(path: Path):
    """(line, module) of all imports, those inside functions and of names included."""
    for node in ast.walk(parsed(path)):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}:{node.lineno}: write the package's name in full"
            module = str(node.module)
            if module == "audioxai_jax":
                yield from ((node.lineno, f"{module}.{alias.name}") for alias in node.names)
            else:
                yield node.lineno, module


def library_files():
    return sorted(PACKAGE.rglob("*.py"))


def test_each_part_imports_only_what_lies_below():
    wrong = []
    for path in library_files():
        part = part_of(path)
        for line, module in imports(path):
            first, _, rest = module.partition(".")
            if first == "audioxai_jax":
                other = part_at(tuple(rest.split("."))) or "__init__"
                allowed = PARTS[part].split()
                if other != part and other not in allowed and allowed != ["*"]:
                    wrong.append(f"{path.relative_to(REPO)}:{line}: {part} imports {other}")
            elif first not in sys.stdlib_module_names and first not in FOREIGN.get(part, {first}):
                wrong.append(f"{path.relative_to(REPO)}:{line}: {part} imports {first}")
    assert not wrong, "\n".join(wrong)


def test_flax_stays_at_home():
    users = {part_of(p) for p in library_files() for _, m in imports(p) if m.startswith("flax")}
    assert users == {"nets"}


def test_every_part_is_listed_and_exists():
    assert {part_of(path) for path in library_files()} == set(PARTS)


def test_jax_internals_are_left_alone():
    """`jax.extend` may change under us: two modules look inside jaxprs."""
    for path in library_files():
        used = [m for _, m in imports(path) if m.startswith(("jax.extend", "jax._src"))]
        allowed = path.name in ("affine.py", "build.py")
        assert set(used) == ({"jax.extend"} if allowed else set()), path


def test_programs_of_the_core_are_kept_in_bounds():
    """Elsewhere `jax.jit` is of a study's own few shapes; `cost` and `records` keep no program."""
    for path in library_files():
        part = part_of(path)
        if part in PURE and path.stem not in ("programs", "cost", "records"):
            names = [n for n in ast.walk(parsed(path)) if isinstance(n, ast.Attribute)]
            assert "jit" not in [n.attr for n in names], f"{path}: use programs.compiled"


def calls(path: Path) -> list[tuple[str, ast.Call]]:
    """All calls, by the last part of the function's name, such as "save" of `np.save(..)`."""
    found = [node for node in ast.walk(parsed(path)) if isinstance(node, ast.Call)]
    return [(getattr(n.func, "attr", getattr(n.func, "id", "")), n) for n in found]


def every_file():
    return [*library_files(), *programs()]


def programs():
    """What is run from a checkout."""
    return sorted(path for folder in FOLDERS for path in REPO.glob(f"{folder}/**/*.py"))


def test_all_that_is_printed_is_made_printable():
    """Through `console.say`; titles of progress bars by themselves."""
    for path in every_file():
        for name, call in calls(path):
            place = f"{path.name}:{call.lineno}"
            assert name != "print" or path.name == "console.py", f"{place}: use console.say"
            assert name != "ArgumentParser", f"{place}: use console.Parser"
            if name == "tqdm" and len(call.args) > 1:
                title = call.args[1]
                made = isinstance(title, ast.Call) and ast.unparse(title.func) == "printable"
                assert made or isinstance(title, ast.Constant), f"{place}: make it printable"


def test_all_files_are_written_in_one_way():
    """By `files.replace_file` and `files.writing`, which leave pipes and links in place."""
    opened = ("stream", "buffer")
    for path in every_file():
        if path.name == "files.py":
            continue
        for name, call in calls(path):
            words, place = [ast.unparse(arg) for arg in call.args], f"{path.name}:{call.lineno}"
            assert name not in ("write_text", "write_bytes", "tofile"), place
            if name in ("savefig", "save", "savez", "savez_compressed", "dump", "write"):
                library = ast.unparse(call.func).partition(".")[0]
                if library in ("np", "figure", "soundfile", "json"):
                    assert words[0] in opened, place
            if name in ("open", "fdopen"):
                mode = [w for w in words if set(w) & set("wx") and len(w) < 6]
                assert not mode, f"{place}: opens a file to replace it"
            if name == "mkdir":
                assert path.name in ("folder.py", "explain.py") or ("data" in path.parts), (
                    f"{place}: use files.make_folder"
                )


LOCAL = ("audioxai_jax", "experiments", "tools")
TABLELESS = {
    "scripts/train_codec.py",
    "tools/convert_weights.py",
    "tools/readme_picture.py",
    "tools/verify/long_clip.py",
    "tools/verify/resume.py",
}


def test_every_script_ends_well_and_writes_the_rows_of_its_table():
    for path in programs():
        if "__main__" not in path.read_text(encoding="utf-8"):
            continue
        names = [name for name, _ in calls(path)]
        assert "run_main" in names, path.name
        rows = {"add_json_option", "write_rows"} <= set(names)
        file = path.relative_to(REPO).as_posix()
        assert rows != (file in TABLELESS), file


def test_scripts_use_names_that_exist():
    """Most scripts run for hours, and no other test runs them."""
    for path in programs():
        tree, known = parsed(path), {}
        for node in ast.walk(tree):
            if isinstance(node, ast.ImportFrom) and str(node.module).startswith(LOCAL):
                for alias in node.names:
                    place = f"{path.name}: {node.module}.{alias.name}"
                    known[alias.asname or alias.name] = existing(node.module, alias.name, place)
        for node in ast.walk(tree):
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
                module = known.get(node.value.id)
                if isinstance(module, types.ModuleType):
                    existing(module.__name__, node.attr, f"{path.name}:{node.lineno}")


def existing(module: str, name: str, place: str):
    """What `from module import name` gives; None if a package that it needs is not installed."""
    try:
        owner = importlib.import_module(module)
        package = hasattr(owner, "__path__")
        if package and not hasattr(owner, name) and importlib.util.find_spec(f"{module}.{name}"):
            return importlib.import_module(f"{module}.{name}")
    except ImportError as error:
        assert error.name and not error.name.startswith(LOCAL), place
        return None
    assert hasattr(owner, name), f"{place}: {module} has no {name}"
    return getattr(owner, name)


def test_only_the_tests_setup_looks_beside_the_checkout():
    beside = "../" + "shared"
    files = [*every_file(), *REPO.glob("tests/**/*.py")]
    files += [*REPO.glob("*.md"), *REPO.glob("checkpoints/*.md"), *REPO.glob("checkpoints/*.json")]
    files += [REPO / "pyproject.toml", *REPO.glob(".github/**/*.yml")]
    for path in files:
        text = path.read_text(encoding="utf-8")
        quoted = [f"{quote}shared{quote}" for quote in "\"'"]
        parents = "parent" in text and any(f"/ {name}" in text for name in quoted)
        knows = beside in text or parents
        assert knows == (path == REPO / "tests" / "conftest.py"), path


@pytest.mark.parametrize(
    "imported, kept_out",
    [
        (
            "audioxai_jax",
            "flax optax orbax librosa matplotlib soundfile grain onnx torch keras "
            "audioxai_jax.models.bridges",
        ),
        ("audioxai_jax.cli", "flax optax orbax librosa matplotlib soundfile"),
        ("audioxai_jax.weights.load", "optax orbax librosa matplotlib"),
    ],
)
def test_importing_is_cheap(imported, kept_out):
    code = f"import sys, {imported}; print([m for m in {kept_out.split()!r} if m in sys.modules])"
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"

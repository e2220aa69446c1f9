"""What is measured of one model: parity, size, compilation, and which methods explain it."""

import time
from collections.abc import Callable, Iterator
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from audioxai_jax import METHODS
from audioxai_jax.propagation import PRESETS, propagate
from experiments.bridges.models import TARGET, Brought, Row

DRAWS, STEPS = 4, 4
FEW: dict[str, dict[str, Any]] = {
    "adaptive_integrated_gradients": {"most": 7},
    "expected_gradients": {"samples": DRAWS},
    "gradient_shap": {"samples": DRAWS},
    "guided_integrated_gradients": {"steps": STEPS},
    "integrated_gradients": {"steps": STEPS},
    "kernel_shap": {"samples": 20},
    "lime": {"samples": 20},
    "rise": {"samples": 8},
    "shapley_sampling": {"permutations": 1},
    "smoothgrad": {"samples": DRAWS},
    "squaregrad": {"samples": DRAWS},
    "vargrad": {"samples": DRAWS},
}
"""Options with which a method is done sooner: whether it runs is asked, not what it says."""
COMBINATORS = ("absolute", "normalise", "over_baselines", "rectify", "sum_channels")
"""Methods that change another one, by default input x gradient: they run if it does."""


def measure(row: Row) -> dict[str, Any]:
    """Everything that the table says of one model."""
    facts: dict[str, Any] = {"model": row.name, "family": row.family}
    for dtype in row.precisions:
        with jax.enable_x64(dtype == "float64"):
            try:
                brought = row.bring(dtype)
            except Exception as error:  # what a bridge refuses belongs in the table
                return facts | {"converts": False, "reason": reason_of(error)}
            if dtype == row.precisions[0]:
                facts |= {"converts": True, **size_of(brought)}
                facts |= explained(brought)
            facts |= parity(brought, dtype)
    return facts


def size_of(brought: Brought) -> dict[str, Any]:
    """How large the model is as a program, and how long it takes to get one."""
    x, target = jnp.asarray(brought.x), target_of(brought)
    traced = jax.jit(jax.value_and_grad(score, 1), static_argnums=2)
    began = time.perf_counter()
    traced.lower(brought.model, x, target).compile()
    return {
        "input": list(x.shape),
        "parameters": brought.parameters,
        "convert_seconds": brought.seconds,
        "equations": equations(jax.make_jaxpr(brought.model)(x).jaxpr),
        "compile_seconds": time.perf_counter() - began,
    }


def parity(brought: Brought, dtype: str) -> dict[str, float]:
    """Differences from torch, relative to the largest value."""
    if brought.truth is None:
        return {}
    logits, gradient = brought.truth()
    x, target = jnp.asarray(brought.x), target_of(brought)
    found = jax.jit(lambda model, x: model(x))(brought.model, x)
    slope = jax.jit(jax.grad(score, 1), static_argnums=2)(brought.model, x, target)
    return {
        f"output_{dtype}": difference(found, logits),
        f"gradient_{dtype}": difference(slope, gradient.reshape(x.shape)),
    }


def score(model, x, target):
    return model(x)[target]


def target_of(brought: Brought) -> int:
    """The logit that is explained: number 2, or the last of fewer."""
    return min(TARGET, jax.eval_shape(brought.model, brought.x).shape[0] - 1)


def difference(ours: Any, theirs: np.ndarray) -> float:
    ours = np.asarray(ours)
    assert ours.dtype == theirs.dtype and ours.shape == theirs.shape
    return float(np.max(np.abs(ours - theirs)) / np.max(np.abs(theirs)))


def equations(jaxpr: Any) -> int:
    """All equations, those inside of others too, each once."""
    return sum(1 + sum(map(equations, inside(equation))) for equation in jaxpr.eqns)


def inside(equation: Any) -> Iterator[Any]:
    for value in jax.tree.leaves(list(equation.params.values()), is_leaf=is_jaxpr):
        if is_jaxpr(value):
            yield getattr(value, "jaxpr", value)


def is_jaxpr(value: Any) -> bool:
    return hasattr(value, "eqns") or hasattr(value, "jaxpr")


def explained(brought: Brought) -> dict[str, Any]:
    """Why each method and each LRP preset does not run ("" where it does), and LRP's ledgers."""
    x, target, key = jnp.asarray(brought.x), target_of(brought), jax.random.key(0)
    methods, presets, ledgers = {}, {}, {}
    for name in METHODS:
        if name not in (*COMBINATORS, "lrp"):
            method = METHODS[name](**FEW.get(name, {}))
            run = lambda: finite(method(brought.model, x, target, key=key).relevance)  # noqa: B023
            methods[name] = attempt(run)
    for name, preset in PRESETS.items():
        bounds = (float(x.min()), float(x.max())) if name == "epsilon_gamma_box" else ()
        composite = preset(*bounds)
        run = lambda: ledgers.update({name: account(composite, brought.model, x, target)})  # noqa: B023
        presets[name] = attempt(run)
    methods["lrp"] = presets["epsilon_plus"]
    methods |= {name: methods["input_x_gradient"] for name in COMBINATORS}
    return {"methods": methods, "presets": presets, "ledgers": ledgers}


def account(composite, model, x, target) -> dict[str, float]:
    """Where the logit went: sums over all operations, and what is missing in the worst one."""
    result = propagate(composite, model, x, target)
    finite(result.relevance)
    ledger, received = result.ledger, jnp.max(jnp.abs(result.ledger.received))
    return {
        "logit": float(result.logits[target]),
        "input": float(jnp.sum(result.relevance)),
        "bias": float(jnp.sum(ledger.bias)),
        "stabiliser": float(jnp.sum(ledger.stabiliser)),
        "missing": float(jnp.max(jnp.abs(ledger.missing)) / received),
    }


def attempt(run: Callable[[], Any]) -> str:
    """ "" if that runs, else the reason why not, one line."""
    try:
        run()
    except Exception as error:  # a refusal, whatever its kind
        return reason_of(error)
    return ""


def reason_of(error: Exception) -> str:
    line = str(error).strip().split("\n")[0]
    return f"{type(error).__name__}: {line}"[:300]


def finite(relevance: Any) -> None:
    if not bool(jnp.all(jnp.isfinite(relevance))):
        raise FloatingPointError("relevance is not finite")

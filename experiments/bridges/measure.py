"""What is measured of one model: parity, size, compilation, and which methods explain it."""

import functools
import time
from collections.abc import Callable, Iterator
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from audioxai_jax import METHODS
from audioxai_jax.propagation import PRESETS, propagate
from experiments.bridges.models import TARGET, Brought, Row

FEW: dict[str, dict[str, Any]] = {
    "integrated_gradients": {"steps": 4},
    "occlusion": {"chunk": 8},
    "rise": {"samples": 8},
}
"""Options with which a method is done sooner: whether it runs is asked, not what it says."""
COMBINATORS = ("absolute", "normalise", "over_baselines", "rectify", "sum_channels")
"""Methods that change another one, by default input x gradient: they run if it does."""
COMPUTED = ("deep_lift", "integrated_gradients", "occlusion", "attn_lrp", "epsilon_plus")
"""Methods and presets that are also computed, and must be finite.

All others are traced: that is where a method or a rule refuses a model, and it takes no compiler.
"""


def measure(row: Row) -> dict[str, Any]:
    """Everything that the table says of one model."""
    facts: dict[str, Any] = {"model": row.name, "family": row.family}
    for dtype in row.precisions:
        with jax.enable_x64(dtype == "float64"):
            try:
                brought = row.bring(dtype)
            except Exception as error:  # what a bridge refuses belongs in the table
                return facts | {"converts": False, "reason": reason_of(error)}
            found, seconds = compiled(brought)
            facts |= parity(brought, *found, dtype)
            if dtype == row.precisions[0]:
                facts |= {"converts": True, "compile_seconds": seconds, **size_of(brought)}
                facts |= explained(brought)
    return facts


def size_of(brought: Brought) -> dict[str, Any]:
    """How large the model is, as weights and as a program, and how long it took to bring over."""
    return {
        "input": list(brought.x.shape),
        "parameters": brought.parameters,
        "convert_seconds": brought.seconds,
        "equations": equations(jax.make_jaxpr(brought.model)(brought.x).jaxpr),
    }


def compiled(brought: Brought) -> tuple[tuple[Any, Any], float]:
    """Logits and the gradient of the target's, and seconds to trace and compile both."""
    x, target = jnp.asarray(brought.x), target_of(brought)

    def score(x, model):
        logits = model(x)
        return logits[target], logits

    both = jax.jit(jax.grad(score, has_aux=True))
    began = time.perf_counter()
    program = both.lower(x, brought.model).compile()
    seconds = time.perf_counter() - began
    slope, logits = program(x, brought.model)
    return (logits, slope), seconds


def parity(brought: Brought, logits: Any, slope: Any, dtype: str) -> dict[str, float]:
    """Differences from torch, relative to the largest value."""
    if brought.truth is None:
        return {}
    wanted, gradient = brought.truth()
    return {
        f"output_{dtype}": difference(logits, wanted),
        f"gradient_{dtype}": difference(slope, gradient.reshape(brought.x.shape)),
    }


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
    model, methods, presets = brought.model, {}, {}
    ledgers: dict[str, Any] = {}
    for name in METHODS:
        if name not in (*COMBINATORS, "lrp"):
            method = METHODS[name](**FEW.get(name, {}))
            methods[name] = attempt(
                name, functools.partial(relevance, method, target, key), x, model
            )
    for name, preset in PRESETS.items():
        bounds = (float(x.min()), float(x.max())) if name == "epsilon_gamma_box" else ()
        propagation = functools.partial(propagated, preset(*bounds), target)
        presets[name] = attempt(name, propagation, x, model, ledgers)
    methods["lrp"] = presets["epsilon_plus"]
    methods |= {name: methods["input_x_gradient"] for name in COMBINATORS}
    return {"methods": methods, "presets": presets, "ledgers": ledgers}


def relevance(method, target, key, x, model):
    return method(model, x, target, key=key).relevance, None


def propagated(composite, target, x, model):
    result = propagate(composite, model, x, target)
    return result.relevance, account(result, target)


def account(result, target) -> dict[str, Any]:
    """Where the logit went: sums over all operations, and what is missing in the worst one."""
    ledger, received = result.ledger, jnp.max(jnp.abs(result.ledger.received))
    return {
        "logit": result.logits[target],
        "input": jnp.sum(result.relevance),
        "bias": jnp.sum(ledger.bias),
        "stabiliser": jnp.sum(ledger.stabiliser),
        "missing": jnp.max(jnp.abs(ledger.missing)) / received,
    }


def attempt(name: str, run: Callable, x: Any, model: Any, ledgers: dict | None = None) -> str:
    """No text if that runs on the model, else the reason why not, one line.

    What is computed must be finite; its ledger, if it has one, is written down.
    """
    try:
        if name not in COMPUTED:
            jax.eval_shape(run, x, model)
            return ""
        found, ledger = jax.jit(run)(x, model)
        if ledgers is not None:
            ledgers[name] = {key: float(value) for key, value in ledger.items()}
        return "" if bool(jnp.all(jnp.isfinite(found))) else "relevance is not finite"
    except Exception as error:  # a refusal, whatever its kind
        return reason_of(error)


def reason_of(error: Exception) -> str:
    line = str(error).strip().split("\n")[0]
    return f"{type(error).__name__}: {line}"[:300]

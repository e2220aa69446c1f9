"""Layer-wise relevance propagation as a transformation of functions.

S. Bach et al., "On Pixel-Wise Explanations for Non-Linear Classifier Decisions by Layer-Wise
Relevance Propagation", PLOS ONE 2015. The model is written down as a graph of operations and
computed; then relevance, which starts as the target's logit, goes backwards through the
operations, each by the rule that a composite has for it. The result is an ordinary JAX
computation: it may be compiled, batched and differentiated.
"""

import dataclasses
from collections.abc import Iterable
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
from jax import Array

from audioxai_jax.core.checks import WrongType, as_array, kind
from audioxai_jax.core.contracts import check_model
from audioxai_jax.core.logits import as_targets
from audioxai_jax.core.programs import compiled
from audioxai_jax.core.records import as_model, record
from audioxai_jax.core.strictness import relaxed
from audioxai_jax.propagation import control_flow, errors, taps
from audioxai_jax.propagation.composites import Composite
from audioxai_jax.propagation.ledger import Ledger
from audioxai_jax.propagation.lowering.decisions import as_real
from audioxai_jax.propagation.lowering.lower import operations
from audioxai_jax.propagation.lowering.operations import Operation
from audioxai_jax.propagation.rules.base import Reference, Shares, for_inputs, takes_reference
from audioxai_jax.propagation.taps import Point
from audioxai_jax.tracing.gradient_flow import check_graph
from audioxai_jax.tracing.graph import Values, evaluate
from audioxai_jax.tracing.reading import DIFFERENCES, GRADIENT
from audioxai_jax.tracing.trace import trace
from audioxai_jax.types import Model, select


@record()
class Propagation:
    """What `propagate` returns.

    Attributes:
      relevance: of each input, shaped as the input.
      logits: of the model, `[K]`.
      ledger: what became of relevance in each operation.
      points: activation and relevance at the points that were asked for, by name.
    """

    relevance: Array
    logits: Array
    ledger: Ledger
    points: dict[str, Point]


@dataclasses.dataclass(frozen=True, eq=False)
class Step:
    """An operation, its rule, and the steps of each graph inside it."""

    operation: Operation
    rule: Any
    bodies: tuple[tuple["Step", ...], ...] = ()


@relaxed()
def propagate(
    composite: Composite,
    model: Model,
    x: Array,
    target: Array | int,
    *,
    at: Iterable[str] = (),
    reference: Array | None = None,
    seed: Array | float | None = None,
) -> Propagation:
    """Relevance of each input for the target's logit, and how it came about.

    Compiled as a whole on the first call for a model and shape; `step_by_step` is not.

    Args:
      composite: which rule each operation gets.
      model: one example to logits `[K]`, any JAX function.
      x: one example.
      target: index of the logit.
      at: names of points whose activation and relevance are wanted, see `taps.find`.
      reference: another input, for rules that compare with one (DeepLIFT). A value whose
        gradient the model stops, or that it rounds, then counts as what it is.
      seed: relevance of the target's logit; the logit itself if None.

    Raises:
      UncoveredOperation: if no rule covers an operation, before anything is computed.
      SoftmaxOutput: if the model ends in a softmax.
      NoGradient: if nothing differentiable leads from the input to the output.
      ValueError: if the model does not return logits, or the target is none of them.
    """
    if not isinstance(composite, Composite):
        raise WrongType(
            f"composite must be a Composite, got {kind(composite)}: see lrp.composite, lrp.PRESETS"
        )
    check_model(model, "the model")
    x, at = as_array(x, "the input"), (at,) if isinstance(at, str) else at
    target = as_targets(target, getattr(model, "labels", None))
    if not jnp.issubdtype(x.dtype, jnp.floating):
        raise WrongType(
            f"the input is {x.dtype}, expected floating point: whole numbers have no "
            "relevance. Convert the input, not inside the model"
        )
    found = _compiled(composite, as_model(model), x, target, reference, seed, at=tuple(at))
    select(found.logits, target)  # compiled, a target that is no class would pass unseen
    return found


def step_by_step(
    composite: Composite,
    model: Model,
    x: Array,
    target: Array | int,
    reference: Array | None = None,
    seed: Array | float | None = None,
    *,
    at: tuple[str, ...] = (),
) -> Propagation:
    """The same, operation by operation, as rules are debugged."""
    graph, leaves = trace(model, x, GRADIENT if reference is None else DIFFERENCES)
    check_graph(graph)
    found = operations(graph, fuse=composite.fuse)
    errors.check_output(graph, found)
    steps = plan(composite, found, graph)
    places = {name: taps.find(graph, found, name) for name in at}
    inputs = dict(zip(graph.inputs, [*leaves, x], strict=True))
    values = evaluate(graph.equations, {**graph.constants, **inputs})
    compared = None
    if reference is not None:
        inputs[graph.inputs[-1]] = reference
        compared = evaluate(graph.equations, {**graph.constants, **inputs})
    logits = values[graph.outputs[0]]
    logit = select(logits, target)
    start = logit if seed is None else jnp.asarray(seed, logits.dtype)
    wanted = jnp.where(jnp.arange(logits.shape[0]) == target, start, 0)
    relevance, rows = _hand_back(steps, values, {graph.outputs[0]: wanted}, compared)
    number = graph.inputs[-1]
    return Propagation(
        relevance=relevance.get(number, jnp.zeros_like(x)),
        logits=logits,
        ledger=Ledger(*rows.T, names=_names(steps)),
        points={
            name: Point(values[n], relevance.get(n, jnp.zeros_like(values[n])))
            for name, n in places.items()
        },
    )


_compiled = compiled(step_by_step, static_argnames="at")
"""One large program; the hundreds of small ones take far longer to compile."""


def plan(composite: Composite, found: Iterable[Operation], graph: Any) -> tuple[Step, ...]:
    """The rule for each operation.

    Raises:
      UncoveredOperation: if there is none for one of them.
    """
    steps = []
    for operation in found:
        if operation.bodies:
            inner = zip(operation.bodies, operation.equation.graphs, strict=True)
            bodies = tuple(plan(composite, body, graph) for body, graph in inner)
            steps.append(Step(operation, None, bodies))
            continue
        entry = composite.find(operation)
        if entry is None:
            raise errors.uncovered(composite, operation, graph)
        rule = entry[1]
        errors.check_kind(operation, rule)
        steps.append(Step(operation, for_inputs(rule, operation.nonnegative)))
    return tuple(steps)


def _names(steps: Iterable[Step], prefix: str = "") -> tuple[str, ...]:
    found: list[str] = []
    for step in steps:
        if step.bodies:
            for body in step.bodies:
                found += _names(body, f"{prefix}{step.operation.name}/")
        else:
            found.append(prefix + step.operation.label)
    return tuple(found)


def _hand_back(
    steps: tuple[Step, ...],
    values: Values,
    relevance: dict[int, Array],
    compared: Values | None,
) -> tuple[dict[int, Array], Array]:
    """Takes relevance from the outputs of a graph to all values before them.

    Returns:
      The relevance of each value, and per operation what went in, out, to the bias and to the
      stabiliser, `[operations, 4]`.
    """
    relevance = dict(relevance)
    rows: list[Array] = []
    for step in reversed(steps):
        given = [relevance.get(number) for number in step.operation.outputs]
        if all(r is None for r in given):
            rows.append(jnp.zeros((len(_names([step])), 4)))
            continue
        if step.bodies:
            found, ledger = _control(step, values, relevance, compared)
        else:
            pairs = zip(step.operation.outputs, given, strict=True)
            full = [jnp.zeros_like(as_real(values[n])) if r is None else r for n, r in pairs]
            found, ledger = _through(step, values, full, compared)
        for number, r in found:
            relevance[number] = relevance[number] + r if number in relevance else r
        rows.append(ledger)
    return relevance, jnp.concatenate([jnp.zeros((0, 4)), *reversed(rows)])


def _control(step: Step, values: Values, relevance: dict[int, Array], compared: Any) -> Any:
    equation = step.operation.equation
    backs = [partial(_hand_back, body) for body in step.bodies]
    if equation.name == "scan":
        found, ledger = control_flow.scan(equation, backs[0], values, relevance, compared)
    elif compared is not None:
        raise errors.no_reference(step.operation)
    else:
        found, ledger = control_flow.cond(equation, backs, values, relevance)
    return found.items(), ledger


def _through(step: Step, values: Values, given: list[Array], compared: Values | None) -> Any:
    """One operation: relevance of each of its inputs, and its row of the ledger."""
    operation = step.operation
    x, w, b, z, lin = _read(operation, values)
    options = {}
    if takes_reference(step.rule):
        if compared is None:
            raise errors.lacks_reference(operation, step.rule)
        x0, w0, _, z0, _ = _read(operation, compared)
        options = {"reference": Reference(x0, w0, z0)}
    shares = step.rule(lin, x, w, b, z, _one_or_all(given), **options)
    if not isinstance(shares, Shares):
        shares = Shares(shares)
    errors.check_shape(operation, step.rule, shares.relevance, x)
    relevance = jax.tree.map(lambda r, x: r.astype(x.dtype), shares.relevance, x)
    parts = relevance if isinstance(x, tuple) else (relevance,)
    total = lambda arrays: sum((jnp.sum(a) for a in arrays), jnp.zeros(()))
    row = jnp.stack([total(given), total(parts), shares.bias + 0.0, shares.stabiliser + 0.0])
    return zip(operation.inputs, parts, strict=True), row[None]


def _read(operation: Operation, values: Values) -> tuple[Any, Any, Any, Any, Any]:
    lin, w, b = operation.prepare(values)
    x = _one_or_all([as_real(values[number]) for number in operation.inputs])
    z = _one_or_all([as_real(values[number]) for number in operation.outputs])
    return x, w, b, z, lin


def _one_or_all(arrays: list[Array]) -> Any:
    return tuple(arrays) if len(arrays) > 1 else arrays[0]

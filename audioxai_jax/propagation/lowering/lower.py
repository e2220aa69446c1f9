"""Makes operations of the equations of a graph."""

import dataclasses
from collections.abc import Iterator
from typing import Any

import jax.numpy as jnp
from jax import Array

from audioxai_jax.propagation.lowering import annotate, decisions, exponentials, fold, regions
from audioxai_jax.propagation.lowering.complex_values import linear_part
from audioxai_jax.propagation.lowering.dataflow import CASTS, SHAPES, DataFlow
from audioxai_jax.propagation.lowering.norm_regions import normaliser
from audioxai_jax.propagation.lowering.operations import Operation, Prepared
from audioxai_jax.propagation.lowering.pooling import pooled
from audioxai_jax.propagation.lowering.regions import UNARY
from audioxai_jax.propagation.lowering.winners import winner
from audioxai_jax.tracing.build import derivative
from audioxai_jax.tracing.graph import Equation, Graph, Values, function
from audioxai_jax.tracing.reading import CALLS, CUSTOM, LINEAR
from audioxai_jax.tracing.trace import trace
from audioxai_jax.types import Model

ROUTES = (SHAPES | CASTS) - {"neg"} | frozenset(
    "slice dynamic_slice gather scatter dynamic_update_slice concatenate pad rev select_n "
    "optimization_barrier split stack unstack tile sharding_constraint device_put pvary".split()
)
FILLS = frozenset("concatenate pad select_n scatter scatter-add dynamic_update_slice".split())
LOOKED_UP = frozenset("gather dynamic_slice select_n scatter dynamic_update_slice".split())
SUMS = frozenset("reduce_sum cumsum reduce_window_sum scatter-add".split())
MAXIMA = frozenset(
    "reduce_max reduce_min reduce_window_max reduce_window_min max min sort top_k".split()
)
BINARY = frozenset("max min pow clamp div atan2".split())
"""Functions of single values, if all but one are constants."""
PRODUCTS = {"dot_general": "dense", "conv_general_dilated": "conv"}


def operations(graph: Graph, *, fuse: bool = True) -> tuple[Operation, ...]:
    """The operations on the way from a graph's inputs to its outputs.

    Args:
      fuse: whether softmax and normalisation are operations; else they are the quotients and
        products that they consist of.
    """
    return annotate.annotate(graph, _group(graph, fuse=fuse))


def every_operation(model: Model, x: Array) -> Iterator[Operation]:
    """The operations of a model, those inside of its loops and branches included."""
    pending = list(operations(trace(model, x)[0]))
    while pending:
        operation = pending.pop(0)
        yield operation
        pending += [inner for body in operation.bodies for inner in body]


def _group(graph: Graph, *, fuse: bool) -> list[Operation]:
    flow = DataFlow(graph)
    found: list[Operation] = []
    for equation in reversed(graph.equations):
        if not flow.taken(equation) and any(v in graph.depends for v in equation.outputs):
            operation = linear_part(flow, equation)
            if operation is None and (region := _region(flow, equation, fuse=fuse)) is not None:
                operation = _from_region(flow, region)
            if operation is not None:
                flow.take(operation.equations)
                found.append(operation)
    found += pooled(flow, found)
    for equation in graph.equations:
        if not flow.taken(equation) and any(v in graph.depends for v in equation.outputs):
            compared = _compared(flow, equation) if graph.compares else None
            found.append(compared or _single(flow, equation, fuse=fuse))
    found.sort(key=lambda operation: operation.outputs[0])
    return _reaching(found, graph.outputs)


def _reaching(found: list[Operation], outputs: tuple[int, ...]) -> list[Operation]:
    """Without what ends nowhere, such as the maximum that a softmax was computed with."""
    wanted, kept = set(outputs), []
    for operation in reversed(found):
        if not wanted.isdisjoint(operation.outputs):
            wanted.update(operation.inputs)
            kept.append(operation)
    return kept[::-1]


def _region(flow: DataFlow, equation: Equation, *, fuse: bool) -> regions.Region | None:
    region = regions.activation(flow, equation)
    if region is None and fuse:
        found = (regions.softmax, regions.logsumexp, normaliser)
        region = next(filter(None, (find(flow, equation) for find in found)), None)
    return region


def _from_region(flow: DataFlow, region: regions.Region) -> Operation:
    start, end, statistic = region.input, region.output, region.statistic
    shape = flow.graph.shapes[start]

    def prepare(values: Values) -> Prepared:
        if statistic is None:
            whole = function(region.equations, values, (start,), (end,))
            return (lambda x, w: whole(x)[0]), None, 0.0
        given = function(region.signal, values, (start, statistic), (end,))
        w = values[statistic]
        b = given(jnp.zeros(shape.shape, shape.dtype), w)[0]
        return (lambda x, w: given(x, w)[0] - b), w, b

    path = flow.path(region.equations)
    found = Operation(region.kind, region.name, (start,), (end,), prepare, region.equations, path)
    return dataclasses.replace(found, rectifies=region.name == "relu")


def _compared(flow: DataFlow, equation: Equation) -> Operation | None:
    """What is an operation of its own only where differences count."""
    finders = decisions.straight_through, decisions.decision, exponentials.exponentials
    found = next(filter(None, (find(flow, equation) for find in finders)), None)
    if found is None and equation.name in LOOKED_UP:
        if any(n in flow.graph.touched - flow.graph.depends for n in equation.inputs):
            return decisions.looked_up(flow, equation)
    return found


def _single(flow: DataFlow, equation: Equation, *, fuse: bool) -> Operation:
    """An equation, with what it takes up of those after it."""
    name, depends = equation.name, flow.graph.depends
    inputs = tuple(flow.dependent(equation))
    several = len(inputs) > 1
    if any(map(flow.is_complex, (*inputs, *equation.outputs))):
        return _plain(flow, equation, name)
    if name in CUSTOM:
        return _custom(flow, equation)
    if name in CALLS:  # a call that is left whole is linear
        return dataclasses.replace(_plain(flow, equation, "sum"), name=LINEAR, keeps_sign=False)
    if name in PRODUCTS and several:
        return _plain(flow, equation, "matmul")
    if name in PRODUCTS:
        (constant,) = (value for value in equation.inputs if value not in depends)
        known = flow.graph.paths.get(constant)  # nothing: made of numbers in the code
        return _product(flow, equation) if known else _plain(flow, equation, "sum")
    if name in ("scan", "cond"):
        bodies = tuple(tuple(_group(inner, fuse=fuse)) for inner in equation.graphs)
        return dataclasses.replace(_plain(flow, equation, name), bodies=bodies)
    if name in ("add", "add_any", "sub"):
        return _plain(flow, equation, "add") if several else _affine(flow, equation)
    if name == "mul" or (name == "div" and equation.inputs[0] in depends):
        return _plain(flow, equation, "product") if several else _affine(flow, equation)
    if name == "neg":
        return _affine(flow, equation)
    if name in SUMS:
        return _sum(flow, equation)
    if name in MAXIMA and (several or name not in ("max", "min")):
        return _plain(flow, equation, "max")
    if name in ROUTES:
        return _plain(flow, equation, "route")
    if name in UNARY or (name in BINARY and not several):
        return _activation(flow, equation)
    return _plain(flow, equation, name)


def _plain(flow: DataFlow, equation: Equation, kind: str) -> Operation:
    """The equation itself as a function of what depends on the input."""
    places = [i for i, v in enumerate(equation.inputs) if v in flow.graph.depends]
    outs = [i for i, v in enumerate(equation.outputs) if v in flow.graph.depends]
    best = winner(equation)
    steers = 1 if equation.name == "select_n" else 0
    fills = equation.name in FILLS and len(places) + steers < len(equation.inputs)

    def prepare(values: Values) -> Prepared:
        def whole(x: Any, w: Any) -> Any:
            operands = [values[number] for number in equation.inputs]
            for place, operand in zip(places, x if len(places) > 1 else (x,), strict=True):
                operands[place] = operand
            found = (best(*operands),) if best else equation(*operands)
            return tuple(found[i] for i in outs) if len(outs) > 1 else found[outs[0]]

        if not fills:
            return whole, None, 0.0
        zeros = [jnp.zeros_like(values[equation.inputs[i]]) for i in places]
        b = whole(tuple(zeros) if len(zeros) > 1 else zeros[0], None)
        return (lambda x, w: jnp.where(jnp.isfinite(b), whole(x, w) - b, 0)), None, b

    keeps = kind in ("sum", "max", "add", "route") and equation.name != "sub" and not fills
    return Operation(
        kind,
        equation.name,
        tuple(equation.inputs[i] for i in places),
        tuple(equation.outputs[i] for i in outs),
        prepare,
        (equation,),
        path=flow.path((equation,)),
        keeps_sign=keeps,
    )


def _custom(flow: DataFlow, equation: Equation) -> Operation:
    """A function that has a gradient by its own derivative only.

    It is an activation where that is a function of single values.
    """
    plain = _plain(flow, equation, "custom")
    told = equation.params.get("call_jaxpr", equation.params.get("fun_jaxpr"))
    name = told.jaxpr.debug_info.func_name if told is not None else equation.name
    kind = "custom"
    if len(plain.inputs) == len(plain.outputs) == 1:
        flags = [number in plain.inputs for number in equation.inputs]
        shapes = [flow.graph.shapes[number] for number in equation.inputs]
        if regions.of_single_values(derivative(equation, shapes, flags)):
            kind = "activation"
    return dataclasses.replace(plain, name=f"custom {name}", kind=kind)


def _activation(flow: DataFlow, equation: Equation) -> Operation:
    """A maximum with a constant has no gradient where the constant is reached."""
    (x,) = dict.fromkeys(flow.dependent(equation))
    constants = [v for v in equation.inputs if v != x]
    plain = _plain(flow, equation, "activation")
    if equation.name == "clamp" and flow.is_zero(equation.inputs[0]):
        return dataclasses.replace(plain, rectifies=True)
    if equation.name not in ("max", "min"):
        return plain
    rectifies = flow.is_zero(constants[0])
    beats = jnp.greater if equation.name == "max" else jnp.less

    def prepare(values: Values) -> Prepared:
        c = values[constants[0]]
        return (lambda x, w: jnp.where(beats(x, c), x, c)), None, 0.0

    name = "relu" if rectifies and equation.name == "max" else equation.name
    return dataclasses.replace(plain, prepare=prepare, name=name, rectifies=name == "relu")


def _product(flow: DataFlow, equation: Equation) -> Operation:
    """A convolution or matrix product with a constant, its bias and scales."""
    (x,) = flow.dependent(equation)
    left = equation.inputs[0] == x
    weight = equation.inputs[1 if left else 0]
    chain = fold.follow(flow, equation.outputs[0], fold.owners(flow, equation, left=left))
    flow.take((equation, *chain.equations))

    def lin(x: Any, w: Any) -> Any:
        return chain.move(*(equation(x, w) if left else equation(w, x)))

    def prepare(values: Values) -> Prepared:
        return lin, chain.weight(values, values[weight]), chain.bias(values)

    return Operation(
        PRODUCTS[equation.name],
        "",
        (x,),
        (chain.output,),
        prepare,
        (equation, *chain.equations),
        next(iter(flow.graph.paths.get(weight, ())), ""),
    )


def _affine(flow: DataFlow, equation: Equation) -> Operation:
    """Constant factors and shifts of single values, from this equation on."""
    (x,) = flow.dependent(equation)
    chain = fold.pointwise(flow, x, equation)
    flow.take(chain.equations)

    shape = flow.shape(chain.output)

    def prepare(values: Values) -> Prepared:
        lin = lambda x, w: jnp.broadcast_to(x * w, shape)
        return lin, chain.factor(values), chain.bias(values)

    kind = "affine" if chain.shifted else "scale"
    path = flow.path(chain.equations)
    return Operation(kind, "", (x,), (chain.output,), prepare, chain.equations, path)


def _sum(flow: DataFlow, equation: Equation) -> Operation:
    """A sum, and the factor that makes it a mean."""
    plain = _plain(flow, equation, "sum")
    if len(plain.inputs) > 1 or equation.name == "scatter-add":
        return plain
    rank = len(flow.shape(equation.outputs[0]))
    chain = fold.follow(flow, equation.outputs[0], [None] * rank)
    flow.take((equation, *chain.equations))

    def prepare(values: Values) -> Prepared:
        total, _, _ = plain.prepare(values)
        w = chain.weight(values, jnp.ones((), flow.graph.shapes[chain.output].dtype))
        return (lambda x, w: chain.move(total(x, None)) * w), w, chain.bias(values)

    return dataclasses.replace(
        plain,
        prepare=prepare,
        outputs=(chain.output,),
        equations=(equation, *chain.equations),
        keeps_sign=not chain.shifted and all(scale.positive(flow) for scale in chain.scales),
    )

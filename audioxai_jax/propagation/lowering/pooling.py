"""Softmax pooling, `(h * softmax(a)).sum(0)`: attention, written without a matrix product."""

from collections.abc import Iterable

from audioxai_jax.propagation.lowering.dataflow import DataFlow
from audioxai_jax.propagation.lowering.operations import Operation, Prepared
from audioxai_jax.propagation.lowering.regions import MASKED, source
from audioxai_jax.tracing.graph import Values, function


def pooled(flow: DataFlow, known: Iterable[Operation]) -> list[Operation]:
    """Sums of products with values of a softmax, masked or divided by their sum or not.

    Each is a product of matrices, of kind matmul; `annotate` tells attention from others.

    Args:
      known: operations that are found already, softmax among them.
    """
    before = {o.outputs[0]: o for o in known if o.kind in ("softmax", "normalise")}
    found = []
    for total in flow.graph.equations:
        product = flow.makers.get(total.inputs[0]) if total.name == "reduce_sum" else None
        if product is None or product.name != "mul" or flow.taken(product):
            continue
        inputs = tuple(dict.fromkeys(flow.dependent(product)))
        if len(inputs) != 2 or flow.only_consumer(product.outputs[0]) is not total:
            continue
        if sum(_weighs(flow, before, number) for number in inputs) == 1:
            equations = product, total
            flow.take(equations)
            found.append(_operation(equations, inputs))
    return found


def _weighs(flow: DataFlow, before: dict[int, Operation], number: int) -> bool:
    """Whether a value is one of a softmax."""
    operation = before.get(source(flow, number, MASKED))
    while operation is not None and operation.kind == "normalise":
        operation = before.get(source(flow, operation.inputs[0], MASKED))
    return operation is not None and operation.name == "softmax"


def _operation(equations: tuple, inputs: tuple[int, ...]) -> Operation:
    output = equations[-1].outputs[0]

    def prepare(values: Values) -> Prepared:
        whole = function(equations, values, inputs, (output,))
        return (lambda x, w: whole(*x)[0]), None, 0.0

    return Operation("matmul", "reduce_sum", inputs, (output,), prepare, equations)

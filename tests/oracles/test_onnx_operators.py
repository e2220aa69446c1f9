"""Every operator of the ONNX bridge beside onnxruntime, or ONNX's reference where that has none."""

import jax
import numpy as np
import pytest

from audioxai_jax.models.bridges.onnx import read_onnx
from audioxai_jax.models.bridges.onnx.operators import OPERATORS
from tests.helpers import onnx_case_table as one
from tests.helpers import onnx_case_table_2 as two
from tests.helpers import onnx_graphs as graphs
from tests.helpers.onnx_cases import build, data_of, oracle_outputs

pytest.importorskip("onnxruntime", reason="onnxruntime is not installed: the extra 'oracles'")

CASES = [
    *(*one.ELEMENTWISE, *one.SHAPES, *one.INDEXING, *one.REDUCTIONS, *one.LAYERS),
    *(*two.RESIZING, *two.SPECTRA, *two.ATTENTION, *two.RECURRENT, *two.QUANTISED, *two.MICROSOFT),
]


def compare(outputs, expected, tolerance):
    for ours, theirs in zip(outputs, expected, strict=True):
        theirs = np.asarray(theirs)
        assert ours.shape == theirs.shape
        scale = max(
            np.abs(theirs, dtype=np.float64).max(initial=0, where=np.isfinite(theirs)), 1e-3
        )
        ours = np.asarray(ours, np.float64)
        np.testing.assert_allclose(ours / scale, theirs / scale, rtol=0, atol=tolerance)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_an_operator_gives_the_numbers_of_its_runtime(case):
    model = build(case)
    expected = oracle_outputs(case, model)
    outputs = read_onnx(model)(*data_of(case).values())
    compare(outputs if isinstance(outputs, tuple) else (outputs,), expected, case.tolerance)


@pytest.mark.parametrize("name", graphs.GRAPHS)
def test_a_graph_gives_the_numbers_of_its_runtime(name):
    """Control flow, sequences, functions: what takes more than one node."""
    model, inputs = graphs.GRAPHS[name]()
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    session = onnxruntime.InferenceSession(model, options, ["CPUExecutionProvider"])
    expected = session.run(None, inputs)
    function = read_onnx(model)
    names = [port.name for port in function.inputs]
    outputs = jax.jit(lambda f, *x: f(*x))(function, *(inputs[n] for n in names))
    compare(outputs if isinstance(outputs, tuple) else (outputs,), expected, 2e-6)


def test_every_row_of_the_table_has_a_case():
    tried = {(case.domain, case.operator) for case in CASES}
    for make in graphs.GRAPHS.values():
        tried |= graphs.operators(make()[0])
    assert set(OPERATORS) - tried == set()

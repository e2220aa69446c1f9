"""The operators that are read, by their codes in TensorFlow Lite's schema (BuiltinOperator)."""

from audioxai_jax.models.bridges.tflite.operators import (
    elementwise,
    layers,
    reductions,
    structure,
)
from audioxai_jax.models.bridges.tflite.operators.base import Node, Operator, Pair

OPERATORS: dict[int, Operator] = {
    **elementwise.OPERATORS,
    **layers.OPERATORS,
    **reductions.OPERATORS,
    **structure.OPERATORS,
}

REFUSED = {
    7: "EMBEDDING_LOOKUP",
    16: "LSTM",
    24: "RNN",
    27: "SVDF",
    35: "UNIDIRECTIONAL_SEQUENCE_RNN",
    44: "UNIDIRECTIONAL_SEQUENCE_LSTM",
    46: "BIDIRECTIONAL_SEQUENCE_RNN",
    48: "TOPK_V2",
    52: "BIDIRECTIONAL_SEQUENCE_LSTM",
    109: "WHERE",
    114: "QUANTIZE",
    118: "IF",
    119: "WHILE",
    129: "CALL_ONCE",
    142: "VAR_HANDLE",
    143: "READ_VARIABLE",
    144: "ASSIGN_VARIABLE",
    146: "RANDOM_STANDARD_NORMAL",
    148: "RANDOM_UNIFORM",
    149: "MULTINOMIAL",
}
"""Names for messages of operators that models of sound have, and that are not read."""

__all__ = ["OPERATORS", "REFUSED", "Node", "Operator", "Pair"]

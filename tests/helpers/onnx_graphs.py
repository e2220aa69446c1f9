"""Small graphs of several nodes: control flow, sequences, functions of the model."""

import numpy as np

HEAD = '<ir_version: 10, opset_import: ["" : 20]>\n'
VALUES = {"x": np.asarray([[0.5, -1.0, 2.0], [1.5, 0.25, -0.75]], np.float32)}


def parsed(text: str) -> bytes:
    """A model from ONNX's own language."""
    import onnx.parser

    head = "" if text.lstrip().startswith("<") else HEAD
    return onnx.parser.parse_model(head + text).SerializeToString()


def graph(text: str):
    return lambda: (parsed(text), VALUES)


def operators(model: bytes) -> set[tuple[str, str]]:
    """Domains and names of all operators of a model, those of its bodies included."""
    import onnx

    def inside(nodes):
        for node in nodes:
            yield node.domain, node.op_type
            for attribute in node.attribute:
                yield from inside(attribute.g.node)

    return set(inside(onnx.load_model_from_string(model).graph.node))


BRANCH = """
agraph (float[N, 3] x) => (float[M, K] y) {
  shape = Shape(x)
  rows = Constant<value_ints = [0]>()
  n = Gather(shape, rows)
  two = Constant<value_ints = [2]>()
  same = Equal(n, two)
  y = If(same) <
    then_branch = yes () => (float[A, B] a) {
      w = Constant<value = float[3, 2] {1, 2, 3, 4, 5, 6}>()
      a = MatMul(x, w)
    },
    else_branch = no () => (float[C, D] b) {
      w = Constant<value = float[3, 1] {1, 2, 3}>()
      b = MatMul(x, w)
    }
  >
}
"""
UNROLLED = """
agraph (float[2, 3] x) => (float[2, 3] y, float[3, 2, 3] rows) {
  count = Constant<value = int64 {3}>()
  go = Constant<value = bool {1}>()
  y, rows = Loop(count, go, x) <
    body = round (int64 i, bool c, float[2, 3] s) => (bool d, float[2, 3] t, float[2, 3] row) {
      d = Identity(c)
      f = Cast<to = 1>(i)
      u = Add(s, f)
      t = Mul(u, x)
      row = Identity(t)
    }
  >
}
"""
STOPPED = """
agraph (float[2, 3] x) => (float[2, 3] y) {
  count = Constant<value = int64 {9}>()
  go = Constant<value = bool {1}>()
  y = Loop(count, go, x) <
    body = round (int64 i, bool c, float[2, 3] s) => (bool d, float[2, 3] t) {
      three = Constant<value = int64 {3}>()
      d = Less(i, three)
      t = Add(s, x)
    }
  >
}
"""
SCANNED = """
agraph (float[2, 3] x) => (float[2, 3] y, float[40, 2] rows) {
  count = Constant<value = int64 {40}>()
  go = Constant<value = bool {1}>()
  y, rows = Loop(count, go, x) <
    body = round (int64 i, bool c, float[2, 3] s) => (bool d, float[2, 3] t, float[2] row) {
      d = Identity(c)
      half = Constant<value = float {0.5}>()
      u = Mul(s, half)
      t = Add(u, x)
      axis = Constant<value_ints = [1]>()
      row = ReduceSum<keepdims = 0>(t, axis)
    }
  >
}
"""
SCAN = """
agraph (float[2, 3] x) => (float[2] last, float[3, 2] sums) {
  start = Constant<value = float[2] {1, 2}>()
  last, sums = Scan<num_scan_inputs = 1, scan_input_axes = [1], scan_input_directions = [1],
    body = step (float[2] s, float[2] v) => (float[2] t, float[2] out) {
      t = Add(s, v)
      out = Mul(t, v)
    }>(start, x)
}
"""
SEQUENCE = """
agraph (float[2, 3] x) => (float[A, B] y, float[C, D] z, float[E, F] both, int64 n) {
  one = Constant<value = int64 {1}>()
  zero = Constant<value = int64 {0}>()
  parts = SplitToSequence<axis = 1>(x, one)
  more = SequenceInsert(parts, x, zero)
  fewer = SequenceErase(more, one)
  first = SequenceAt(fewer, zero)
  empty = SequenceEmpty()
  grown = SequenceInsert(empty, first)
  pair = SequenceConstruct(x, first)
  all = ConcatFromSequence<axis = 1>(fewer)
  both = ConcatFromSequence<axis = 0>(pair)
  single = ConcatFromSequence<axis = 0>(grown)
  y = Add(single, first)
  t = Transpose<perm = [1, 0]>(x)
  z = MatMul(t, all)
  n = SequenceLength(fewer)
}
"""
MAPPED = """
agraph (float[2, 3] x) => (float[A, B] y) {
  one = Constant<value = int64 {1}>()
  parts = SplitToSequence<axis = 1>(x, one)
  doubled = SequenceMap(parts) <
    body = each (float[2, 1] v) => (float[2, 1] w) { w = Add(v, v) }
  >
  y = ConcatFromSequence<axis = 1>(doubled)
}
"""
OPTIONAL = """
agraph (float[2, 3] x) => (float[2, 3] y, bool there) {
  box = Optional(x)
  y = OptionalGetElement(box)
  there = OptionalHasElement(box)
}
"""
FUNCTION = """
<ir_version: 10, opset_import: ["" : 20, "mine" : 1]>
agraph (float[2, 3] x) => (float[2, 3] y) {
  h = mine.scaled<by = 3.0>(x)
  y = mine.scaled<by = 0.5>(h)
}
<domain: "mine", opset_import: ["" : 20]>
scaled <by> (v) => (w) {
  factor = Constant<value_float: float = @by>()
  u = Mul(v, factor)
  w = Tanh(u)
}
"""
GRAPHS = {
    "branch": graph(BRANCH),
    "unrolled loop": graph(UNROLLED),
    "loop that stops": graph(STOPPED),
    "scanned loop": graph(SCANNED),
    "scan": graph(SCAN),
    "sequence": graph(SEQUENCE),
    "map": graph(MAPPED),
    "optional": graph(OPTIONAL),
    "function": graph(FUNCTION),
}

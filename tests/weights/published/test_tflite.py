"""The reader of .tflite files: what was written comes back; damage gives one clear line."""

import resource
import signal
import struct
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from audioxai_jax.weights.file_format import WeightsError
from audioxai_jax.weights.published import tflite
from audioxai_jax.weights.published.tflite import CONV_2D, TRANSPOSE_CONV, Graph, Operation
from tests.helpers.tflite_files import computed, constant, write

LONGEST_S, MOST_BYTES = 5, 4 << 30
DRAW = np.random.default_rng(0)
TENSORS = (
    computed("input", (1, 8, 1, 2)),
    constant("weight", DRAW.normal(size=(3, 2, 1, 2)).astype(np.float32)),
    constant("bias", DRAW.integers(-9, 9, 3).astype(np.int32), [0.5, 0.25, 2], [0, 0, 0]),
    constant("bytes", DRAW.integers(-128, 128, (2, 3)).astype(np.int8), [0.5, 2, 3], [1, 2, 3], 1),
    constant("half", np.asarray([[0.5, 1.5]], np.float16)),
    constant("one", np.asarray([1, 2], np.int8), [0.5], [-3]),
)
GRAPHS = [
    Graph(
        TENSORS,
        (
            Operation(CONV_2D, (0, 1, 2), (0,), 2, 3),
            Operation(150, (0, -1), (0,)),
            Operation(32, (0,), (0,), custom="Own"),
        ),
        inputs=(0,),
        outputs=(5, 3),
    ),
    Graph(TENSORS[:2], (Operation(TRANSPOSE_CONV, (-1, 1, 0), (0,), 5),)),
]
CONTENT = write(GRAPHS)


def same(one, other) -> bool:
    """Whether two graphs are equal, arrays included."""
    if isinstance(one, np.ndarray):
        return one.dtype == other.dtype and np.array_equal(one, other)
    if hasattr(one, "__dataclass_fields__"):
        fields = [name for name, field in one.__dataclass_fields__.items() if field.compare]
        return all(same(getattr(one, name), getattr(other, name)) for name in fields)
    if isinstance(one, tuple):
        return len(one) == len(other) and all(map(same, one, other))
    return one == other


def test_what_was_written_comes_back(tmp_path):
    path = tmp_path / "model.tflite"
    path.write_bytes(CONTENT)
    assert same(tflite.read(path), tuple(GRAPHS))


def test_values():
    _, weight, bias, several, half, one = TENSORS
    assert weight.values() is weight.data
    assert np.array_equal(bias.values(), bias.data * np.float32([0.5, 0.25, 2]))
    assert np.array_equal(several.values(), (several.data - [1.0, 2, 3]) * np.float32([0.5, 2, 3]))
    assert half.values().dtype == np.float32 and half.values().tolist() == [[0.5, 1.5]]
    assert one.values().tolist() == [2.0, 2.5]
    with pytest.raises(ValueError, match="'input' is computed, not a constant"):
        TENSORS[0].values()


def test_what_is_not_a_tflite_file_is_refused(tmp_path):
    path = tmp_path / "model.tflite"
    for content in (b"", b"TFL3", b"PK\3\4 zip", CONTENT[:4] + b"TFL2" + CONTENT[8:]):
        path.write_bytes(content)
        with pytest.raises(WeightsError, match=r"model\.tflite: is not a \.tflite file"):
            tflite.read(path)
    with pytest.raises(WeightsError, match=r"none\.tflite: cannot be read: No such file"):
        tflite.read(tmp_path / "none.tflite")
    with pytest.raises(WeightsError, match="cannot be read: Is a directory"):
        tflite.read(tmp_path)
    with path.open("wb") as stream:
        stream.truncate(1 << 40)
    with pytest.raises(WeightsError, match="has more than 256 MiB"):
        tflite.read(path)


def test_every_cut_is_noticed():
    """Nothing at the end of a file is padding."""
    for size in range(8, len(CONTENT)):
        with pytest.raises(WeightsError, match="^here: is damaged or cut short: "):
            tflite.parse("here", CONTENT[:size])


@pytest.mark.parametrize(
    "tensor, message",
    [
        (constant("t", np.ones((2, 3), np.float32), [1, 2], [0, 0]), None),
        (constant("t", np.ones((2, 3), np.float32), [1, 2], [0, 0], 1), "has 2 scales"),
        (constant("t", np.ones((2, 3), np.float32), [1, 2], [0, 0], -1), "has 2 scales"),
        (constant("t", np.ones((2, 3), np.float32), [1, 2], [0]), "has 2 scales, 1 zero points"),
        (constant("t", np.ones((1,) * 9, np.float32)), "has 9 axes"),
    ],
)
def test_tensors_that_make_no_sense(tensor, message):
    content = write([Graph((tensor,), ())])
    if message is None:
        assert same(tflite.parse("here", content)[0].tensors, (tensor,))
    else:
        with pytest.raises(WeightsError, match=f"here: .*'t' {message}"):
            tflite.parse("here", content)


def test_operations_that_make_no_sense():
    content = write([Graph(TENSORS[:1], (Operation(CONV_2D, (0, 7), (0,)),))])
    with pytest.raises(WeightsError, match="an operation uses tensor 7 of 1"):
        tflite.parse("here", content)


def test_a_file_that_refers_to_itself_over_and_over():
    """Its list of graphs is the same graph, 200,000 times: 800 kB that would be read for long."""
    whole = write([Graph(TENSORS[:1] * 100, ())])
    (model,) = struct.unpack_from("<I", whole)
    field = model + 4 + 8 * 2  # the model's third field, see tflite_files
    vector = field + struct.unpack_from("<I", whole, field)[0]
    first, count = vector + 4, 200_000
    graph = first + struct.unpack_from("<I", whole, first)[0] + 4 * count
    places = first + 4 * np.arange(count + 1, dtype=np.uint32)
    content = bytearray(whole[:first] + (graph - places).tobytes() + whole[first + 4 :])
    # What lies behind the list, referred to from before it, has moved: the constants.
    constants = model + 4 + 8 * 3
    (offset,) = struct.unpack_from("<I", content, constants)
    struct.pack_into("<I", content, constants, offset + 4 * count)
    for size in (1, count):
        struct.pack_into("<I", content, vector, size)
        with limits():
            if size == 1:
                assert len(tflite.parse("here", bytes(content))[0].tensors) == 100
                continue
            with pytest.raises(WeightsError, match="refers to the same bytes again and again"):
                tflite.parse("here", bytes(content))


class limits:  # noqa: N801
    """At most some seconds and bytes."""

    def __enter__(self):
        def late(*_):
            raise AssertionError(f"took longer than {LONGEST_S} s")

        self.handler = signal.signal(signal.SIGALRM, late)
        self.memory = resource.getrlimit(resource.RLIMIT_AS)
        signal.alarm(LONGEST_S)
        pages = int(Path("/proc/self/statm").read_text().split()[0])
        resource.setrlimit(
            resource.RLIMIT_AS, (pages * resource.getpagesize() + MOST_BYTES, self.memory[1])
        )

    def __exit__(self, *_):
        signal.alarm(0)
        signal.signal(signal.SIGALRM, self.handler)
        resource.setrlimit(resource.RLIMIT_AS, self.memory)


EDITS = st.lists(
    st.tuples(
        st.sampled_from(["set", "word", "cut", "insert"]),
        st.integers(0, len(CONTENT) - 1),
        st.one_of(st.sampled_from([0, 1, 4, 0x7F, 0x80, 0xFF]), st.integers(0, 255)),
    ),
    min_size=1,
    max_size=5,
)


@settings(max_examples=600, suppress_health_check=list(HealthCheck))
@given(EDITS)
def test_random_damage(edits):
    content = bytearray(CONTENT)
    for kind, place, value in edits:
        place = min(place, len(content) - 1)
        if kind == "set":
            content[place] = value
        elif kind == "word":
            content[place : place + 4] = struct.pack("<i", value - 128)
        elif kind == "insert":
            content[place:place] = bytes([value]) * 4
        else:
            del content[max(place, 8) :]
    with limits():
        try:
            graphs = tflite.parse("here", bytes(content))
        except WeightsError as error:
            assert str(error).startswith("here: ") and "\n" not in str(error)
        else:
            for tensor in (t for graph in graphs for t in graph.tensors if t.data is not None):
                assert tensor.values().shape == tensor.shape

"""Parts of a computation: kept, found again, never mixed up."""

import numpy as np
import pytest

from audioxai_jax.core.files import replace_file
from audioxai_jax.runs.shards import Parts

TREE = {"a": {"b": np.arange(3), "c": np.float32(0.1)}, "d": np.array([True])}


def refuse():
    raise AssertionError("computed again")


def test_a_part_is_computed_once(tmp_path):
    found = Parts(tmp_path, {"seed": 0}).get(7, lambda: TREE)
    again = Parts(tmp_path, {"seed": 0}).get(7, refuse)
    for tree in (found, again):
        np.testing.assert_array_equal(tree["a"]["b"], TREE["a"]["b"])
        assert tree["a"]["c"] == TREE["a"]["c"] and tree["d"].dtype == bool
    Parts(tmp_path, {"seed": 0}).get(8, lambda: {"dir/my.py:build": {"50 %": np.ones(1)}})
    again = Parts(tmp_path, {"seed": 0}).get(8, refuse)
    assert list(again) == ["dir/my.py:build"] and again["dir/my.py:build"]["50 %"] == 1
    (tmp_path / "00000008.npz").unlink()
    assert sorted(f.name for f in tmp_path.iterdir()) == ["00000007.npz", "settings.json"]


def test_other_settings_are_refused(tmp_path):
    Parts(tmp_path, {"seed": 0, "base": "zero"})
    Parts(tmp_path / "fractions", {"keep": (0.1, 0.2)})
    Parts(tmp_path / "fractions", {"keep": (0.1, 0.2)})  # the same, though JSON has no tuples
    with pytest.raises(ValueError, match=r"other settings \(base, rank\): choose another"):
        Parts(tmp_path, {"seed": 0, "base": "mean", "rank": "signed"})


def test_a_part_that_is_damaged_is_computed_again(tmp_path):
    parts = Parts(tmp_path, {})
    parts.get(0, lambda: TREE)
    file = tmp_path / "00000000.npz"
    for content in (b"", file.read_bytes()[:-100], b"no archive"):
        file.write_bytes(content)
        found = parts.get(0, lambda: TREE)
        np.testing.assert_array_equal(found["a"]["b"], TREE["a"]["b"])
    Parts(tmp_path, {}).get(0, refuse)


@pytest.mark.parametrize("place, value", [(6, 0x01), (4, 0xFF)])
def test_nor_is_one_whose_archive_says_what_no_part_does(tmp_path, place, value):
    """Encrypted, of another version."""
    parts = Parts(tmp_path, {})
    parts.get(0, lambda: TREE)
    file = tmp_path / "00000000.npz"
    content = bytearray(file.read_bytes())
    for header in (b"PK\x03\x04", b"PK\x01\x02"):
        start = content.index(header)
        content[start + place + 2 * (header[2] == 1)] |= value
    file.write_bytes(content)
    np.testing.assert_array_equal(parts.get(0, lambda: TREE)["a"]["b"], TREE["a"]["b"])
    Parts(tmp_path, {}).get(0, refuse)


def test_a_part_that_cannot_be_read_now_is_not_removed(tmp_path, monkeypatch):
    parts = Parts(tmp_path, {})
    parts.get(0, lambda: TREE)

    def locked(*_):
        raise PermissionError(13, "Permission denied")

    with monkeypatch.context() as patch, pytest.raises(PermissionError):
        patch.setattr("pathlib.Path.read_bytes", locked)
        parts.get(0, lambda: TREE)
    parts.get(0, refuse)


def test_settings_that_are_damaged_are_said_to_be(tmp_path):
    Parts(tmp_path, {"seed": 0})
    (tmp_path / "settings.json").write_text('{"see')
    with pytest.raises(ValueError, match=r"settings.json is damaged: remove"):
        Parts(tmp_path, {"seed": 0})


def test_a_failed_write_leaves_the_old_file(tmp_path, monkeypatch):
    replace_file(tmp_path / "x", b"old")

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.replace", full)
    with pytest.raises(OSError, match="No space"):
        replace_file(tmp_path / "x", b"new")
    assert [f.name for f in tmp_path.iterdir()] == ["x"] and (tmp_path / "x").read_bytes() == b"old"

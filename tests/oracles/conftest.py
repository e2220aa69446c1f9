"""Mends of other people's libraries: a package that zennit and Quantus want, captum's precision."""

import importlib
import sys
import types

import pytest

# They import torchvision for the names of two classes; its builds do not fit every torch.
NAMES = ("torchvision", "torchvision.models", "torchvision.models.resnet")


def drop():
    for name in [name for name in sys.modules if name.split(".")[0] == "torchvision"]:
        del sys.modules[name]


try:
    import torchvision.models.resnet  # noqa: F401
except (ImportError, RuntimeError, OSError):
    drop()
    sys.modules.update({name: types.ModuleType(name) for name in NAMES})
    for name in ("Bottleneck", "BasicBlock"):
        setattr(sys.modules[NAMES[-1]], name, type(name, (), {}))
    for name in ("zennit", "zennit.composites", "quantus"):
        try:
            importlib.import_module(name)
        except ImportError:
            pass  # its tests say so
    drop()


@pytest.fixture
def double_in_torch(monkeypatch):
    """captum rounds the weights of quadratures, sums over orders and regressions to single
    precision, whatever the input is."""
    import torch

    usual = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    with monkeypatch.context() as patch:
        patch.setattr(torch.Tensor, "float", torch.Tensor.double)
        patch.setattr(torch, "FloatTensor", torch.DoubleTensor)
        patch.setattr(torch, "float", torch.float64)
        yield
    torch.set_default_dtype(usual)


@pytest.fixture(params=["float64", "float32"])
def dtype(request):
    """A comparison with captum runs twice, in double and in single precision."""
    if request.param == "float64":
        for name in ("x64", "double_in_torch"):
            request.getfixturevalue(name)
    return request.param

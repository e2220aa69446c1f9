"""zennit imports torchvision for the names of two classes; its builds do not fit every torch."""

import sys
import types

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
    try:
        import zennit  # noqa: F401
    except ImportError:
        pass  # its tests say so
    drop()

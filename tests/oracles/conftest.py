"""zennit imports torchvision for the names of two classes; its builds do not fit every torch."""

import sys
import types

try:
    import torchvision.models.resnet  # noqa: F401
except (ImportError, RuntimeError, OSError):
    for name in [name for name in sys.modules if name.split(".")[0] == "torchvision"]:
        del sys.modules[name]
    for name in ("torchvision", "torchvision.models", "torchvision.models.resnet"):
        sys.modules[name] = types.ModuleType(name)
    for name in ("Bottleneck", "BasicBlock"):
        setattr(sys.modules["torchvision.models.resnet"], name, type(name, (), {}))

"""Makes torch_batches.json, the numbers that batchnorm is compared with.

torch is large and no test dependency; the numbers were made once, on a CPU, with

    pip install torch==2.13.0 numpy==2.4.6
    python tests/reference/torch_batches.py

Every case is a module trained on batches of rows in their order, and then used in eval mode.
"""

from __future__ import annotations

import importlib
import json
from pathlib import Path
from typing import Any

import numpy as np

_GAMMA = [1.0, 0.5, -2.0, 3.0]
_BETA = [0.0, 1.0, -0.5, 10.0]


def _colons(values: list[float]) -> str:
    return ":".join(map(str, values))


# Chain, rows, shape of a row as torch has it (channels first), batch, options, whether affine.
_CASES: list[tuple[str, int, tuple[int, ...], int, dict[str, Any], bool]] = [
    ("batchnorm:batch=8", 40, (), 8, {}, False),
    ("batchnorm", 75, (), 32, {}, False),
    ("batchnorm:batch=10,momentum=none", 40, (), 10, {"momentum": None}, False),
    (
        "batchnorm:batch=16,momentum=0.3,eps=0.01",
        40,
        (4,),
        16,
        {"momentum": 0.3, "eps": 0.01},
        False,
    ),
    (
        f"batchnorm:batch=16,gamma={_colons(_GAMMA)},beta={_colons(_BETA)}",
        40,
        (4,),
        16,
        {},
        True,
    ),
    ("batchnorm:batch=4,axis=0", 10, (4, 5), 4, {}, False),
    ("batchnorm:batch=2,axis=0", 6, (4, 2, 3), 2, {}, False),
    (
        f"batchnorm:batch=4,momentum=none,axis=0,gamma={_colons(_GAMMA)},beta={_colons(_BETA)}",
        10,
        (4, 2, 3),
        4,
        {"momentum": None},
        True,
    ),
]


def _numbers(shape: tuple[int, ...], seed: int) -> Any:
    channels = 100 * np.arange(shape[1]) if len(shape) > 1 else np.zeros(1)
    spread = np.random.default_rng(seed).normal(3, 10, shape)
    numbers = spread + channels.reshape(-1, *[1] * (len(shape) - 2))
    # What float32 holds, too, so that the same numbers are right for it.
    return numbers.astype(np.float32).astype(np.float64)


def _module(torch: Any, shape: tuple[int, ...], options: dict[str, Any], affine: bool) -> Any:
    kind = torch.nn.BatchNorm2d if len(shape) == 3 else torch.nn.BatchNorm1d
    module = kind(shape[0] if shape else 1, affine=affine, dtype=torch.float64, **options)
    if affine:
        module.weight.data.copy_(torch.tensor(_GAMMA))
        module.bias.data.copy_(torch.tensor(_BETA))
    return module


def main() -> None:
    """Write the file beside this script."""
    torch = importlib.import_module("torch")
    made = []
    for seed, (chain, rows, shape, batch, options, affine) in enumerate(_CASES):
        x = torch.tensor(_numbers((rows, *shape), seed), dtype=torch.float64)
        of_channels = x if shape else x[:, None]
        module = _module(torch, shape, options, affine)
        module.train()
        for begin in range(0, rows, batch):
            module(of_channels[begin : begin + batch])
        module.eval()
        made.append(
            {
                "chain": chain,
                "shape": list(shape),
                "running_mean": module.running_mean.tolist(),
                "running_var": module.running_var.tolist(),
                "x": x.ravel().tolist(),
                "y": module(of_channels).detach().ravel().tolist(),
            }
        )
    lines = ",\n".join(json.dumps(each) for each in made)
    text = f'{{"torch": "{torch.__version__}", "cases": [\n{lines}\n]}}\n'
    Path(__file__).with_suffix(".json").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()

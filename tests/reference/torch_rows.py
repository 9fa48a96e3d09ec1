"""Makes torch_rows.json, the numbers that row-wise methods are compared with.

torch is large and no test dependency; the numbers were made once, on a CPU, with

    pip install torch==2.13.0 numpy==2.4.6
    python tests/reference/torch_rows.py

Where a case is float32, "exact" are torch's float64 numbers for the same x: in float32 torch itself
loses digits of a constant row and of one near 1000, the first two of each case.
"""

from __future__ import annotations

import importlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

_GAMMA = [1.0, 0.5, -2.0, 3.0, 0.1, 1.5]
_BETA = [0.0, 1.0, -0.5, 10.0, 0.0, 2.0]


def _numbers(shape: tuple[int, ...], seed: int) -> Any:
    chance = np.random.default_rng(seed)
    values = chance.normal(3, 10, shape)
    values[0] = 1000 + chance.random(shape[1:])
    values[1] = 7.5
    return values


def _with(module: Any, **weights: list[float]) -> Any:
    for name, values in weights.items():
        parameter = getattr(module, name)
        parameter.data.copy_(parameter.data.new_tensor(values).reshape(parameter.shape))
    return module


def _colons(values: list[float]) -> str:
    return ":".join(map(str, values))


def _clipped(torch: Any, max_norm: float) -> Callable[[Any], Any]:
    def clip(x: Any) -> Any:
        rows = []
        for row in x:
            parameter = torch.nn.Parameter(torch.zeros_like(row))
            parameter.grad = row.clone()
            torch.nn.utils.clip_grad_norm_([parameter], max_norm)
            rows.append(parameter.grad)
        return torch.stack(rows)

    return clip


def _cases(torch: Any, dtype: Any) -> list[tuple[str, tuple[int, ...], Callable[[Any], Any]]]:
    """Return chains, the shapes of their rows, and what torch calls them."""
    nn, kind = torch.nn, {"dtype": dtype}
    six = f"gamma={_colons(_GAMMA)},beta={_colons(_BETA)}"
    four = f"gamma={_colons(_GAMMA[:4])},beta={_colons(_BETA[:4])}"
    own = {"weight": _GAMMA, "bias": _BETA}
    few = {"weight": _GAMMA[:4], "bias": _BETA[:4]}
    image = (4, 2, 3)
    return [
        ("layernorm", (6,), nn.LayerNorm(6, **kind)),
        ("layernorm:eps=0.5", (6,), nn.LayerNorm(6, eps=0.5, **kind)),
        (f"layernorm:{six}", (6,), _with(nn.LayerNorm(6, **kind), **own)),
        ("layernorm", image, nn.LayerNorm(image, **kind)),
        ("instancenorm", (3, 5), nn.InstanceNorm1d(3, **kind)),
        ("instancenorm:eps=0.01", image, nn.InstanceNorm2d(4, eps=0.01, **kind)),
        (f"instancenorm:{four}", image, _with(nn.InstanceNorm2d(4, affine=True, **kind), **few)),
        ("groupnorm:groups=2", image, nn.GroupNorm(2, 4, **kind)),
        (f"groupnorm:groups=2,{four}", image, _with(nn.GroupNorm(2, 4, **kind), **few)),
        (f"groupnorm:groups=3,{six}", (6,), _with(nn.GroupNorm(3, 6, **kind), **own)),
        ("rmsnorm", (6,), nn.RMSNorm(6, eps=1e-5, **kind)),
        (
            f"rmsnorm:gamma={_colons(_GAMMA)},eps=0.1",
            (6,),
            _with(nn.RMSNorm(6, eps=0.1, **kind), weight=_GAMMA),
        ),
        ("rmsnorm", image, nn.RMSNorm(image, eps=1e-5, **kind)),
        ("clipnorm", (6,), _clipped(torch, 1.0)),
        ("clipnorm:max=20", image, _clipped(torch, 20.0)),
    ]


def main() -> None:
    """Write the file beside this script."""
    torch = importlib.import_module("torch")
    made = []
    for dtype, name in ((torch.float64, "Float64"), (torch.float32, "Float32")):
        pairs = zip(_cases(torch, dtype), _cases(torch, torch.float64), strict=True)
        for seed, ((chain, shape, function), (_, _, exact)) in enumerate(pairs):
            x = torch.tensor(_numbers((5, *shape), seed), dtype=dtype)
            made.append(
                {
                    "chain": chain,
                    "dtype": name,
                    "shape": list(shape),
                    "x": x.ravel().tolist(),
                    "y": function(x).detach().ravel().tolist(),
                    "exact": exact(x.double()).detach().ravel().tolist(),
                }
            )
    lines = ",\n".join(json.dumps(each) for each in made)
    text = f'{{"torch": "{torch.__version__}", "cases": [\n{lines}\n]}}\n'
    Path(__file__).with_suffix(".json").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()

from typing import Any, Literal

def sweep(
    values: Any,
    kind: Literal["f", "i", "u", "l"],
    low: int,
    shift: int,
    start: float,
    per_unit: float,
    counts: Any,
    numbers: Any,
    atoms: Any,
    kept: Any,
) -> int: ...

from typing import Any, Literal

def count(values: Any, kind: Literal["f", "i", "u"], low: int, shift: int, counts: Any) -> None: ...
def pick(
    values: Any,
    kind: Literal["f", "i", "u"],
    low: int,
    shift: int,
    children: Any,
    picked: Any,
    slots: Any,
) -> int: ...

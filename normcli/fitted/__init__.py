"""What a fit yields: for every column its chain with the parameters found, and the exact states.

Pure data, and the one function that turns states into parameters: fit, merge and the check of
a stats file all go through `conclude`, so they can't disagree.
"""

from __future__ import annotations

from normcli.fitted.concluding import (
    conclude,
    constant,
    finish_step,
    given_step,
    learn,
    small_among,
    summarize,
)
from normcli.fitted.entering import (
    RAW_STATISTICS,
    SKETCH_STATISTICS,
    empty_states,
    fitted_before,
    fold,
    input_kind,
    input_scale,
    needed_statistics,
    step_channels,
)
from normcli.fitted.model import (
    Condition,
    Fitted,
    FittedColumn,
    FittedStep,
    States,
    StepInput,
    inner_dtype,
)

__all__ = [
    "RAW_STATISTICS",
    "SKETCH_STATISTICS",
    "Condition",
    "Fitted",
    "FittedColumn",
    "FittedStep",
    "States",
    "StepInput",
    "conclude",
    "constant",
    "empty_states",
    "finish_step",
    "fitted_before",
    "fold",
    "given_step",
    "inner_dtype",
    "input_kind",
    "input_scale",
    "learn",
    "needed_statistics",
    "small_among",
    "step_channels",
    "summarize",
]

"""The plan of a fit: what one scan takes of the data, what a batch contributes, how that folds.

All columns and all statistics of a scan share it; which tasks there are is the business of
`progression`.
"""

from __future__ import annotations

from normcli.plan.contribution import Contribution
from normcli.plan.task import Pass, Scope, Task

__all__ = ["Contribution", "Pass", "Scope", "Task"]

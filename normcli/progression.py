"""How the fit of one column goes on from scan to scan.

Each column goes its own way: whatever of it can be found out next is a task of the next scan,
so that all columns together need no more scans than the one that needs most.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from normcli.dtypes import plain_dtype
from normcli.errors import DataError
from normcli.fitted import (
    SKETCH_STATISTICS,
    FittedColumn,
    FittedStep,
    States,
    StepInput,
    empty_states,
    finish_step,
    fitted_before,
    fold,
    given_step,
    inner_dtype,
    input_kind,
    input_scale,
    learn,
    needed_statistics,
    small_among,
    step_channels,
    summarize,
)
from normcli.methods import Needs
from normcli.methods.base import once
from normcli.plan import Scope, Task
from normcli.resolution import Target
from normcli.smallgroups import cells_of
from normcli.statistics import Kind, Summary
from normcli.statistics.counts import Counts
from normcli.statistics.extremes import Extremes
from normcli.statistics.ordering import percentile_fraction
from normcli.tensors import tensor_of

if TYPE_CHECKING:
    from normcli.selection import Search

__all__ = ["ColumnFit", "Limits"]

_LOOK = "look"
# What a quantile takes until it is written: its place, its rank, the value as a Python number.
_QUANTILE_BYTES = 256
_SMALL_SPREAD = 1 << 18


@dataclass(frozen=True)
class Limits:
    """What a search for percentiles may use: bytes in all workers together, and how many."""

    memory: int
    workers: int
    sketched: bool = False
    """Whether percentiles are taken from sketches instead."""


class ColumnFit:
    """One column's chain on its way from options to parameters."""

    def __init__(
        self, name: str, target: Target, grouped: bool, limits: Limits, min_group: int = 0
    ) -> None:
        self.name = name
        self.target = target
        dtype = plain_dtype(target.dtype)
        self.chain = chain = target.chain
        self.tensor = tensor_of(dtype)
        # Whether tensors are an extension type is a matter of the file, not of the fit.
        self.dtype = dtype if self.tensor is None else self.tensor.dtype
        self.inner = inner_dtype(dtype)
        self.channels = tuple(step_channels(name, dtype, method) for method in chain)
        self.grouped = grouped
        self.limits = limits
        self.min_group = min_group
        self.steps: list[FittedStep] = []
        self.inputs: list[StepInput | None] = [None] * len(chain)
        self._found: dict[Scope, dict[str, list[Any]]] = {}
        self._searches: dict[Scope, Search] = {}
        self._states: dict[Scope, States] = {}
        self._needs: Needs | None = None
        self._tasks: list[Task] = []
        self._scanned = False
        self._checked = 0
        self._skip_unfitted()

    def _skip_unfitted(self) -> None:
        while len(self.steps) < len(self.chain) and not self.chain[len(self.steps)].fitted:
            method = self.chain[len(self.steps)]
            self.steps.append(given_step(self.name, self.dtype, method))

    @property
    def done(self) -> bool:
        """Whether nothing is left to find out, nor any domain to be looked into."""
        unchecked = self.chain[self._checked :]
        return (
            self._scanned
            and len(self.steps) == len(self.chain)
            and not any(method.looks for method in unchecked)
        )

    @property
    def _scopes(self) -> tuple[Scope, ...]:
        return self._scopes_at(len(self.steps))

    def _scopes_at(self, step: int) -> tuple[Scope, ...]:
        # What encodes does so alike for all groups.
        encoding = step == 0 and self.chain[0].encodes
        return ("groups", "rows") if self.grouped and not encoding else ("rows",)

    def tasks(self) -> list[Task]:
        """Return what the next scan has to take of this column."""
        tasks = []
        step = len(self.steps)
        self._needs = self._next_needs()
        if not self._scanned and (step > 0 or self._needs is None or self._needs.of is not None):
            tasks.append(
                self._task(
                    0, self._scopes_at(0)[0], needed_statistics(self.chain, 0, self.limits.sketched)
                )
            )
        if self._needs is not None:
            scopes = self._scopes
            # Exact sums of all rows are those of the groups together; percentiles are not,
            # nor is anything that depends on parameters which differ by group.
            searched = self._needs.searches and not self.limits.sketched
            apart = searched or self._needs.of or self._needs.states
            if not (fitted_before(self.chain, step) or apart):
                scopes = scopes[:1]
            tasks += [self._fitting_task(scope) for scope in scopes if self._is_open(scope)]
        for checked in range(self._checked, min(step + 1, len(self.chain))):
            tasks += self._domain_task(checked)
        self._tasks = tasks
        return tasks

    def _is_open(self, scope: Scope) -> bool:
        """Return whether there is more to find out, not only for the other scope."""
        search = self._searches.get(scope)
        if search is not None and search.results is not None:
            return False
        return self._needs_of(scope) is not None

    def _next_needs(self) -> Needs | None:
        if len(self.steps) == len(self.chain):
            return None
        every = (self._needs_of(scope) for scope in self._scopes)
        return next((needs for needs in every if needs is not None), None)

    def _needs_of(self, scope: Scope) -> Needs | None:
        method = self.chain[len(self.steps)]
        return method.needs(once(method.given) | self._found.get(scope, {}))

    def _task(self, step: int, scope: Scope, names: Sequence[str]) -> Task:
        kind = input_kind(self.dtype, self.chain, step)

        def empty(cells: int) -> States:
            return empty_states(names, kind, cells)

        return self._made(step, scope, empty, kind=kind)

    def _made(self, step: int, scope: Scope, empty: Callable[[int], States], **more: Any) -> Task:
        """Return a task about what enters a step."""
        before = tuple(self.steps[:step])
        channels = self.channels[: step + 1]
        return Task(
            self.name,
            self.inner,
            step,
            scope,
            before,
            empty,
            tensor=self.tensor,
            channels=channels,
            **more,
        )

    def _fitting_task(self, scope: Scope) -> Task:
        """Return the task of finding out more about the step that is being fitted."""
        needs, step = self._needs, len(self.steps)
        assert needs is not None
        names = needed_statistics(self.chain, step, self.limits.sketched)
        if needs.states and scope != self._scopes[0]:
            names = needs.statistics
        search = self._searches.get(scope)
        partial = sample = None
        if needs.of is not None:
            names = needs.statistics
            if needs.percentiles and self.limits.sketched:
                names = SKETCH_STATISTICS
            method = self.chain[step]
            own = self.channels[step]
            of_rows = self._known(own.count) | self._found.get("rows", {})
            rows = {key: values if own.shape else values[0] for key, values in of_rows.items()}
            groups = self._found.get("groups")
            by_group = groups and self._known(len(next(iter(groups.values())))) | groups
            partial = FittedStep(method, rows, by_group if scope == "groups" else None, own.shape)
        if needs.searches and search is None and not self.limits.sketched:
            from normcli.selection import Search  # most fits need none

            if scope != self._scopes[0]:
                names = needs.statistics
            names = tuple(dict.fromkeys((*names, "counts", "extremes")))
            kind = "float" if needs.of else input_kind(self.dtype, self.chain, step)
            shares = [percentile_fraction(p) for p in needs.percentiles]
            search = Search(
                kind,
                shares,
                self.limits.memory,
                self.limits.workers,
                scope == "groups" or self.channels[step].count > 1,
                needs.spread,
            )
            self._searches[scope] = new = search
            # Of a sample, blocks of rows would have the wrong numbers.
            if scope == "rows" and needs.blocks is None:
                sample = lambda cells: {_LOOK: cast(Any, new.sample())}  # noqa: E731
        elif search is not None:
            names = ()

        kept, scanning, lanes = names, search, needs.lanes
        input_is: Kind = "float"
        if partial is None:
            input_is = input_kind(self.dtype, self.chain, step)

        def empty(cells: int) -> States:
            states = dict(empty_states(kept, input_is, cells))
            states |= {name: make(input_is, cells) for name, make in needs.states.items()}
            if lanes > 1:
                states = {
                    f"{k}.{name}": state
                    for k in range(lanes)
                    for name, state in empty_states(kept, input_is, cells).items()
                }
            if scanning is not None:
                states[_LOOK] = cast(Any, scanning.scan())
            return states

        return self._made(
            step,
            scope,
            empty,
            partial=partial,
            of=needs.of,
            lanes=lanes,
            blocks=needs.blocks,
            kind=input_is,
            sample=sample,
        )

    def _known(self, cells: int) -> dict[str, list[Any]]:
        """Return the parameters of the step for each of so many cells, None if not given."""
        method = self.chain[len(self.steps)]
        unknown: dict[str, list[Any]] = {p.name: [None] * cells for p in method.sought}
        return unknown | method.given_cells(cells)

    def _domain_task(self, step: int) -> list[Task]:
        """Return a task that looks whether values lie outside the domain of a step's method."""
        method = self.chain[step]
        if not method.looks:
            return []
        of_values: dict[str, Any] = {}
        if method.encodes:
            of_values = {"kind": "text", "partial": self.steps[step]}
        scope = self._scopes_at(step)[0]
        return [self._made(step, scope, lambda cells: {}, checked=method, **of_values)]

    def absorb(self, states: Sequence[States]) -> None:
        """Go on with what the scan found for the tasks, in their order."""
        step = len(self.steps)
        results: dict[Scope, States] = {}
        for task, found in zip(self._tasks, states, strict=True):
            if not found:
                continue
            if task.is_raw and self.inputs[0] is None:
                self._set_input(0, task.scope, found)
            if self._needs is not None and task.step == step and task.of == self._needs.of:
                results[task.scope] = found
        self._checked = min(step + 1, len(self.chain))
        self._scanned = True
        if self._needs is None:
            return
        if self._needs.of is None and step > 0 and self.inputs[step] is None:
            for scope, found in results.items():
                self._set_input(step, scope, found)
        if self._needs.spread:
            self._check_room(self._needs.spread, results)
        if self._search_on(results):
            self._learn(results)

    def _check_room(self, points: int, results: dict[Scope, States]) -> None:
        """Raise DataError if there would be more quantiles than there is memory for."""
        for states in results.values():
            if "counts" not in states:
                continue
            counts = cast(Counts, states["counts"]).tally[0]
            many = int(np.minimum(counts, points).sum())
            # All rows together ask for little, so the groups may have both shares.
            if many > max(_SMALL_SPREAD, 2 * self.limits.memory // _QUANTILE_BYTES):
                raise DataError(
                    f'column "{self.name}": {points:,} points in {np.count_nonzero(counts):,} '
                    f"groups are {many:,} quantiles, for which --memory has no room",
                    "ask for fewer, as with quantile:points=100, or for more --memory",
                )

    def _set_input(self, step: int, scope: Scope, states: States) -> None:
        # Without what only the search needed: a stats file holds what its chain asks for.
        kept = needed_statistics(self.chain, step, self.limits.sketched)
        plain = {name: states[name] for name in kept if name in states}
        present = self.inputs[step]
        exact = fitted_before(self.chain, step) == 0
        if scope == "groups":
            each = self.channels[step].count
            rows = fold(plain, each) if present is None else present.rows
            self.inputs[step] = StepInput(rows, plain, exact)
        else:
            groups = None if present is None else present.groups
            rows = plain if present is None or len(plain) == len(kept) else present.rows
            self.inputs[step] = StepInput(rows, groups, exact)

    def _search_on(self, results: dict[Scope, States]) -> bool:
        """Carry searches on; say whether all have found what they look for."""
        for scope, search in self._searches.items():
            if search.results is not None:
                continue
            states = results[scope]
            if "counts" in states:
                counts = cast(Counts, states["counts"]).tally[0]
                lows, highs = cast(Extremes, states["extremes"]).values()
                search.start(counts, lows, highs, cast(Any, states[_LOOK]))
                # What the search has seen it keeps itself, as far as it needs that.
                self._states[scope] = {k: found for k, found in states.items() if k != _LOOK}
            else:
                search.absorb(cast(Any, states[_LOOK]))
        return all(search.results is not None for search in self._searches.values())

    def _learn(self, results: dict[Scope, States]) -> None:
        """Let the method draw its conclusions, and go on to the next thing or step."""
        step = len(self.steps)
        method, needs = self.chain[step], self._needs
        assert needs is not None
        scale = input_scale(self.dtype, self.chain, step) if needs.of is None else 0
        small = cells_of(self._small, self.channels[step].count)
        for scope in self._scopes:
            if self._needs_of(scope) is None:
                continue
            states = self._states.get(scope) or results.get(scope)
            if states is None:
                states = fold(results["groups"], self.channels[step].count)
            search = self._searches.get(scope)
            quantiles, spread = {}, None
            if search is not None and search.results is not None:
                quantiles = {p: search.results[percentile_fraction(p)] for p in needs.percentiles}
                spread = search.spread
            found = self._found.setdefault(scope, {})
            known = once(method.given) | found
            unused = small if scope == "groups" else frozenset[int]()
            summary = Summary(states, scale, quantiles, spread, unused)
            found |= learn(self.name, method, summary, known)
        self._searches, self._states = {}, {}
        if all(self._needs_of(scope) is None for scope in self._scopes):
            self.steps.append(
                finish_step(
                    self.name,
                    self.dtype,
                    method,
                    self._found["rows"],
                    self._found.get("groups"),
                    self.channels[step].shape,
                    self._small,
                )
            )
            self._found = {}
            self._skip_unfitted()

    def result(self) -> FittedColumn:
        """Return the fitted column, once it is done."""
        first = self.inputs[0]
        assert first is not None and self.done, "the raw column is described in the first scan"
        return FittedColumn(
            self.name,
            self.dtype,
            tuple(self.steps),
            summarize(self.dtype, self.chain, first),
            tuple(self.inputs),
            self._small,
            self.target.members,
        )

    @property
    def _small(self) -> tuple[int, ...]:
        """The groups that take the parameters of all rows; known once their values are counted."""
        if not self.grouped:
            return ()
        return small_among(self.name, self.dtype, self.chain, self.inputs, self.min_group) or ()

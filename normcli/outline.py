"""The plan of a fit in words: which scans there will be, and what each takes of every column."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from normcli.fitted import needed_statistics
from normcli.recipe import Chain, chain_text

__all__ = ["Stage", "outline", "stages"]

# Exact percentiles that do not fit in memory are narrowed down by counting.
_MORE_SEARCHING = {False: 1, True: 2}


@dataclass(frozen=True)
class Stage:
    """What is taken of one column in one scan, and how many scans more that may need."""

    taken: str
    more: int = 0


def stages(chain: Chain, grouped: bool, sketched: bool) -> list[Stage]:
    """Return the stages of a column's fit, each of which waits for the one before.

    >>> from normcli.recipe import parse_chain
    >>> for stage in stages(parse_chain("log+zscore+minmax"), grouped=False, sketched=False):
    ...     print(stage.taken)
    counts, extremes, moments; zscore, on the output of log: counts, moments; the domain of log
    minmax, on the output of log+zscore: counts, extremes
    """
    made: list[Stage] = []
    checked = 0
    for i, method in enumerate(chain):
        for k, question in enumerate(method.questions if method.fitted else ()):
            parts = [] if made or (i == 0 and k == 0) else [_raw(chain, sketched)]
            asked = [*(needed_statistics(chain, i, sketched) if k == 0 else ()), question.what]
            parts.append(_place(chain, i) + ", ".join(part for part in asked if part))
            parts += _domains(chain, checked, i + 1)
            checked = max(checked, i + 1)
            search = question.searched and not sketched
            more = question.more + (_MORE_SEARCHING[grouped] if search else 0)
            made.append(Stage("; ".join(parts), more))
    if not made:
        made.append(Stage("; ".join([_raw(chain, sketched), *_domains(chain, 0, len(chain))])))
    elif domains := _domains(chain, checked, len(chain)):
        made.append(Stage("; ".join(domains)))
    return made


def _raw(chain: Chain, sketched: bool) -> str:
    return ", ".join(needed_statistics(chain, 0, sketched))


def _place(chain: Chain, step: int) -> str:
    """Return what a step's statistics are taken of, where that is not the column itself."""
    if step == 0:
        return ""
    return f"{chain[step].name}, on the output of {chain_text(chain[:step])}: "


def _domains(chain: Chain, start: int, stop: int) -> list[str]:
    names = [step.name for step in chain[start:stop] if step.looks]
    return [f"the domain of {' and '.join(names)}"] if names else []


def outline(chains: Mapping[str, Chain], by: tuple[str, ...], sketched: bool) -> str:
    """Return the scans of a fit as text, a line for each column in each of them.

    All columns share every scan. Scans that a search for percentiles may need besides come
    before the column's next line.
    """
    every = {name: stages(chain, bool(by), sketched) for name, chain in chains.items()}
    least = max(len(each) for each in every.values())
    most = max(sum(1 + stage.more for stage in each) for each in every.values())
    scans = (
        f"{least} scan{'s' if most > 1 else ''}" if least == most else f"{least} to {most} scans"
    )
    grouped = f" by {', '.join(by)}" if by else ""
    lines = [f"{scans} of the data, {len(chains)} column{'s' * (len(chains) > 1)}{grouped}"]
    width = max(map(len, chains))
    for scan in range(least):
        lines.append(f"scan {scan + 1}")
        for name, each in every.items():
            if scan < len(each):
                more = each[scan].more
                besides = f" (up to {more} scan{'s' * (more > 1)} more)" if more else ""
                lines.append(f"  {name:<{width}}  {each[scan].taken}{besides}")
    return "\n".join(lines) + "\n"

"""Samples, alternated runs and ratios. Pure arithmetic; knows nothing of what is measured."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple, TypeVar

T = TypeVar("T")


class Ratio(NamedTuple):
    """A median with the least and the greatest of what it is the median of."""

    median: float
    least: float
    greatest: float


def median(samples: Sequence[float]) -> float:
    """The middle sample; the mean of the two middle ones for an even number."""
    return statistics.median(samples)


def quantile(samples: Sequence[float], q: float) -> float:
    """The sample below which a share `q` of them lies (nearest rank)."""
    ordered = sorted(samples)
    return ordered[min(len(ordered) - 1, int(q * len(ordered)))]


def summary(samples: Sequence[float]) -> Ratio:
    """Median, least and greatest."""
    return Ratio(median(samples), min(samples), max(samples))


def ratio(ours: Sequence[float], theirs: Sequence[float]) -> Ratio:
    """Ratio by round: the machine's slow drift falls out, because both were measured in each round."""
    return summary([a / b for a, b in zip(ours, theirs, strict=True)])


def alternate(rounds: int, runs: Mapping[str, Callable[[], T]]) -> dict[str, list[T]]:
    """Do every run once a round (A B C A B C …) and collect what each returned."""
    collected: dict[str, list[T]] = {name: [] for name in runs}
    for _ in range(rounds):
        for name, run in runs.items():
            collected[name].append(run())
    return collected

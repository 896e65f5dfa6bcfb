"""Damaged model files: each is either compiled, or refused with an error that is made for people.

A few hundred here; `make fuzz` runs 20,000 (tests/fuzz/campaign.py).
"""

from __future__ import annotations

import time
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from fuzz_mutants import compiled, mutant, outcome
from fuzz_seeds import seeds

from fuzz.campaign import check_compiled, run

PARTS, EACH = 16, 140


def test_seeds_are_sound(tmp_path: Path) -> None:
    for seed in seeds():
        path = tmp_path / f"seed{seed.suffix}"
        path.write_bytes(seed.data)
        assert compiled(path, np.random.default_rng(1))[0] == "compiled"


def test_mutants_are_given_by_their_numbers() -> None:
    first, again = ([mutant(number) for number in range(60)] for _ in range(2))
    assert [m.data for m in first] == [m.data for m in again]
    assert {m.how for m in first} == {"fields", "bytes", "both", "splice"}
    assert {m.seed.name for m in first} == {s.name for s in seeds()}
    assert mutant(3, seed=1).data != first[3].data


@pytest.mark.parametrize("part", [*range(3), *(pytest.param(p, marks=pytest.mark.slow) for p in range(3, PARTS))])
def test_mutants(part: int, tmp_path: Path) -> None:
    ends: Counter[str] = Counter()
    defects: list[str] = []
    for number in range(part * EACH, (part + 1) * EACH):
        made = mutant(number)
        path = tmp_path / f"mutant{made.seed.suffix}"
        path.write_bytes(made.data)
        begun = time.process_time()
        end, why = outcome(path, np.random.default_rng(number))
        ends[end] += 1
        if end in ("defect", "memory"):
            defects.append(f"mutant {number}, {made.seed.name}, {made.how}: {why}")
        if time.process_time() - begun > 20:
            defects.append(f"mutant {number}: takes too long")
    assert not defects, "\n".join(defects)
    assert ends["refused"] and ends["compiled"], ends


@pytest.mark.slow
def test_a_short_campaign(tmp_path: Path) -> None:
    """Workers with limits of time and memory; what is accepted is compiled with sanitizers and gives the same bits."""
    report = run(range(40), 0, 2, tmp_path)
    assert sum(report.ends.values()) == 40 and not report.defects
    assert report.accepted
    problems = check_compiled(report.accepted[:3], 0, 2, tmp_path)
    assert problems == []


@pytest.mark.slow
def test_a_campaign_notices(tmp_path: Path) -> None:
    """A mutant that never ends, one that takes too much memory, one that kills its worker, one that raises."""
    report = run(range(6), 0, 2, tmp_path, seconds=4, memory=1 << 30, work="fuzz.misbehaving")
    ends = {number: what for number, _, what in report.defects}
    assert ends[1].startswith("hang") and ends[2].startswith("memory")
    assert ends[3].startswith("crash") and ends[4].startswith("defect: ZeroDivisionError")
    assert sorted(ends) == [1, 2, 3, 4] and report.ends["refused"] == 2

"""Near-duplicates by signatures, against the Jaccard index counted by hand."""

from __future__ import annotations

import numpy as np

from auscult.engine.quality.minhash import ALIKE, EMPTY, PLACES, alike_pairs, alike_to_any


def _signature(members: set[int]) -> np.ndarray:  # type: ignore[type-arg]
    """The first of a set in each of sixty random orders of 2000 numbers."""
    orders = np.stack([np.random.default_rng(k).permutation(2000) for k in range(PLACES)])
    return orders[:, sorted(members)].min(axis=1).astype(np.uint32)


def test_pairs_are_those_with_most_in_common() -> None:
    """Sets of 100: two share 96 (Jaccard 0.92), two share 60 (0.43), the rest next to nothing."""
    rng = np.random.default_rng(0)
    sets = [set(rng.choice(2000, 100, replace=False).tolist()) for _ in range(40)]
    sets[7] = set(sorted(sets[3])[:96]) | {1996, 1997, 1998, 1999}
    sets[9] = set(sorted(sets[5])[:60]) | set(range(1960, 2000))
    assert alike_pairs(np.stack([_signature(s) for s in sets])).tolist() == [[3, 7]]


def test_the_share_of_equal_places_is_the_share_in_common() -> None:
    a, b = _signature(set(range(90))), _signature(set(range(9, 99)))
    assert abs((a == b).mean() - 81 / 99) < 0.12
    assert ALIKE == 0.8


def test_empty_records_are_like_no_other() -> None:
    signatures = np.full((5, PLACES), EMPTY)
    assert alike_pairs(signatures).shape == (0, 2)
    signatures[1] = signatures[4] = _signature({1, 2, 3})
    assert alike_pairs(signatures).tolist() == [[1, 4]]


def test_every_copy_of_a_template_is_found() -> None:
    """More copies than are compared pair by pair: each is in a pair at least."""
    signatures = np.stack([_signature({1, 2, 3})] * 300)
    assert np.unique(alike_pairs(signatures)).tolist() == list(range(300))


def test_what_is_like_any_of_others_is_found_among_many_copies() -> None:
    """One set of a thousand shares 96 of 100 with the record; before it stand copies that share a band and no more."""
    members = set(range(100))
    near = _signature(set(sorted(members)[:96]) | {1996, 1997, 1998, 1999})
    record = _signature(members)
    other = _signature(set(range(500, 600)))
    decoy = other.copy()
    decoy[:5] = record[:5]
    known = np.concatenate([np.repeat(decoy[None], 1000, axis=0), near[None], np.full((1, PLACES), EMPTY)])
    nothing = np.full(PLACES, EMPTY)
    asked = np.stack([nothing, _signature(set(range(900, 1000))), record])
    assert alike_to_any(asked, known).tolist() == [2]
    assert alike_to_any(asked, known[:1000]).tolist() == []

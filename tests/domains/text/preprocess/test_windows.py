from __future__ import annotations

import numpy as np

from auscult.domains.text.preprocess.windows import pieces, step_of, together, total_of


def test_pieces_by_hand() -> None:
    """Length 8, step 6, three pieces cover 20: 8 tokens are one piece, 9 are two, 15 and 20 are three."""
    assert (step_of(8), total_of(8, 3)) == (6, 20)
    tokens = np.zeros((5, 20), dtype=np.int64)
    for row, size in enumerate((8, 9, 15, 20, 0)):
        tokens[row, :size] = np.arange(1, size + 1)
    made, text, position = pieces(tokens, 8, 3)
    assert text.tolist() == [0, 1, 1, 2, 2, 2, 3, 3, 3, 4]
    assert position.tolist() == [0, 0, 6, 0, 6, 12, 0, 6, 12, 0]
    assert made[2].tolist() == [7, 8, 9, 0, 0, 0, 0, 0]
    assert made[8].tolist() == list(range(13, 21))


def test_every_token_is_in_a_piece() -> None:
    for size in range(1, 39):
        tokens = np.where(np.arange(total_of(10, 4)) < size, np.arange(total_of(10, 4)) + 1, 0)[None]
        made, _, _ = pieces(tokens, 10, 4)
        assert set(made.ravel().tolist()) - {0} == set(tokens.ravel().tolist()) - {0}


def test_answers_of_pieces_are_averaged() -> None:
    made, record = together({"p": np.array([[0.2], [0.4], [0.9]])}, np.array([3, 3, 5]))
    assert record.tolist() == [3, 5]
    np.testing.assert_allclose(made["p"], [[0.3], [0.9]])

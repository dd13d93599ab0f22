"""Texts token by token: by counts, by a graph with a memory, in pieces, and how probable a given text is."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import torch
from torch import nn

from auscult.base.contracts import Program
from auscult.engine.drivers import load_program
from auscult.engine.drivers.next_token import run_hash
from auscult.engine.drivers.pieces import Pieces, learned_words
from auscult.engine.train import Batch, export_onnx

TEXTS = [b"the pump leaks", b"the pump stops", b"the line leaks"]


def as_numbers(texts: Sequence[bytes], length: int) -> npt.NDArray[np.int64]:
    rows = np.full((len(texts), length), -1, dtype=np.int64)
    for row, text in enumerate(texts):
        rows[row, : len(text)] = list(text)
    return rows


def test_pieces_lose_nothing_and_rare_words_are_no_pieces() -> None:
    pieces = Pieces(learned_words(TEXTS, least=2, most=99))
    for text in (b"the pump, twice\n12 the", "泵 leaks – ¡ya!".encode(), bytes(range(1, 256))):
        assert pieces.text(pieces.cut(text)) == text
    assert len(pieces) == 256 + 3  # the, pump, leaks; stops and line stand in one text each
    assert len(pieces.cut(b"the pump")) == 2
    assert len(pieces.cut(b"the line")) == 1 + len(b" line")


def test_the_most_frequent_words_come_first_and_equal_ones_by_their_bytes() -> None:
    words = learned_words(TEXTS, least=1, most=3)
    assert [bytes(w).rstrip(b"\0") for w in words] == [b"the", b" leaks", b" pump"]


def counts_program(sequences: Sequence[Sequence[int]], n_tokens: int, order: int, **settings: object) -> Program:
    table: dict[int, dict[int, int]] = {}
    for sequence in sequences:
        for at in range(1, len(sequence)):
            for length in range(min(order, at) + 1):
                after = table.setdefault(run_hash(sequence[at - length : at]), {})
                after[sequence[at]] = after.get(sequence[at], 0) + 1
    runs = sorted(table)
    arrays = {
        "run": np.array(runs, dtype=np.int64),
        "begin": np.cumsum([0, *(len(table[r]) for r in runs)]),
        "next": np.array([t for r in runs for t in table[r]], dtype=np.int64),
        "count": np.array([c for r in runs for c in table[r].values()], dtype=np.int64),
    }
    base = {"end": 0, "max_length": 6, "context": 9, "order": order, "tokens": n_tokens, "temperature": 0.0}
    return Program("decode", ("prompt", "seed"), {}, arrays, {**base, **settings})


def test_counts_interpolate_as_witten_and_bell_do() -> None:
    """After 1: 2 twice, 3 once. All: 2 twice, 3 once, 0 three times; V is 4."""
    run = load_program(counts_program([[1, 2, 0], [1, 2, 0], [1, 3, 0]], 4, 1))
    given = np.array([[2], [3]])
    made = run({"prompt": np.array([[1], [1]]), "seed": np.array([0, 0]), "given": given})
    unigram = {t: (c + 3 * 0.25) / (6 + 3) for t, c in ((0, 3), (2, 2), (3, 1))}
    after_1 = {t: (c + 2 * unigram[t]) / (3 + 2) for t, c in ((2, 2), (3, 1))}
    end = [(2 + unigram[0]) / (2 + 1), (1 + unigram[0]) / (1 + 1)]
    expected = [np.log(after_1[2] * end[0]), np.log(after_1[3] * end[1])]
    np.testing.assert_allclose(made["log_probability"], expected, rtol=1e-12)


def test_probabilities_of_all_next_tokens_sum_to_one() -> None:
    program = counts_program([[1, 2, 0], [1, 2, 0], [1, 3, 0]], 4, 2, end=1)
    given = np.array([[0], [2], [3]])
    one = {"prompt": np.ones((3, 1), np.int64), "seed": np.zeros(3, np.int64)}
    with_end = load_program(program)({**one, "given": given})["log_probability"]
    assert np.exp(with_end).sum() < 1
    made = load_program(program)({"prompt": np.array([[1]]), "seed": np.array([0])})["tokens"]
    assert made.tolist() == [[1, 2, 0, 0, 0, 0]]  # 0 after 2 always, then what is most frequent of all


def test_text_in_pieces_is_bytes_outside() -> None:
    words = learned_words(TEXTS, least=2, most=99)
    pieces = Pieces(words)
    program = counts_program([[*pieces.cut(t), 0] for t in TEXTS[:1] * 3], len(pieces), 2, max_length=20)
    program = Program(program.driver, program.inputs, {}, {**program.arrays, "words": words}, program.settings)
    made = load_program(program)({"prompt": as_numbers([b"the", b"the pump"], 8), "seed": np.array([0, 1])})
    np.testing.assert_array_equal(made["tokens"], as_numbers([b"the pump leaks"] * 2, 20))


def test_a_full_text_is_cut_at_its_length() -> None:
    words = learned_words(TEXTS, least=2, most=99)
    pieces = Pieces(words)
    program = counts_program([[*pieces.cut(TEXTS[0]), 0]] * 3, len(pieces), 2, max_length=10)
    program = Program(program.driver, program.inputs, {}, {**program.arrays, "words": words}, program.settings)
    made = load_program(program)({"prompt": as_numbers([b"the"], 3), "seed": np.array([0])})["tokens"]
    np.testing.assert_array_equal(made, as_numbers([b"the pump l"], 10))


class _Remembers(nn.Module):
    """Scores token k by how often it came before, minus its number / 10; keeps a 1 at its place."""

    def forward(self, token: torch.Tensor, place: torch.Tensor, past: torch.Tensor) -> torch.Tensor:
        own = torch.nn.functional.one_hot(token, 4).float() + 0 * place[:, None]
        return torch.cat([past.sum(dim=2).flatten(1) + own - torch.arange(4) / 10, own], dim=1)


def test_a_graph_with_a_memory_sees_all_tokens_before() -> None:
    example = Batch(
        {
            "token": torch.zeros(2, dtype=torch.int64),
            "place": torch.zeros(2, dtype=torch.int64),
            "past": torch.zeros(2, 2, 3, 2),
        },
        None,
    )
    graph = export_onnx(_Remembers(), example, "scores", free=("past",), free_axis=2)
    settings = {"end": 0, "max_length": 9, "context": 5, "kept": [2, 2], "temperature": 0.0}
    run = load_program(Program("decode", ("prompt", "seed"), {"step": graph}, {}, settings))
    prompt = np.array([[3, 2, 3], [1, 2, -1], [2, -1, -1]])
    made = run({"prompt": prompt, "seed": np.zeros(3, np.int64)})["tokens"]
    assert made[:, :5].tolist() == [[3, 2, 3, 3, 3], [1, 2, 1, 1, 1], [2, 2, 2, 2, 2]]
    assert (made[:, 5:] == -1).all()  # no more places
    alone = run({"prompt": prompt[1:2], "seed": np.zeros(1, np.int64)})["tokens"]
    np.testing.assert_array_equal(alone, made[1:2])
    told = run({"prompt": prompt[2:], "seed": np.zeros(1, np.int64), "given": np.array([[1, 1]])})
    logits = np.array([[0, 0, 1, 0], [0, 1, 1, 0], [0, 2, 1, 0]]) - np.arange(4) / 10
    logs = logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))
    np.testing.assert_allclose(told["log_probability"], logs[0, 1] + logs[1, 1] + logs[2, 0], rtol=1e-5)
    long = run({"prompt": prompt[:1], "seed": np.zeros(1, np.int64), "given": np.array([[1, 1, 1]])})
    assert np.isnan(long["log_probability"]).all()  # no places for it: not scored in part


def test_short_texts_finish_while_long_ones_go_on() -> None:
    """Three of four have ended after their first token; the last writes on with what it remembers."""
    program = counts_program([[3, 2, 1, 2, 0], [2, 0], [2, 0], [2, 0]], 4, 3)
    alone = load_program(program)({"prompt": np.array([[3]]), "seed": np.array([0])})["tokens"]
    prompt = np.array([[2], [2], [2], [3]])
    made = load_program(program)({"prompt": prompt, "seed": np.zeros(4, np.int64)})["tokens"]
    assert made.tolist() == [[2, 0, -1, -1, -1, -1]] * 3 + [[3, 2, 1, 2, 0, -1]]
    np.testing.assert_array_equal(made[3:], alone)


def test_an_empty_prompt_begins_a_new_text() -> None:
    run = load_program(counts_program([[0, 2, 1, 0]] * 2, 4, 2))
    made = run({"prompt": np.full((1, 2), -1), "seed": np.array([0])})["tokens"]
    assert made.tolist() == [[0, 2, 1, 0, -1, -1]]

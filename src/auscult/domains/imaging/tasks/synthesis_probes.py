"""What generated pictures are worth, and whether they are copies: judged with the training pictures at hand.

Worth: a classifier is trained on generated pictures only, on real ones, on a tenth of the real ones, and on that tenth
with generated ones; all answer for the same real test pictures. The generator has seen all training pictures, so the
gain is that of somebody who has few of his own and is given generated ones.

Copies: distance of every training picture and of every held-out one to the nearest generated picture. Validation
pictures are held out of the same source; test pictures may come from elsewhere, which alone makes a difference, so both
are told apart.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from io import BytesIO
from pathlib import Path

import numpy as np

from auscult.base.arrays import Array
from auscult.base.contracts import FitContext, Index, Items, ItemSet, Outputs, Probe, Run, TaskSpec
from auscult.base.files import hash_of, sha256, write_bytes
from auscult.base.recipe import TrainTable
from auscult.base.registry import resolve
from auscult.domains.imaging.preprocess.appearance import appearance
from auscult.engine.drivers import load_program
from auscult.engine.metrics.generated import nearest_distances

CLASSIFIER = "auscult.domains.imaging.models.convnet"
BATCH_SIZE, LEARNING_RATE = 64, 2e-3
HELD_OUT_SHARE = 10
"""One of so many training pictures of a trial decides which of its epochs is taken."""
WORTH = ("tstr_auc", "trtr_auc", "tstr_share", "synthetic_gain")
SHOWN, ACROSS = 24, 8


@dataclass(frozen=True)
class Trial:
    """How often, how long and on which share of the real pictures a classifier is trained."""

    trainings: int
    epochs: int
    few: float


@dataclass(frozen=True, repr=False)
class Pictures:
    """Pictures (N, 1, H, W) and their classes (N,)."""

    image: Array
    label: Array

    def take(self, rows: Index) -> Pictures:
        """Return some of them."""
        return Pictures(self.image[rows], self.label[rows])

    def and_also(self, other: Pictures) -> Pictures:
        """Return these and others."""
        return Pictures(np.concatenate([self.image, other.image]), np.concatenate([self.label, other.label]))


def probes(spec: TaskSpec, roles: Mapping[str, ItemSet], run: Run, *, context: FitContext, trial: Trial) -> list[Probe]:
    """Judge a generator.

    Parameters
    ----------
    spec : TaskSpec
        The task.
    roles : mapping of str to ItemSet
        Items of train, valid and test.
    run : Run
        The generator.
    context : FitContext
        Seed, and the folder where trained classifiers stay.
    trial : Trial
        How classifiers are trained.

    Returns
    -------
    list of Probe
        Worth (where there are two classes at least); copies against validation and against test; the kernel distance
        that training pictures have; the generated pictures that come nearest to training pictures.
    """
    train, test = _pictures(roles["train"]), _pictures(roles["test"])
    made = _made(roles["train"], run, context.seed)
    found = []
    if len(spec.labels) > 1:
        found.append(_worth(spec, train, made, test=roles["test"], context=context, trial=trial))
    for role, suffix in (("valid", ""), ("test", "against_test")):
        found.append(_copies(spec, made, roles["train"], held_out=roles[role], suffix=suffix))
    n = min(len(train.label), len(test.label))
    rows = np.random.default_rng([context.seed, 3]).permutation(len(train.label))[:n]
    features = [appearance(p.image[:, 0]) for p in (train.take(rows), test.take(np.arange(n)))]
    real = Outputs({"feature": features[0]}, _records(roles["test"])[:n], None, {"real": features[1]})
    found.append(Probe(replace(spec, metrics=("kid",)), real, "of_training_images"))
    held_out = _pictures(roles["valid"]).and_also(test)
    found.append(_nearest(spec, made, train, held_out, context=context))
    return found


def _pictures(items: ItemSet) -> Pictures:
    return Pictures(items.target(), items.inputs()["label"])


def _records(items: ItemSet) -> Index:
    return np.asarray(items.items.record[items.rows], dtype=np.int64)


def _made(train: ItemSet, run: Run, seed: int) -> Pictures:
    """As many generated pictures as there are training pictures, of the same classes."""
    rng = np.random.default_rng([seed, 1])
    inputs = train.inputs()
    label = inputs["label"][rng.permutation(len(train))]
    noise = rng.normal(size=inputs["noise"].shape).astype(np.float32)
    return Pictures(np.asarray(run({"noise": noise, "label": label})["sample"], dtype=np.float32), label)


def _worth(
    spec: TaskSpec, train: Pictures, made: Pictures, *, test: ItemSet, context: FitContext, trial: Trial
) -> Probe:
    """Probabilities that classifiers give to the test pictures, (M, R, K) for each kind of training pictures."""
    pictures = _pictures(test)
    answers: dict[str, list[Array]] = {"real": [], "synthetic": [], "few": [], "few_and_synthetic": []}
    n = len(train.label)
    for number in range(trial.trainings):
        rng = np.random.default_rng([context.seed, 2, number])
        few = rng.permutation(n)[: max(2 * HELD_OUT_SHARE, round(trial.few * n))]
        half = made.take(rng.permutation(n)[: n - n // 2])
        sets = {
            "real": train,
            "synthetic": made,
            "few": train.take(np.resize(few, n)),
            "few_and_synthetic": train.take(np.resize(few, n // 2)).and_also(half),
        }
        for name, learned in sets.items():
            learner = replace(context, spec=_classes(spec), seed=context.seed + number)
            answers[name].append(_trained(learned, pictures.image, learner, trial))
    arrays = {name: np.stack(each, axis=1) for name, each in answers.items()}
    return Probe(replace(spec, metrics=WORTH), Outputs(arrays, _records(test), None, {"label": pictures.label}))


def _classes(spec: TaskSpec) -> TaskSpec:
    return replace(spec, kind="class", primary="roc_auc", metrics=("roc_auc",))


def _trained(learned: Pictures, asked: Array, context: FitContext, trial: Trial) -> Array:
    """Train a classifier and let it answer, (M, K); each training has a folder of its own, named by what it learns."""
    rows = np.random.default_rng([context.seed, 4]).permutation(len(learned.label))
    items = Items({"image": learned.image}, np.arange(len(rows)), np.zeros_like(rows), learned.label)
    cut = max(2, len(rows) // HELD_OUT_SHARE)
    table = TrainTable(
        epochs=trial.epochs, patience=trial.epochs, batch_size=BATCH_SIZE, learning_rate=LEARNING_RATE,
        threads=context.settings.threads,
    )  # fmt: skip
    content = [sha256(np.ascontiguousarray(a).tobytes()) for a in (learned.image, learned.label)]
    key = hash_of([content, context.seed, table.model_dump()])[:12]
    context = replace(context, settings=table, folder=context.folder.parent / f"trial-{key}")
    model = resolve(f"{CLASSIFIER}:Convnet")(resolve(f"{CLASSIFIER}:ConvnetConfig")(shift=0.1))
    program = model.fit(ItemSet(items, rows[cut:]), ItemSet(items, rows[:cut]), context).export()
    return np.asarray(load_program(program, threads=table.threads)({"image": asked})["probability"])


def _copies(spec: TaskSpec, made: Pictures, train: ItemSet, *, held_out: ItemSet, suffix: str) -> Probe:
    """Distance of training and of held-out pictures to the nearest generated one, in grey values over all pixels."""
    real = [_flat(_pictures(items).image) for items in (train, held_out)]
    distance = nearest_distances(np.concatenate(real), _flat(made.image))
    member = np.repeat([True, False], [len(r) for r in real])
    records = np.concatenate([_records(items) for items in (train, held_out)])
    outputs = Outputs({"distance": distance}, records, None, {"member": member})
    return Probe(replace(spec, metrics=("membership_auc",)), outputs, suffix)


def _nearest(spec: TaskSpec, made: Pictures, train: Pictures, held_out: Pictures, *, context: FitContext) -> Probe:
    """The generated pictures that come nearest to any training picture; pairs are kept in the run folder only."""
    flat, known = _flat(made.image), _flat(train.image)
    to_train = nearest_distances(flat, known)
    first = np.argsort(to_train, kind="stable")[:SHOWN]
    arrays = {
        "sample": made.image[first],
        "to_train": to_train[first],
        "to_held_out": nearest_distances(flat[first], _flat(held_out.image)),
    }
    squares = np.einsum("np,np->n", known, known)
    nearest = [int(np.argmin(squares - 2.0 * (known @ row))) for row in flat[first]]
    _keep_pairs(context.folder / "nearest-pairs.png", made.image[first], train.image[nearest])
    return Probe(replace(spec, metrics=()), Outputs(arrays, np.zeros(len(first), dtype=np.int64)))


def _keep_pairs(path: Path, made: Array, real: Array) -> None:
    """Keep generated pictures and, under each, the training picture that is nearest: for whoever holds the data."""
    from PIL import Image

    pairs = np.concatenate([made[:, 0], real[:, 0]], axis=1)  # (n, 2 H, W)
    pairs = np.concatenate([pairs, np.ones((-len(pairs) % ACROSS, *pairs.shape[1:]))])  # a row that ends early is white
    rows = [np.concatenate(list(pairs[i : i + ACROSS]), axis=1) for i in range(0, len(pairs), ACROSS)]
    stream = BytesIO()
    Image.fromarray(np.round(255 * np.concatenate(rows)).astype(np.uint8)).save(stream, "PNG")
    write_bytes(path, stream.getvalue())


def _flat(image: Array) -> Array:
    return np.asarray(image.reshape(len(image), -1), dtype=np.float64)

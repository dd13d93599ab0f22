"""A release is bound by hashes: whatever changes in it is found and named."""

from __future__ import annotations

import csv
import json
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from auscult.base.arrays import Array
from auscult.base.contracts import Items, Outputs, RecordBatch
from auscult.base.errors import ReadError, UsageError, VerifyError
from auscult.base.files import files_under, read_json, write_json
from auscult.engine.build import BuildOptions, build
from auscult.engine.release.sign import sign_file
from auscult.engine.release.verify import Verification, seal_of, verify_release
from auscult.engine.runtime import UNSURE, open_release
from auscult.engine.scan import ScanOptions, scan
from toys import DOMAIN
from toys.battery import Once, example_folder, fits_schema, task_of
from toys.examples import write_toy
from toys.recipes import MAIN, toy_recipe

KEYS = ("ours", "theirs")


def _keys(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name in KEYS:
        key = Ed25519PrivateKey.generate()
        (folder / f"{name}.pem").write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
        public = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
        (folder / f"{name}.pub").write_bytes(public)


@pytest.fixture(scope="session")
def keys(once: Once) -> Path:
    return once("keys", _keys)


@pytest.fixture(scope="session")
def built(once: Once, keys: Path) -> Callable[[str], Path]:
    """Return the release folder of a toy task; ``signed`` is one with a signature."""

    def release(task: str) -> Path:
        key = keys / "ours.pem" if task == "signed" else None
        recipe = toy_recipe("codes" if task == "signed" else task)
        return (
            once(f"run-{task}", lambda f: build(recipe, f, DOMAIN, options=BuildOptions(signing_key=key, workers=1)))
            / "release"
        )

    return release


def _verify(folder: Path, **more: Path) -> Verification:
    return verify_release(folder, lambda name: DOMAIN, **more)


def _detail(found: Verification) -> str:
    return "; ".join(f"{v.what}: {v.detail}" for v in found.verdicts if not v.passed)


@pytest.mark.parametrize("task", MAIN)
def test_every_kind_of_answer_reaches_a_verified_release(task: str, built: Callable[[str], Path]) -> None:
    release = built(task)
    found = _verify(release)
    assert found.passed, _detail(found)
    manifest = read_json(release / "release.json")
    assert (
        manifest["content_hash"]
        == found.content_hash
        == read_json(release / "evidence" / "metrics.json")["content_hash"]
    )
    assert {v.what for v in found.verdicts} == {"files", "manifest", "content hash", "signature", "golden answers"}


@pytest.mark.parametrize("task", MAIN)
def test_every_kind_of_answer_is_served_by_its_schema(task: str, built: Callable[[str], Path]) -> None:
    opened = open_release(built(task), lambda name: DOMAIN)
    folder = example_folder(DOMAIN.name, task_of(DOMAIN.name, task).spec.example, True)
    answers = list(opened.answer_path(folder))
    assert answers
    assert any(a.status == "answered" for a in answers), [a.reason for a in answers]
    for answer in answers:
        for value in answer.answers:
            plain = {k: v for k, v in json.loads(json.dumps(value)).items() if k not in ("at", "at_s")}
            assert not fits_schema(plain, opened.manifest["answer_schema"])


def test_answers_that_are_files_are_written_where_they_are_asked_for(
    built: Callable[[str], Path], tmp_path: Path
) -> None:
    opened = open_release(built("blob"), lambda name: DOMAIN)
    folder = example_folder(DOMAIN.name, opened.spec.example, True)
    answers = [a for a in opened.answer_path(folder, out=tmp_path / "new") if a.status == "answered"]
    assert answers
    assert {p.name for p in (tmp_path / "new").iterdir()} == {name for a in answers for name in a.files}
    assert not any(a.files for a in opened.answer_path(folder))


def test_predictions_hold_no_group_but_those_that_are_reported(built: Callable[[str], Path]) -> None:
    """What a split is by may be a text or a number of a person."""
    names = set(pq.read_table(built("colour") / "evidence" / "predictions.parquet").column_names)
    assert names >= {"record", "kind", "site", "sex"}
    assert "bed" not in names


def test_a_file_that_cannot_be_written_costs_no_answer(
    built: Callable[[str], Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened = open_release(built("blob"), lambda name: DOMAIN)
    folder = example_folder(DOMAIN.name, opened.spec.example, True)
    plain = list(opened.answer_path(folder))

    def write(*_: object, **__: object) -> None:
        raise ReadError("image: expected a frame of reference, got none; export it again")

    monkeypatch.setattr(type(opened.task), "write", write)
    answers = list(opened.answer_path(folder, out=tmp_path / "new"))
    assert [(a.record, a.status, a.answers) for a in answers] == [(a.record, a.status, a.answers) for a in plain]
    told = {a.reason for a in answers if a.status == "answered"}
    assert told == {"no file was written: image: expected a frame of reference, got none; export it again"}


def test_a_table_says_what_predict_says(
    built: Callable[[str], Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Here no answer is sure enough; and a record with several answers is no row of a table."""
    opened = open_release(built("colour"), lambda name: DOMAIN)
    folder = example_folder(DOMAIN.name, opened.spec.example, True)
    monkeypatch.setattr(type(opened.kind), "silent", lambda _, outputs: np.ones(len(outputs), dtype=bool))
    made = scan(opened, [folder], tmp_path / "out", options=ScanOptions(workers=1))
    with made.answers.open(newline="") as stream:
        rows = [(row["record"], row["status"], row["reason"]) for row in csv.DictReader(stream)]
    assert rows == [(a.record, a.status, a.reason) for a in opened.answer_path(folder)]
    assert ("abstained", UNSURE) in {row[1:] for row in rows}
    with pytest.raises(UsageError, match="--by: expected a column of numbers, got 'label', which holds words"):
        scan(opened, [folder], tmp_path / "words", options=ScanOptions(top=1, by="label"))

    def twice(_: object, batch: RecordBatch, items: Items, arrays: Mapping[str, Array]) -> Outputs:
        probability = np.repeat(np.asarray(arrays["probability"]), 2, axis=0)
        return Outputs({"probability": probability}, np.repeat(items.record, 2), np.tile([0, 1], len(items.record)))

    monkeypatch.setattr(type(opened.task), "join", twice)
    with pytest.raises(UsageError, match="--table: expected one answer a record, got several of one, each at its"):
        scan(opened, [folder], tmp_path / "more", options=ScanOptions(workers=1))


def test_names_of_classes_are_cells_of_the_first_line(
    built: Callable[[str], Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened = open_release(built("colour"), lambda name: DOMAIN)
    columns = type(opened.kind).columns

    def renamed(*given: Any) -> dict[str, Array]:
        return {f'Gerät "{name}", \\': values for name, values in columns(*given).items()}

    monkeypatch.setattr(type(opened.kind), "columns", renamed)
    folder = example_folder(DOMAIN.name, opened.spec.example, True)
    made = scan(opened, [folder], tmp_path / "out", options=ScanOptions(workers=1))
    with made.answers.open(newline="", encoding="utf-8") as stream:
        first, *rows = csv.reader(stream)
    assert first[:3] == ["record", "status", "reason"]
    assert 'Gerät "label", \\' in first
    assert {len(row) for row in rows} == {len(first)}


def test_pictures_of_the_task_stand_in_the_report(built: Callable[[str], Path]) -> None:
    report = (built("blob") / "evidence" / "report.html").read_text(encoding="utf-8")
    assert 'aria-label="4 blobs"' in report


def test_a_task_with_signs_has_a_gate_of_centres(built: Callable[[str], Path]) -> None:
    gate = read_json(built("colour") / "gate.json")
    assert gate["signs"]
    assert len(gate["centres"][0]) == len(gate["middle"]) == 3


def test_a_task_that_writes_no_files_says_so(built: Callable[[str], Path], tmp_path: Path) -> None:
    opened = open_release(built("codes"), lambda name: DOMAIN)
    with pytest.raises(UsageError, match="--out: the task 'codes' writes no files; its answers are all there is"):
        list(opened.answer_path(example_folder(DOMAIN.name, opened.spec.example, True), out=tmp_path))


@pytest.mark.parametrize("task", MAIN)
def test_together_or_alone_the_answer_is_the_same(task: str, built: Callable[[str], Path]) -> None:
    """Records of several clients in one call of the program are answered as each alone."""
    opened = open_release(built(task), lambda name: DOMAIN)
    folder = example_folder(DOMAIN.name, opened.spec.example, True)
    batches = [p for p in opened.read_path(folder) if not hasattr(p, "status")]
    staged = [opened.stage(b) for b in batches] * 2
    together = opened.answer(staged)
    assert together == [opened.answer([s])[0] for s in staged]


def _fault(release: Path) -> str:
    """What verification says against a release; empty where it says nothing."""
    try:
        return _detail(_verify(release))
    except VerifyError as error:
        return str(error)


def test_a_flipped_byte_in_any_file_is_found_and_named(built: Callable[[str], Path], tmp_path: Path) -> None:
    release = shutil.copytree(built("signed"), tmp_path / "release")
    files = files_under(release)
    assert len(files) >= 14
    for path in files:
        whole = path.read_bytes()
        at = len(whole) // 2
        path.write_bytes(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :])
        name = path.relative_to(release).as_posix()
        assert name in _fault(release), name
        path.write_bytes(whole)
    assert _verify(release).passed


def test_a_missing_and_a_foreign_file_are_named(built: Callable[[str], Path], tmp_path: Path) -> None:
    release = shutil.copytree(built("codes"), tmp_path / "release")
    (release / "calibration.json").unlink()
    (release / "extra.bin").write_bytes(b"x")
    found = _verify(release)
    assert not found.passed
    assert "missing: calibration.json; not listed: extra.bin" in _detail(found)


def test_an_unsigned_release_says_so_and_its_manifest_is_sealed(built: Callable[[str], Path], tmp_path: Path) -> None:
    release = shutil.copytree(built("codes"), tmp_path / "release")
    assert next(v for v in _verify(release).verdicts if v.what == "signature").detail.startswith("unsigned")
    manifest = read_json(release / "release.json")
    assert manifest["signed"] is False
    manifest["intent"]["use"] = "Anything."
    write_json(release / "release.json", manifest)
    assert "release.json: does not fit its seal" in _detail(_verify(release))


def test_signature_by_the_right_and_by_a_wrong_key(built: Callable[[str], Path], keys: Path) -> None:
    release = built("signed")
    assert _verify(release, trusted=keys / "ours.pub").passed
    assert "name the expected key" in next(v.detail for v in _verify(release).verdicts if v.what == "signature")
    assert "another key" in _detail(_verify(release, trusted=keys / "theirs.pub"))
    assert "unsigned, though a key was named" in _detail(_verify(built("codes"), trusted=keys / "ours.pub"))


def test_a_forged_release_with_a_true_signature_of_something_else_fails(
    built: Callable[[str], Path], keys: Path, tmp_path: Path
) -> None:
    """The old manifest and its true signature are put into a changed release."""
    release = shutil.copytree(built("signed"), tmp_path / "release")
    shutil.move(release / "release.json", release / "old.json")
    manifest = read_json(release / "old.json")
    manifest["intent"]["use"] = "Anything."
    manifest["files"]["old.json"] = _sha256(release / "old.json")
    manifest["seal"] = seal_of(manifest)
    write_json(release / "release.json", manifest)
    write_json(release / "signature.json", {**read_json(release / "signature.json"), "signed": "old.json"})
    found = _verify(release, trusted=keys / "ours.pub")
    assert not found.passed
    assert "expected an Ed25519 signature of release.json" in _detail(found)


def test_keys_that_are_none_are_refused(built: Callable[[str], Path], keys: Path, tmp_path: Path) -> None:
    (tmp_path / "key.pem").write_bytes(b"no key")
    with pytest.raises(UsageError, match=r"trusted key key\.pem: expected an Ed25519 public key"):
        _verify(built("codes"), trusted=tmp_path / "key.pem")
    with pytest.raises(UsageError, match=r"trusted key absent\.pem"):
        _verify(built("codes"), trusted=tmp_path / "absent.pem")
    with pytest.raises(UsageError, match=r"signing key key\.pem: .* openssl genpkey"):
        build(toy_recipe("codes"), tmp_path / "run", DOMAIN, options=BuildOptions(signing_key=tmp_path / "key.pem"))
    assert not (tmp_path / "run" / "release").exists()


def test_no_release_at_all(tmp_path: Path) -> None:
    with pytest.raises(VerifyError, match=r"expected a release folder with release\.json, got none"):
        _verify(tmp_path)
    (tmp_path / "release.json").write_text("[]")
    with pytest.raises(VerifyError, match="expected the manifest of a release"):
        _verify(tmp_path)
    with pytest.raises(VerifyError, match="expected a release folder"):
        open_release(tmp_path / "nothing", lambda name: DOMAIN)


def test_a_changed_program_gives_other_golden_answers(built: Callable[[str], Path], tmp_path: Path) -> None:
    """Hashes are made to fit again, as somebody with write access could; the golden answers still tell."""
    release = shutil.copytree(built("codes"), tmp_path / "release")
    path = release / "calibration.json"
    calibration = read_json(path)
    for label in calibration["threshold"]["labels"]:
        label["value"] = 2.0
    write_json(path, calibration)
    manifest = read_json(release / "release.json")
    manifest["files"]["calibration.json"] = _sha256(path)
    manifest["seal"] = seal_of(manifest)
    write_json(release / "release.json", manifest)
    assert "golden answers: labels: the decided labels differ" in _detail(_verify(release))


def test_nothing_names_a_person_or_a_place(built: Callable[[str], Path]) -> None:
    """Neither a subject's identifier nor a record's name nor a machine's path is in any file of a release."""
    for path in files_under(built("codes")):
        if "golden" in path.parts:
            continue  # simulated exports, made to be shown
        content = path.read_bytes()
        for word in (b"person-", b"r000", b"r011", str(Path.home()).encode() + b"/", b"/tmp/", b"key of the test run"):
            assert word not in content, (path.name, word)


def _sha256(path: Path) -> str:
    from auscult.base.files import sha256_file

    return sha256_file(path)


def test_a_signature_is_over_the_bytes_of_the_manifest(keys: Path, tmp_path: Path) -> None:
    """What sign_file signs is what a stranger checks with the standard library of his choice (RFC 8032)."""
    import base64

    from cryptography.hazmat.primitives.serialization import load_pem_private_key, load_pem_public_key

    (tmp_path / "release.json").write_bytes(b"{}")
    private = load_pem_private_key((keys / "ours.pem").read_bytes(), password=None)
    assert isinstance(private, Ed25519PrivateKey)
    sign_file(tmp_path / "release.json", private)
    about = read_json(tmp_path / "signature.json")
    load_pem_public_key(about["public_key"].encode()).verify(base64.b64decode(about["signature"]), b"{}")  # type: ignore[union-attr,call-arg]


def test_a_record_that_a_task_sifts_out_is_refused_with_its_reason(
    built: Callable[[str], Path], tmp_path: Path
) -> None:
    head = {"name": "text", "kind": "text", "dtype": ""}
    texts = ("pump leak", " ", "cable screen")
    records = [{"record": f"r{k}", "values": {"text": t}} for k, t in enumerate(texts)]
    write_toy(tmp_path / "a.toy", [head], records)
    answers = {a.record: a for a in open_release(built("codes"), lambda name: DOMAIN).answer_path(tmp_path)}
    told = [(name, a.status) for name, a in answers.items()]
    assert told == [("r0", "answered"), ("r1", "refused"), ("r2", "answered")]
    assert answers["r1"].reason == "text: expected at least one word, got an empty text"

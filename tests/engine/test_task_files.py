from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from auscult.base.errors import RecipeError, VerifyError
from auscult.base.files import read_json, write_json
from auscult.engine.build import BuildOptions, build
from auscult.engine.prepare import make_task
from auscult.engine.release.verify import verify_release
from auscult.engine.runtime import open_release
from auscult.engine.task_files import located, located_folder
from toys import DOMAIN
from toys.recipes import toy_recipe
from toys.tasks.codes import CodesConfig


def _build(folder: Path, silent: str) -> Any:
    recipe = toy_recipe("codes", task={"silent": silent})
    return build(recipe, folder / "run", DOMAIN, options=BuildOptions(cache=folder / "cache", workers=1))


@pytest.fixture
def words(tmp_path: Path) -> Path:
    path = tmp_path / "silent.txt"
    path.write_text("the\nwas\n")
    return path


def test_a_release_holds_the_file_that_its_task_needs(tmp_path: Path, words: Path) -> None:
    made = _build(tmp_path, str(words))
    words.unlink()
    moved = shutil.move(made.release, tmp_path / "elsewhere")
    assert read_json(moved / "release.json")["task"]["settings"] == {"silent": "files/silent.txt"}
    assert (moved / "files" / "silent.txt").read_text() == "the\nwas\n"
    opened = open_release(moved, lambda name: DOMAIN)
    assert list(opened.answer_path(moved / "golden" / "inputs"))
    assert verify_release(moved, lambda name: DOMAIN).passed


def test_another_content_is_another_release(tmp_path: Path, words: Path) -> None:
    first = _build(tmp_path, str(words))
    words.write_text("the\nwas\nscreen\nleak\n")
    second = _build(tmp_path, str(words))
    assert first.content_hash != second.content_hash
    again = _build(tmp_path, str(words))
    assert again.content_hash == second.content_hash
    one, two = (f"{m.metrics['metrics']['mean_roc_auc']['value']:.6f}" for m in (first, second))
    assert one != two, "the prepared items were not made again"


def test_a_changed_copy_is_found(tmp_path: Path, words: Path) -> None:
    release = _build(tmp_path, str(words)).release
    (release / "files" / "silent.txt").write_text("screen\n")
    found = verify_release(release, lambda name: DOMAIN)
    assert not found.passed
    assert "files/silent.txt" in " ".join(v.detail for v in found.verdicts)


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match=r"\[task\] silent: expected a file, got none at .*absent\.txt"):
        _build(tmp_path, str(tmp_path / "absent.txt"))
    with pytest.raises(RecipeError, match="expected an installed package, got none called 'no_such'"):
        _build(tmp_path, "package:no_such/words.txt")


def test_a_file_of_a_package(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = located(CodesConfig, {"silent": "package:toys/reader.py"})
    assert Path(settings["silent"]).name == "reader.py"
    monkeypatch.setenv("TOY_WORDS", str(Path(settings["silent"]).parent))
    assert located(CodesConfig, {"silent": "${TOY_WORDS}/reader.py"}) == settings


@pytest.mark.parametrize("name", ["../run/recipe.resolved.toml", "files/none.txt", "release.json"])
def test_a_manifest_reaches_for_no_file_outside(name: str, tmp_path: Path, words: Path) -> None:
    release = _build(tmp_path, str(words)).release
    manifest = read_json(release / "release.json")
    manifest["task"]["settings"]["silent"] = name
    write_json(release / "release.json", manifest)
    with pytest.raises(VerifyError, match="expected the copy of a file in 'files', got none"):
        open_release(release, lambda name: DOMAIN)


def test_a_task_without_files_is_as_before() -> None:
    assert located(CodesConfig, {}) == {}
    assert make_task(DOMAIN, "codes", {}).spec.name == "codes"


def test_a_folder_is_found_by_its_path_or_in_a_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NETS", str(tmp_path))
    (tmp_path / "net").mkdir()
    assert located_folder("[model] folder", "${NETS}/net") == tmp_path / "net"
    assert (located_folder("[model] folder", "package:auscult/base") / "errors.py").exists()
    with pytest.raises(RecipeError, match=r"\[model\] folder: expected a folder, got none at \$\{NETS\}/other"):
        located_folder("[model] folder", "${NETS}/other")
    with pytest.raises(RecipeError, match="expected an installed package, got none called 'no_such_package'"):
        located_folder("[model] folder", "package:no_such_package/model")

"""A recipe is checked whole; nothing in it is ignored."""

from __future__ import annotations

from pathlib import Path

import pytest

from auscult.base.errors import RecipeError
from auscult.base.recipe import expand, load_recipe, part_of, save_resolved
from toys.recipes import toy_recipe

TEXT = """
name = "a-recipe"
domain = "signals"
[data]
example = "ecg"
[task]
name = "ecg-beats"
leads = 1
[model]
name = "cnn1d"
[intent]
use = "To show."
not_for = "Patients."
population = "None at all."
device = "None at all."
"""


def _load(folder: Path, text: str, *overrides: str):  # type: ignore[no-untyped-def]
    (folder / "a-recipe.toml").write_text(text)
    return load_recipe(folder / "a-recipe.toml", overrides)


def test_defaults_and_hash(tmp_path: Path) -> None:
    recipe = _load(tmp_path, TEXT)
    assert recipe.split.policy == "subject"
    assert recipe.split.on_leak == "fail"
    assert recipe.hash == _load(tmp_path, TEXT.replace("leads = 1", "leads =  1 # the first")).hash
    assert recipe.hash != _load(tmp_path, TEXT.replace("leads = 1", "leads = 2")).hash
    assert part_of(recipe.task, where="[task]") == ("ecg-beats", {"leads": 1})


def test_resolved_recipe_is_the_same_recipe(tmp_path: Path) -> None:
    recipe = _load(tmp_path, TEXT)
    save_resolved(recipe, tmp_path / "resolved.toml")
    assert load_recipe(tmp_path / "resolved.toml").hash == recipe.hash
    toy = toy_recipe("colour", gates={"accuracy": {"min": 0.5}}, study={"seeds": (1, 2)})
    save_resolved(toy, tmp_path / "toy.toml")
    assert load_recipe(tmp_path / "toy.toml").hash == toy.hash


@pytest.mark.parametrize(
    ("override", "get", "value"),
    [
        ("train.epochs=3", lambda r: r.train.epochs, 3),
        ("task.leads=2", lambda r: r.task["leads"], 2),
        ("split.policy=group", lambda r: r.split.policy, "group"),
        ("study.seeds=[1, 2]", lambda r: r.study.seeds, (1, 2)),
        ("gates.accuracy.min=0.9", lambda r: r.gates["accuracy"].min, 0.9),
        ('name="other"', lambda r: r.name, "other"),
    ],
)
def test_overrides(tmp_path: Path, override: str, get, value: object) -> None:  # type: ignore[no-untyped-def]
    assert get(_load(tmp_path, TEXT, override)) == value


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (("domain", "domian"), r"recipe a-recipe\.toml: expected the key 'domain', got none"),
        (("[data]", "[data]\nsed = 3"), r"unknown key 'sed' in recipe a-recipe\.toml \[data\]; did you mean 'seed'\?"),
        (
            ("[intent]", "[intnet]"),
            r"expected the key 'intent', got none.*unknown key 'intnet'.*did you mean 'intent'\?",
        ),
        (('use = "To show."', ""), r"\[intent\]: expected the key 'use', got none"),
        (('use = "To show."', 'use = ""'), r"\[intent\]: 'use': string should have at least 3 characters, got ''"),
        (('name = "a-recipe"', 'name = "A recipe"'), "'name': string should match pattern"),
        (("[data]", '[data]\npath = "x"'), r"\[data\] expected either 'path' or 'example', got both or neither"),
        (('example = "ecg"', ""), r"\[data\] expected either 'path' or 'example', got both or neither"),
        (("[data]", "[split]\ntest = 1.5\n[data]"), r"\[split\]: 'test': input should be less than 1, got 1\.5"),
        (
            ("[data]", '[study]\nmodels = ["ridge"]\n[study.settings.rigde]\na = 1\n[data]'),
            r"unknown model 'rigde' in recipe a-recipe\.toml \[study\.settings\]; did you mean 'ridge'\?",
        ),
        (("[data]", "[data"), "expected TOML, got a syntax error"),
    ],
)
def test_refusals(tmp_path: Path, change: tuple[str, str], words: str) -> None:
    with pytest.raises(RecipeError, match=f"(?s){words}"):
        _load(tmp_path, TEXT.replace(*change))


def test_a_recipe_is_frozen(tmp_path: Path) -> None:
    recipe = _load(tmp_path, TEXT)
    with pytest.raises(ValueError, match="frozen"):
        recipe.seed = 3


def test_a_missing_file_and_a_part_without_a_name(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match=r"recipe absent\.toml: expected a readable TOML file"):
        load_recipe(tmp_path / "absent.toml")
    (tmp_path / "latin.toml").write_bytes(b"name = '\xff'")
    with pytest.raises(RecipeError, match=r"latin\.toml: expected TOML"):
        load_recipe(tmp_path / "latin.toml")
    with pytest.raises(RecipeError, match=r"\[model\]: expected the key 'name', got none"):
        part_of({"hidden": 3}, where="[model]")


@pytest.mark.parametrize("text", ["train.epochs", "=3", "name.deeper=3"])
def test_overrides_that_say_nothing(tmp_path: Path, text: str) -> None:
    with pytest.raises(RecipeError, match="--set"):
        _load(tmp_path, TEXT, text)


def test_paths_take_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("A_FOLDER", "/data")
    assert expand("${A_FOLDER}/mitdb") == Path("/data/mitdb")
    with pytest.raises(RecipeError, match="the environment variable NOT_SET is not set; export NOT_SET=FOLDER"):
        expand("${NOT_SET}/x")

"""`--compare A..B`: which two cells it means, and what it refuses."""

from __future__ import annotations

import pytest

from plan.plan_options import Options
from pytest_inferbench.errors import ConfigError
from pytest_inferbench.plan.cells import plan_matrix

CONFIG = """
defaults:
  backends: {vllm: {version: v0.8.0, provision: docker}}
models:
  - repo_id: org/one
    backend: vllm
    variants:
      chunked: {args: {enable_chunked_prefill: true}}
      ours: {image: my/vllm:dev}
      there: {provision: url, url: 'http://127.0.0.1:9'}
  - {repo_id: org/two, backend: vllm}
"""


@pytest.fixture
def pairs(tmp_path):
    (tmp_path / "config").mkdir()
    (tmp_path / "config/models.yaml").write_text(CONFIG, encoding="utf-8")
    return lambda compare, **options: plan_matrix(Options(tmp_path, compare=compare, **options))


def test_two_versions_make_one_pair_for_each_model(pairs):
    """Both arms differ in the version alone; the id has both."""
    one, two = pairs("v0.8.0..v0.8.1")
    assert [one.id, two.id] == ["vllm-v0.8.0..v0.8.1-one", "vllm-v0.8.0..v0.8.1-two"]
    assert (one.a.version, one.b.version, one.a.args) == ("v0.8.0", "v0.8.1", one.b.args)


def test_a_name_of_the_config_is_a_variant(pairs):
    """Two sets of arguments or two images, at the model's own version; an empty side is the model as it stands."""
    (one,) = pairs("..chunked", model=("one",))
    assert (one.id, dict(one.a.args), dict(one.b.args)) == (
        "vllm-v0.8.0..chunked-one", {}, {"enable_chunked_prefill": True},
    )  # fmt: skip
    (two,) = pairs("chunked..ours", model=("one",))
    assert (two.a.image, two.b.image, two.names) == (None, "my/vllm:dev", ("chunked", "ours"))


def test_the_same_twice_is_an_a_a_run(pairs):
    """Both arms are equal."""
    (one,) = pairs("v0.8.1..v0.8.1", model=("one",))
    assert one.a == one.b


@pytest.mark.parametrize(("text", "pairs_of"), [("5..12", (5, 12)), ("8", (8, 8)), ("64..64", (64, 64))])
def test_how_many_pairs(pairs, text, pairs_of):
    """The fewest and the most, or exactly so many."""
    (one,) = pairs("v1..v2", model=("one",), compare_pairs=text)
    assert one.pairs == pairs_of


@pytest.mark.parametrize("text", ["", "4", "5..65", "12..5", "5..", "..12", "five", "5..6..7", "-5..8", "5.5"])
def test_a_number_of_pairs_that_means_nothing(pairs, text):
    """One clear error with the option, the value, where it comes from and what was expected."""
    with pytest.raises(ConfigError) as error:
        pairs("v1..v2", compare_pairs=text)
    assert str(error.value).startswith(
        f"--compare-pairs {text} (default): expected the fewest and the most pairs, like"
    )
    assert str(error.value).endswith("each from 5 to 64")


def test_without_the_option_there_are_cells(pairs):
    """The matrix is that of a run without it."""
    assert {cell.id for cell in pairs(None, model=("two",))} == {"vllm-v0.8.0-two"}


@pytest.mark.parametrize(
    ("compare", "options", "words"),
    [
        ("v1", {}, "--compare v1: expected two versions or variants"),
        ("..", {}, "--compare ..: expected two"),
        ("a..b..c", {}, "--compare a..b..c: expected two"),
        ("v1..v2", {"backend_version": ("v3",)}, "leave --backend-version out"),
        ("chunked..there", {"model": ("one",)}, "is the one at http://127.0.0.1:9"),
        ("v1..v2", {"server_url": "http://127.0.0.1:9"}, "every pair starts fresh servers"),
        ("v1...v2", {}, "--compare v1...v2: expected two"),
        ("v0.8.0..", {"model": ("one",)}, "both arms are vllm-v0.8.0-one, so nothing would be compared"),
        ("chunkd..ours", {"model": ("one",)}, "'chunkd' is neither a variant nor a version of one; did you mean 'chun"),
        ("v1..our", {"model": ("one",)}, "'our' is neither a variant nor a version of one; did you mean 'ours'?"),
        ("a b..v1", {"model": ("two",)}, "'a b' is neither a variant nor a version of two; it has no variants"),
    ],
)
def test_what_cannot_be_compared_is_one_clear_error(pairs, compare, options, words):
    """The message names the option, the value and what to do."""
    with pytest.raises(ConfigError) as error:
        pairs(compare, **options)
    assert words in str(error.value)


@pytest.mark.parametrize("name", ["latest", "nightly", "main", "feature/x", "v0.9.0rc1", "3f2a91c", "2026.10.11549"])
def test_in_a_container_any_tag_or_ref_is_a_version(pairs, name):
    """Nobody here knows which images and branches there are; only what is near a variant is refused."""
    (one,) = pairs(f"v0.8.0..{name}", model=("one",))
    assert (one.b.version, one.b.variant) == (name, "")


@pytest.mark.parametrize(("name", "refused"), [("slwo", True), ("nightly", True), ("v9", False), ("b4521", False)])
def test_what_is_installed_here_has_a_version_with_a_number(pairs, name, refused):
    """A word that is no variant cannot be installed; a version that is not is skipped with its reason."""
    options = {"model": ("two",), "provision": "process"}
    if not refused:
        assert pairs(f"v1..{name}", **options)[0].b.version == name
        return
    with pytest.raises(ConfigError, match=f"'{name}' is neither a variant nor a version of two; it has no variants"):
        pairs(f"v1..{name}", **options)


def test_a_variant_of_another_model_is_no_mistake(pairs):
    """Where one model of the run has it, the others are measured at it as a version, and skipped as such."""
    one, two = pairs("v0.8.1..chunked", provision="process")
    assert (one.b.variant, two.b.version) == ("chunked", "chunked")


def test_blanks_around_the_names_are_nothing(pairs):
    """As people write it in quotes."""
    (one,) = pairs("chunked .. ours", model=("one",))
    assert one.names == ("chunked", "ours")

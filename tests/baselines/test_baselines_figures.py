"""How figures and names look in the files."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_inferbench.baselines.figures import figure_text, round_figure
from pytest_inferbench.baselines.names import budget_file, case_key, lines_file, safe_name, share_a_file, split_key

FIGURES = [
    (41.234, "41.2"),
    (6.1, "6.10"),
    (1284.4, "1280"),
    (0.012345, "0.0123"),
    (99.96, "100"),
    (9.996, "10.0"),
    (0, "0"),
    (-5.0, "-5.00"),
]


@pytest.mark.parametrize(("figure", "text"), FIGURES, ids=[text for _, text in FIGURES])
def test_three_significant_digits(figure, text):
    """A figure is written in decimal notation with three significant digits, zeros included."""
    assert figure_text(figure) == text


@settings(deadline=None, derandomize=True)
@given(st.floats(1e-6, 1e12))
def test_text_is_the_rounded_figure(figure):
    """What is written reads back as exactly what is compared, within half of the last digit."""
    assert float(figure_text(figure)) == round_figure(figure)
    assert round_figure(figure) == pytest.approx(figure, rel=0.00501)


@settings(deadline=None, derandomize=True)
@given(st.text(), st.text(), st.text())
def test_names_never_leave_the_folder(model, backend, hardware):
    """No name makes a path that is hidden, empty, or leads out of the folder."""
    folder, _, file = lines_file(model, backend, hardware).partition("/")
    for part in (budget_file(model, backend), folder, file):
        assert "/" not in part
        assert not part.startswith((".", "-"))
    assert file.endswith(".jsonl")


def test_names():
    """Names that are safe stay as they are."""
    assert budget_file("qwen3-8b", "vllm") == "qwen3-8b--vllm.yaml"
    assert lines_file("qwen3-8b", "vllm", "1x-nvidia-h200") == "qwen3-8b--vllm/1x-nvidia-h200.jsonl"
    assert safe_name("../..") == "_"
    assert case_key("concurrency[c08]", "") == "concurrency[c08]"
    assert case_key("concurrency[c08]", "chunked") == "concurrency[c08]@chunked"
    assert split_key("concurrency[c08]@chunked") == ("concurrency[c08]", "chunked")
    assert split_key("concurrency[c08]") == ("concurrency[c08]", "")
    assert split_key("login[me@home]") == ("login[me@home]", "")
    assert split_key("login[me@home]@chunked") == ("login[me@home]", "chunked")


@settings(deadline=None, derandomize=True)
@given(st.text(), st.text())
def test_two_names_of_one_file_are_known(one, other):
    """Names that make one file name are told apart from those that do not, and a name from itself never."""
    same = lines_file("m", "b", one).casefold() == lines_file("m", "b", other).casefold()
    assert share_a_file(one, other) == (one != other and same)
    assert not share_a_file(one, one)
    assert share_a_file(one + " ", one + "/")

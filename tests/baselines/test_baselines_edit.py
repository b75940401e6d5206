"""Edits of YAML text: what changes, and that nothing else does."""

import difflib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_inferbench.baselines.edit import lay_over, new_text
from pytest_inferbench.baselines.yaml_text import OneLine, inline
from pytest_inferbench.config.parse import parse
from pytest_inferbench.config.scalars import plain_value
from pytest_inferbench.errors import BaselineError

PRINTABLE = st.characters(
    codec="utf-8", exclude_categories=["Cs", "Cc", "Zl", "Zp"], exclude_characters="\ufeff\ufffe\uffff"
)
ACCEPTED = {"version": "v2", "sessions": 9, "ttft_ms.p50": 42.0}


def edit(text, tree):
    return lay_over(text, tree, "q.yaml")


def accepted(hardware="h", case="x", **more):
    return {"cases": {case: {"hardware": {hardware: {"accepted": OneLine({**ACCEPTED, **more})}}}}}


def test_values_in_braces_are_replaced_in_place():
    """Changed values are replaced, equal ones keep their spelling, new keys go behind the last."""
    text = "cases:\n  x:\n    hardware:\n      h:\n        accepted: { version: 'v2',  sessions: 8 }   # ours\n"
    assert edit(text, accepted()) == text.replace("sessions: 8 }", "sessions: 9, ttft_ms.p50: 42.0 }")


def test_braces_over_several_lines():
    """Braces that someone broke into lines keep their lines and comments."""
    text = (
        "cases:\n  x:\n    hardware:\n      h:\n        accepted: {\n          version: v1, # tag\n"
        "          sessions: 8,\n          ttft_ms.p50: 41.0,  # ms\n        }\n"
    )
    assert edit(text, accepted()) == (
        text.replace("v1", "v2").replace("sessions: 8", "sessions: 9").replace("41.0", "42.0")
    )


def test_dropped_keys_in_braces():
    """Where a key goes away, the braces are written anew."""
    text = "cases: {x: {hardware: {h: {accepted: {version: v1, image: i, sessions: 8}, budgets: {}}}}}\n"
    assert edit(text, accepted()) == (
        "cases: {x: {hardware: {h: {accepted: {version: v2, sessions: 9, ttft_ms.p50: 42.0}, budgets: {}}}}}\n"
    )


def test_lines_are_replaced_added_and_dropped():
    """`accepted` written as lines stays lines: values in place, new keys below, dropped ones gone."""
    text = (
        "cases:\n  x:\n    hardware:\n      h:\n        accepted:\n          version: v1   # tag\n"
        "          image: i\n          # how many\n          sessions: 8\n\n  y: {}\n"
    )
    assert edit(text, accepted()) == (
        "cases:\n  x:\n    hardware:\n      h:\n        accepted:\n          version: v2   # tag\n"
        "          # how many\n          sessions: 9\n          ttft_ms.p50: 42.0\n\n  y: {}\n"
    )


def test_new_case_goes_below_the_last():
    """A new case follows the last one and the comments that belong to it, in front of what follows."""
    text = "cases:\n    x:\n        gates: []\n        # more of x\n\n# the end\n"
    tree = {"cases": {"y[c08]": {"gates": OneLine(["a.p50"]), "hardware": {"h": {"budgets": OneLine({}, "look")}}}}}
    assert edit(text, tree) == (
        "cases:\n    x:\n        gates: []\n        # more of x\n"
        "    y[c08]:\n      gates: [a.p50]\n      hardware:\n        h:\n          budgets: {}  # look\n\n# the end\n"
    )


def test_new_hardware_and_new_case_in_one_place():
    """Where two additions meet in one place, the deeper one comes first."""
    text = "cases:\n  x:\n    hardware:\n      a: {}"
    tree = {"cases": {"x": accepted()["cases"]["x"], "y": {"gates": OneLine([])}}}
    assert edit(text, tree) == (
        "cases:\n  x:\n    hardware:\n      a: {}\n      h:\n"
        "        accepted: {version: v2, sessions: 9, ttft_ms.p50: 42.0}\n  y:\n    gates: []"
    )


@pytest.mark.parametrize("start", ["cases:\n", "cases: # mine\n", "cases: {}\n", "cases: {} # mine\n", "cases: ~\n"])
def test_empty_mappings_are_filled(start):
    """A key without a value, or with `{}`, takes lines below it and keeps its comment."""
    edited = edit(start + "# the end\n", {"cases": {"x": {"gates": OneLine([])}}})
    assert edited.endswith("\n  x:\n    gates: []\n# the end\n")
    assert ("# mine" in edited) == ("# mine" in start)


@pytest.mark.parametrize("start", ["accepted:", "accepted: {}", "accepted: ~"])
def test_empty_values_of_one_line_are_filled(start):
    """A value of one line is put behind its key, and a comment behind that."""
    text = f"cases:\n  x:\n    {start}\n    gates: []\n"
    edited = edit(text, {"cases": {"x": {"accepted": OneLine({"a": 1}, "look")}}})
    assert edited == "cases:\n  x:\n    accepted: {a: 1}  # look\n    gates: []\n"


@pytest.mark.parametrize(
    ("text", "edited"),
    [
        ("{cases: {x: {}}}\n", "{cases: {x: {}, 'y': {}}}\n"),
        ('{"cases": {}}\n', '{"cases": {y: {gates: []}}}\n'),
        ("cases: {x: {gates: []}}\n", "cases: {x: {gates: []}, y: {gates: []}}\n"),
    ],
)
def test_files_in_braces(text, edited):
    """A file written in braces stays in braces."""
    tree = {"cases": {"y": {"gates": OneLine([])}}}
    assert edit(text, tree) == edited.replace("'y': {}", "y: {gates: []}")


def test_a_comment_in_braces_takes_a_line():
    """A comment cannot stand within a line of braces, so the entry takes a line of its own."""
    text = "cases: {x: {gates: []}}\n"
    edited = edit(text, {"cases": {"y": {"budgets": OneLine({"a": {"max": 1.0}}, "look")}}})
    assert edited == "cases: {x: {gates: []},\n        y: {budgets: {a: {max: 1.00}}}  # look\n        }\n"
    assert parse(edited, "q.yaml")["cases"]["y"].plain() == {"budgets": {"a": {"max": 1.0}}}


def test_line_ends_are_kept():
    """A file with CR LF gets CR LF."""
    edited = edit("\ufeffcases:\r\n  x: {}\r\n", {"cases": {"y": {"gates": OneLine([])}}})
    assert edited == "\ufeffcases:\r\n  x: {}\r\n  y:\r\n    gates: []\r\n"


@pytest.mark.parametrize(
    "text",
    [
        "base: &b {x: {hardware: {h: {accepted: {version: v1}}}}}\ncases: *b\n",
        "cases:\n  x: &x\n    hardware: {h: {}}\n  y: *x\n",
        "cases: {x: &x {hardware: {h: {}}}, y: *x}\n",
        "base: &b {}\ncases: {z: *b}\n",
    ],
)
def test_styles_that_cannot_be_edited(text):
    """Where an edit would say more than was meant, nothing is edited and the lines to write are shown."""
    with pytest.raises(BaselineError) as caught:
        edit(text, accepted())
    assert str(caught.value) == (
        "q.yaml: cannot be edited in place (aliases or an unusual style); write this in by hand:\n"
        "cases:\n  x:\n    hardware:\n      h:\n"
        "        accepted: {version: v2, sessions: 9, ttft_ms.p50: 42.0}"
    )


def test_an_alias_beside_the_edit_is_left_alone():
    """Aliases among people's parts do not disturb an edit elsewhere."""
    text = "cases:\n  x:\n    budgets: &b {a: {max: 1}}\n    hardware: {}\n  y:\n    budgets: *b # same\n"
    edited = edit(text, accepted(case="y"))
    assert edited.startswith(text)
    assert edited[len(text) :].startswith("    hardware:\n      h:\n")


def test_new_file():
    """A new file begins with schema, model and backend, and can be laid over at once."""
    text = new_text("0.5", "vllm")
    assert text == 'schema: 1\nmodel: "0.5"\nbackend: vllm\ncases:\n'
    assert parse(edit(text, accepted()), "q.yaml")["cases"]["x"].plain() == {"hardware": {"h": {"accepted": ACCEPTED}}}


@settings(deadline=None, derandomize=True)
@given(
    st.text(st.characters(codec="utf-8", exclude_categories=["Cs", "Cc", "Zl", "Zp"], exclude_characters="\ufeff￾￿"))
)
def test_any_text_can_be_written(text):
    """Text reads back as itself as a value in braces and as a key, whatever it looks like."""
    assert parse(f"a: {inline({text: text})}\n", "q.yaml")["a"].plain() == {text: text}
    tree = {text: {"gates": OneLine([text])}}
    assert parse(edit("a: 1\n", tree), "q.yaml").plain() == {"a": 1, text: {"gates": [text]}}


NAME = st.from_regex(r"[a-z][a-z0-9]{0,3}(\[[a-z0-9]{1,3}\])?", fullmatch=True).filter(
    lambda name: isinstance(plain_value(name), str)
)
COMMENT = st.sampled_from(["", "# why", "#: {not: a, value", "# a: b # c"])


@st.composite
def files(draw):
    """A baseline file as people leave it: comments anywhere, keys in any order, braces or lines, odd spacing."""
    step = draw(st.integers(1, 4))

    def lines(depth, *texts):
        made = []
        for text in texts:
            comment = draw(COMMENT)
            made += [" " * depth + comment] * bool(comment and draw(st.booleans()))
            made += [""] * draw(st.integers(0, 1))
            made.append(" " * depth + text + ("  " + comment if comment else ""))
        return made

    def of_hardware(depth):
        parts = [["budgets: {ttft_ms.p95:   {max: 4e2}}"]]
        if draw(st.booleans()):
            parts.append([draw(st.sampled_from([
                "accepted: {version: 'v1', sessions: 3, a.p50: 1.0}", 'accepted: {"version": "v2", sessions: 8}'
            ]))])  # fmt: skip
        return [line for part in draw(st.permutations(parts)) for line in lines(depth, *part)]

    def of_case(depth):
        parts = [lines(depth, "gates: [ a.p50 ]"), lines(depth, "budgets:") + lines(depth + step, "b: {min:  1}")]
        if draw(st.booleans()):
            hardware = lines(depth, "hardware:")
            for name in draw(st.lists(NAME, min_size=1, max_size=2, unique=True)):
                hardware += lines(depth + step, f"{name}:") + of_hardware(depth + 2 * step)
            parts.append(hardware)
        return [line for part in draw(st.permutations(parts)) for line in part]

    text = lines(0, "schema: 1", "cases:")
    for name in draw(st.lists(NAME, min_size=1, max_size=3, unique=True)):
        text += lines(step, f"{name}:") + of_case(2 * step)
    text += lines(0, "model: m") * draw(st.integers(0, 1))
    return draw(st.sampled_from(["\n", "\r\n"])).join([*text, ""][: len(text) + draw(st.integers(0, 1))])


@settings(deadline=None, derandomize=True)
@given(files(), st.data())
def test_only_what_changed_changes(text, data):
    """Comments, order, spacing and people's parts survive any update: only lines of `accepted` differ or are added."""
    cases = parse(text, "q.yaml")["cases"]
    tree = {"cases": {}}
    for case in data.draw(st.lists(st.sampled_from(list(cases)) | NAME, min_size=1, max_size=3, unique=True)):
        known = list(cases[case].section("hardware")) if case in cases else []
        hardware = data.draw(st.sampled_from(known) | NAME if known else NAME)
        tree["cases"].update(accepted(hardware, case)["cases"])
    edited = edit(text, tree)
    before, after = text.splitlines(keepends=True), edited.splitlines(keepends=True)
    if not text.endswith("\n"):
        before[-1] += "\r\n" if "\r\n" in text else "\n"
        after[-1] += "\r\n" if "\r\n" in text else "\n"
    for change in difflib.ndiff(before, after):
        if change.startswith("- "):
            assert "accepted: {" in change
    for case, hardware in ((case, name) for case, entry in tree["cases"].items() for name in entry["hardware"]):
        assert parse(edited, "q.yaml")["cases"][case]["hardware"][hardware]["accepted"].plain() == ACCEPTED
    for word in ("# why", "#: {not: a, value", "# a: b # c"):
        assert edited.count(word) == text.count(word)

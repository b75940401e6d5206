"""Files, and files that extend others."""

import json
import os

import pytest

from pytest_inferbench.config.load import load
from pytest_inferbench.errors import ConfigError


def write(folder, **texts):
    for name, text in texts.items():
        path = folder / name.replace("__", "/").replace("_", ".")
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)


def refused(path, root):
    with pytest.raises(ConfigError) as caught:
        load(path, root)
    return str(caught.value)


def test_extends_merges_and_keeps_sources(tmp_path):
    """Mappings merge key by key, lists replace, and each value says which file it came from."""
    write(
        tmp_path,
        base_yaml="a: {x: 1, y: 2}\nlist: [1, 2]\nkept: 1\n",
        top_yaml="extends: base.yaml\na: {y: 3}\nlist: [9]\nnew: 4\n",
    )
    document = load(tmp_path / "top.yaml", tmp_path)
    assert document.plain() == {"a": {"x": 1, "y": 3}, "list": [9], "kept": 1, "new": 4}
    assert str(document["a"].source_of("x")) == "base.yaml:1"
    assert str(document["a"].source_of("y")) == "top.yaml:2"
    assert str(document.source_of("kept")) == "base.yaml:3"
    assert str(document["list"].source_of(0)) == "top.yaml:3"


def test_extends_a_list_in_order(tmp_path):
    """Of several parents the later wins, and the file itself wins over all."""
    write(
        tmp_path,
        one_yaml="a: 1\nb: 1\nc: 1\n",
        two_yaml="b: 2\nc: 2\n",
        top_yaml="extends: [one.yaml, two.yaml]\nc: 3\n",
    )
    assert load(tmp_path / "top.yaml", tmp_path).plain() == {"a": 1, "b": 2, "c": 3}


def test_extends_is_relative_to_the_file_that_says_it(tmp_path):
    """A parent in another folder names its own parent from there."""
    write(
        tmp_path, base__root_yaml="a: 1\n", base__mid_yaml="extends: root.yaml\n", top_yaml="extends: base/mid.yaml\n"
    )
    assert str(load(tmp_path / "top.yaml", tmp_path).source_of("a")) == "base/root.yaml:1"


def test_two_parents_may_share_one(tmp_path):
    """A file reached on two ways is no circle."""
    write(
        tmp_path,
        root_yaml="a: 1\n",
        one_yaml="extends: root.yaml\n",
        two_yaml="extends: root.yaml\n",
        top_yaml="extends: [one.yaml, two.yaml]\n",
    )
    assert load(tmp_path / "top.yaml", tmp_path).plain() == {"a": 1}


def test_circle(tmp_path):
    """A circle is refused with its whole chain, at the line that closes it."""
    write(tmp_path, a_yaml="extends: b.yaml\n", b_yaml="x: 1\nextends:\n  - c.yaml\n", c_yaml="extends: a.yaml\n")
    assert refused(tmp_path / "a.yaml", tmp_path) == (
        "c.yaml:1: extends: goes in a circle: a.yaml -> b.yaml -> c.yaml -> a.yaml; remove one of these"
    )


def test_missing_parent(tmp_path):
    """A parent that is not there is refused with who asked for it."""
    write(tmp_path, a_yaml="extends: b.yaml\n", b_yaml="extends:\n  - nowhere.yaml\n")
    assert refused(tmp_path / "a.yaml", tmp_path) == (
        "b.yaml:2: extends: nowhere.yaml: no such file; correct the path; it was asked for by a.yaml -> b.yaml"
    )


@pytest.mark.parametrize(("value", "shown"), [("3", "3"), ("{a: 1}", "a mapping"), ('""', "''")])
def test_extends_that_names_no_file(tmp_path, value, shown):
    """`extends:` takes a file name or a list of them."""
    write(tmp_path, a_yaml=f"extends: {value}\n")
    assert refused(tmp_path / "a.yaml", tmp_path) == (
        f"a.yaml:1: extends: got {shown}, expected a file name such as base.yaml, or a list of them"
    )


@pytest.mark.parametrize("name", ["nobody\0", "n" * 5000, "~nobody-of-that-name/x.yaml", "itself.yaml"])
def test_a_parent_that_no_file_system_holds(tmp_path, name):
    """A name that is too long, has a NUL, is somebody's who is not there, or leads to itself: one line."""
    (tmp_path / "itself.yaml").symlink_to(tmp_path / "itself.yaml")
    write(tmp_path, a_yaml=f"extends: {json.dumps(name)}\n")
    said = refused(tmp_path / "a.yaml", tmp_path)
    assert said.startswith("a.yaml:1: ")
    assert len(said) <= 600
    assert said.isprintable()


def test_missing_file(tmp_path):
    """A config that is not there says so and what to do."""
    assert refused(tmp_path / "x" / "m.yaml", tmp_path) == "x/m.yaml: no such file; create it, or name another file"


def test_folder(tmp_path):
    """A folder is not a config."""
    (tmp_path / "config").mkdir()
    assert refused(tmp_path / "config", tmp_path) == "config: this is a folder; name a file in it"


def test_not_utf8(tmp_path):
    """A file in another encoding is refused with the line of its first bad byte."""
    (tmp_path / "m.yaml").write_bytes("a: 1\nb: ü\n".encode("latin-1"))
    assert refused(tmp_path / "m.yaml", tmp_path) == "m.yaml:2: not UTF-8 (byte 0xfc); save it as UTF-8"


def test_unreadable(tmp_path, monkeypatch):
    """A file that the system refuses to read says why."""

    def refuse(_):
        raise PermissionError(13, os.strerror(13))

    write(tmp_path, m_yaml="a: 1\n")
    monkeypatch.setattr("pathlib.Path.read_bytes", refuse)
    assert refused(tmp_path / "m.yaml", tmp_path) == (
        "m.yaml: cannot be read: Permission denied; check the path and its permissions"
    )


def test_path_outside_the_root_is_shown_whole(tmp_path):
    """Sources of a file that lies elsewhere carry its whole path."""
    write(tmp_path, m_yaml="a: 1\n")
    assert str(load(tmp_path / "m.yaml", tmp_path / "project").source_of("a")) == f"{tmp_path}/m.yaml:1"


def test_byte_order_mark(tmp_path):
    """A file that begins with a byte order mark reads as any other."""
    (tmp_path / "m.yaml").write_bytes(b"\xef\xbb\xbfa: 1\r\nb: 2\r\n")
    document = load(tmp_path / "m.yaml", tmp_path)
    assert document.plain() == {"a": 1, "b": 2}
    assert document.source_of("b").line == 2

from __future__ import annotations

import os

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_inferbench.backends.backend import ModelFormat
from pytest_inferbench.errors import ConfigError
from pytest_inferbench.models.builtin import builtin_model
from pytest_inferbench.models.facts import model_facts
from pytest_inferbench.models.formats import ModelFile, detect_format

_HEAD = b"GGUF" + bytes(20)


@pytest.fixture
def folder(tmp_path):
    """Makes files in a model folder: name -> bytes."""

    def build(**files):
        for name, content in files.items():
            (tmp_path / name.replace("__", ".")).write_bytes(content)
        return tmp_path

    return build


def test_a_gguf_file_is_known_by_its_magic(folder):
    """Its name does not matter."""
    path = folder(model__bin=_HEAD) / "model.bin"
    assert detect_format(path) == ModelFile(ModelFormat.GGUF, path)
    assert detect_format(builtin_model("tiny")).format is ModelFormat.GGUF


def test_a_folder_with_one_gguf_is_that_file(folder):
    """A vision projector beside it is not a second model."""
    path = folder(model__gguf=_HEAD) / "model.gguf"
    (path.parent / "mmproj-model.gguf").write_bytes(_HEAD)
    assert detect_format(path.parent) == ModelFile(ModelFormat.GGUF, path)


@pytest.mark.parametrize("named", [".", "m-00001-of-00003.gguf", "m-00002-of-00003.gguf"])
def test_a_split_gguf_is_loaded_by_its_first_part(tmp_path, named):
    """Whichever part, or the folder, is named."""
    for number in (1, 2, 3):
        (tmp_path / f"m-0000{number}-of-00003.gguf").write_bytes(_HEAD)
    assert detect_format(tmp_path / named).path == tmp_path / "m-00001-of-00003.gguf"


@pytest.mark.parametrize("missing", [1, 2])
def test_a_missing_part_is_named(tmp_path, missing):
    """Also the first one."""
    for number in {1, 2, 3} - {missing}:
        (tmp_path / f"m-0000{number}-of-00003.gguf").write_bytes(_HEAD)
    with pytest.raises(ConfigError, match=f"of 3 parts these are missing: m-0000{missing}-of-00003.gguf"):
        detect_format(tmp_path)


def test_safetensors_need_their_configuration(folder):
    """Tensors alone are no model; with config.json the folder is."""
    path = folder(model__safetensors=b"x")
    with pytest.raises(ConfigError, match="holds no model"):
        detect_format(path)
    folder(config__json=b"{}")
    assert detect_format(path) == ModelFile(ModelFormat.SAFETENSORS, path)


def test_a_folder_with_both_formats_is_ambiguous(folder):
    """The error names the file that could be meant."""
    path = folder(model__safetensors=b"x", config__json=b"{}", model__gguf=_HEAD)
    with pytest.raises(ConfigError, match=r"holds safetensors and GGUF \(model\.gguf\); name that file"):
        detect_format(path)
    assert detect_format(path / "model.gguf").format is ModelFormat.GGUF


def test_several_models_in_a_folder_are_listed(folder):
    """The user must name one."""
    path = folder(a__gguf=_HEAD, b__gguf=_HEAD)
    with pytest.raises(ConfigError, match=r"several GGUF models \(a.gguf, b.gguf\)"):
        detect_format(path)


def test_a_missing_path_is_said(tmp_path):
    """With the path."""
    with pytest.raises(ConfigError, match="nowhere: there is no such file or folder"):
        detect_format(tmp_path / "nowhere")


def test_a_file_that_is_no_gguf_shows_how_it_starts(folder):
    """A saved web page or an LFS pointer is recognised by its reader."""
    path = folder(model__gguf=b"version https://git-lfs") / "model.gguf"
    with pytest.raises(ConfigError, match="it starts with b'version ' where b'GGUF' was expected"):
        detect_format(path)


def test_one_safetensors_file_is_not_a_model(folder):
    """Its folder is."""
    path = folder(model__safetensors=b"x") / "model.safetensors"
    with pytest.raises(ConfigError, match="name the folder"):
        detect_format(path)


@settings(deadline=None, derandomize=True)
@given(st.binary(max_size=40))
def test_any_other_bytes_are_a_clear_error(tmp_path_factory, content):
    """A cut header is told from a wrong magic, and nothing else comes out."""
    path = tmp_path_factory.mktemp("any") / "model.gguf"
    path.write_bytes(content)
    if content.startswith(b"GGUF") and len(content) >= 24:
        assert detect_format(path).path == path
    else:
        expected = "a cut GGUF file" if content.startswith(b"GGUF") else "not a GGUF file"
        with pytest.raises(ConfigError, match=expected):
            detect_format(path)


@pytest.mark.parametrize("length", [4, 23])
def test_a_cut_header_says_how_much_is_there(folder, length):
    """The magic alone does not make a model."""
    path = folder(model__gguf=_HEAD[:length]) / "model.gguf"
    with pytest.raises(ConfigError, match=f"ends after {length} bytes"):
        detect_format(path)


@pytest.mark.parametrize(
    ("named", "made", "said"),
    [
        ("x-00001-of-99999.gguf", ["x-00001-of-99999.gguf"], r"of 99999 parts these are missing: .* and 99978 more"),
        (
            ".",
            [f"model-{number:04}.gguf" for number in range(500)],
            r"holds several GGUF models .* and 480 more\); name",
        ),
        ("y" * 300, [], "there is no such file or folder"),
        ("a\0b", [], r"a\\x00b: there is no such file or folder"),
        ("x\x1b[31m\u202e", [], r"x\\x1b\[31m\\u202e: there is no such file or folder"),
    ],
    ids=["many parts missing", "many models", "a long name", "a NUL", "a terminal's codes"],
)
def test_a_model_that_is_none_is_told_in_a_few_lines(tmp_path, named, made, said):
    """However many files there are or should be, and whatever the name holds."""
    for name in made:
        (tmp_path / name).write_bytes(_HEAD)
    with pytest.raises(ConfigError, match=said) as refused:
        detect_format(tmp_path / named)
    assert len(str(refused.value)) <= 601
    assert str(refused.value).isprintable()


def test_what_is_no_file_is_not_read(tmp_path):
    """Folders, pipes and links that lead nowhere, called *.gguf, are no models; a pipe is never waited for."""
    (tmp_path / "folder.gguf").mkdir()
    os.mkfifo(tmp_path / "pipe.gguf")
    (tmp_path / "nowhere.gguf").symlink_to(tmp_path / "gone")
    (tmp_path / "loop.gguf").symlink_to(tmp_path / "loop.gguf")
    for name in (".", "pipe.gguf", "nowhere.gguf", "loop.gguf", "folder.gguf"):
        with pytest.raises(ConfigError, match=r"no model|neither a file nor a folder|no such file"):
            detect_format(tmp_path / name)
    assert model_facts(str(tmp_path / "pipe.gguf")) == {}

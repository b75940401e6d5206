"""Option names: `--bench-...` always works, a short name is ours only where nobody else has it."""

from __future__ import annotations

from pathlib import Path
from typing import get_args

import pytest

from pytest_inferbench.backends.catalogue import BACKENDS
from pytest_inferbench.options import CANONICAL, OPTIONS, Setting, Settings, use_long_names
from pytest_inferbench.plan.command_line import join_values
from pytest_inferbench.plan.option_checks import check_options
from pytest_inferbench.plan.schema import BackendSettings

TAKES = """
def pytest_addoption(parser):
    parser.addoption("--model", default="theirs")
    parser.addoption("--compare", action="store_true")

def pytest_configure(config):
    got = [config.getoption(name) for name in ("--model", "--compare", "--bench-model")]
    print("GOT", *got, flush=True)
"""
SHOWS = """
def pytest_configure(config):
    inner = hasattr(config, "workerinput")
    print(f"GOT{' in a worker' if inner else ''}", config.rootpath.name, config.inipath and config.inipath.name,
          config.option.inferbench_model, config.option.inferbench_backend, flush=True)
"""
PLAIN = "def test_plain():\n    assert True\n"


@pytest.fixture
def project(pytester: pytest.Pytester) -> Path:
    """A user's project in a folder, with a configuration of its own, and a model in another."""
    folder = pytester.mkdir("project")
    (folder / "pytest.ini").write_text("[pytest]\naddopts = -s\n")
    (folder / "test_plain.py").write_text(PLAIN)
    (folder / "conftest.py").write_text(SHOWS)
    (pytester.mkdir("models") / "tiny.gguf").write_bytes(b"")
    (folder / "own.gguf").write_bytes(b"")
    return folder


def run_in(folder: Path, pytester: pytest.Pytester, *arguments: str) -> pytest.RunResult:
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        return pytester.runpytest_subprocess("-p", "no:cacheprovider", *arguments)


def test_every_option_has_a_name_that_cannot_be_taken():
    """Canonical names begin with --bench-, are different, and no short name is one of them."""
    names = [option.canonical for option in OPTIONS]
    assert all(name.startswith("--bench-") for name in names)
    assert len(set(names)) == len(names)
    assert not set(CANONICAL) & set(names)
    assert CANONICAL["--docker-image"] == CANONICAL["--image"] == "--bench-image"


def test_help_says_what_a_value_is():
    """What takes a value says which, never a type of Python's; a default is told once, and no example repeats it."""
    for option in OPTIONS:
        assert bool(option.metavar) is (option.kind is not bool), option.flag
        assert option.metavar not in {"STR", "INT", "FLOAT"}
        assert option.example != option.plain_default or not option.example, option.flag
        assert option.keywords["help"].count("efault") == ("efault" in option.help) + bool(option.plain_default)
        assert option.kind is str or option.example or option.plain_default or option.kind is bool, "an error names one"


def test_choices_are_those_that_are_taken():
    """The values that help lists are the ones that the config takes, that a wrong value is told, and that there are."""
    by_flag = {option.flag: option for option in OPTIONS}
    for flag, key in (("--provision", "provision"), ("--image-type", "image_type")):
        literal, _ = get_args(BackendSettings.model_fields[key].annotation)
        assert choices(by_flag[flag]) == sorted(get_args(literal))
    default = {option.dest: Setting(option.default, "default") for option in OPTIONS}
    wrong = Settings(default | {"inferbench_baseline_mode": Setting("x", "command line")}, Path())
    with pytest.raises(ValueError, match="use one of") as refused:
        check_options(wrong)
    assert choices(by_flag["--baseline-mode"]) == sorted(str(refused.value).rpartition("one of ")[2].split(", "))
    assert [backend.name for backend in BACKENDS if backend.name not in by_flag["--backend"].help] == []


def choices(option):
    return sorted(option.metavar.strip("{}").split(","))


def test_a_text_is_told_in_names_that_work():
    """Only whole option names are replaced, and only those that are taken."""
    text = "--model x, --model-dir, --no-model, --backend=y (--image-type)"
    expected = "--bench-model x, --model-dir, --no-model, --backend=y (--image-type)"
    assert use_long_names(text, ("--model", "--image")) == expected
    assert use_long_names(text, ()) == text


def test_values_are_joined_to_our_options_alone():
    """Flags have no value, other people's options are left as they are, and so is what follows `--`."""
    words = [
        "tests",
        "--bench-model",
        "/x",
        "--rebuild",
        "t",
        "-k",
        "a",
        "--html",
        "h",
        "--model",
        "m",
        "--",
        "--model",
        "z",
    ]
    assert list(join_values(words)) == [
        *("tests", "--bench-model=/x", "--rebuild", "t", "-k", "a", "--html", "h", "--model=m", "--", "--model", "z")
    ]
    assert list(join_values(["--model"])) == ["--model"]


@pytest.mark.parametrize("arguments", [(), ("-n1",), ("-q",)], ids=["alone", "xdist", "quiet"])
def test_a_conftest_keeps_its_option(suite, server, pytester, arguments):
    """Where a conftest has --model and --compare, they are its own; ours are told in one line and work by --bench-."""
    pytester.makeconftest(TAKES)
    result = suite("-s", "--model=x", "--compare", "--bench-server-url", server.url, "-k", "plain", *arguments)
    assert result.ret == 0
    result.stdout.fnmatch_lines(["GOT x True None"])
    line = (
        "inferbench: --model, --compare are options of a conftest or another plugin here; "
        "instead of them write --bench-model, --bench-compare"
    )
    assert result.outlines.count(line) == 1


def test_messages_name_an_option_that_works(pytester: pytest.Pytester):
    """A message that would say --model says --bench-model where --model is somebody else's."""
    pytester.makeconftest(TAKES)
    pytester.makepyfile("def test_it(bench): pass")
    result = pytester.runpytest_subprocess()
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["ERROR: config/models.yaml: no such file, and no --bench-model was given; *"])
    result.stderr.no_fnmatch_line("* --model *")


@pytest.mark.parametrize("how", ["plugin", "pytest_plugins", "late"])
def test_whoever_adds_an_option_of_our_name_may(pytester: pytest.Pytester, how):
    """Another plugin, one that a conftest names, and a conftest that pytest reads late may all have --backend."""
    adds = "def pytest_addoption(parser):\n    parser.addoption('--backend', default='theirs')\n"
    test = "def test_it(pytestconfig):\n    assert pytestconfig.getoption('--backend') == 'theirs'\n"
    arguments: tuple[str, ...] = ("--bench-backend=llama",)
    if how == "late":
        folder = pytester.mkdir("benchmarks")
        (folder / "conftest.py").write_text(adds)
        (folder / "test_it.py").write_text(test)
    else:
        pytester.makepyfile(other=adds, test_it=test)
    if how == "plugin":
        arguments = ("-p", "other", *arguments)
    if how == "pytest_plugins":
        pytester.makeconftest("pytest_plugins = ['other']")
    result = pytester.runpytest_subprocess(*arguments)
    result.assert_outcomes(passed=1)
    assert ("--backend is an option" in result.stdout.str()) is (how != "late")


@pytest.mark.parametrize("words", [["--model", "tiny"], ["--bench-model=tiny"]], ids=["short", "canonical"])
@pytest.mark.parametrize("where", ["command line", "addopts", "PYTEST_ADDOPTS"])
def test_wherever_a_name_is_written_it_is_read(project, pytester, monkeypatch, where, words):
    """Both kinds of names work on the command line, in addopts and in the environment; workers get them, too."""
    words = [*words, "--bench-backend", "llama"]
    if where == "addopts":
        (project / "pytest.ini").write_text(f"[pytest]\naddopts = -s {' '.join(words)}\n")
    if where == "PYTEST_ADDOPTS":
        monkeypatch.setenv("PYTEST_ADDOPTS", " ".join(words))
    result = run_in(project, pytester, *(words if where == "command line" else ()), "-n1")
    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines(["GOT project pytest.ini ['tiny'] ['llama']"])


@pytest.mark.parametrize(
    "words",
    [
        ["--model", "{models}/tiny.gguf"],
        ["--model={models}/tiny.gguf"],
        ["--bench-model", "{models}/tiny.gguf"],
        ["--model", "../models/tiny.gguf", "test_plain.py"],
        ["--model", "own.gguf"],
        ["--bench-results", "{models}", "--model", "x"],
    ],
    ids=["short", "joined", "canonical", "upwards", "inside", "another option"],
)
def test_a_value_that_is_a_path_moves_no_rootdir(project, pytester, words):
    """The run stays in the project, with its configuration and its tests, whatever path an option of ours names."""
    (pytester.path / "models" / "pytest.ini").write_text("[pytest]\n")
    result = run_in(project, pytester, *(word.format(models=pytester.path / "models") for word in words))
    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines(["GOT project pytest.ini [[]*", "configfile: pytest.ini"])


def test_a_path_after_somebody_s_flag_of_our_name_is_a_path(project, pytester):
    """A conftest's --compare takes no value, so what follows it is a test's path, whose conftest is read first."""
    folder = project / "deep"
    folder.mkdir()
    (folder / "conftest.py").write_text(
        "def pytest_addoption(parser): parser.addoption('--compare', action='store_true')"
    )
    (folder / "test_deep.py").write_text(
        "def test_it(pytestconfig): assert pytestconfig.getoption('--compare') is True"
    )
    result = run_in(project, pytester, "--compare", "deep")
    result.assert_outcomes(passed=1)


@pytest.mark.parametrize("name", ["pytest_inferbench.plugin.hooks", "inferbench"])
@pytest.mark.parametrize("autoload", [True, False])
def test_named_as_a_plugin_it_is_loaded_once(pytester: pytest.Pytester, monkeypatch, name, autoload):
    """`-p` with either name works, with and without autoload."""
    if not autoload:
        monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    pytester.makepyfile("def test_it(pytestconfig): assert pytestconfig.getoption('--bench-model') == ['x']")
    pytester.runpytest_subprocess("-p", name, "--model", "x").assert_outcomes(passed=1)


@pytest.mark.parametrize("autoload", [True, False])
def test_a_conftest_may_bring_us(pytester: pytest.Pytester, monkeypatch, autoload):
    """`pytest_plugins` in a conftest works beside the entry point and without it, with short names."""
    if not autoload:
        monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    pytester.makeconftest("pytest_plugins = ['pytest_inferbench.plugin.hooks']")
    pytester.makepyfile("def test_it(pytestconfig): assert pytestconfig.getoption('--bench-model') == ['x']")
    pytester.runpytest_subprocess("--model=x").assert_outcomes(passed=1)


def test_switched_off_it_takes_no_name(pytester: pytest.Pytester):
    """With `-p no:inferbench` neither name is an option, and a conftest's is its own without a word."""
    pytester.makeconftest(TAKES.replace(', "--bench-model"', ""))
    pytester.makepyfile(PLAIN)
    result = pytester.runpytest_subprocess("-p", "no:inferbench", "--model=x", "-s")
    result.assert_outcomes(passed=1)
    result.stdout.no_fnmatch_line("*inferbench:*")


def test_help_shows_both_names(pytester: pytest.Pytester):
    """The help explains each option once, by the name that always works, and lists the short ones that are free."""
    pytester.makeconftest("def pytest_addoption(parser): parser.addoption('--model', help='theirs')")
    result = pytester.runpytest_subprocess("--help")
    assert result.ret == 0
    result.stdout.fnmatch_lines(
        [
            "LLM inference benchmarks:",
            "  --bench-model=MODEL*",
            "  --bench-backend-args=ARGS*",
            "*Server arguments; needs --bench-backend.*",
            "LLM inference benchmarks, short names:",
            "  --backend=BACKEND *The same as --bench-backend.",
            "  --image=IMAGE, --docker-image=IMAGE",
        ]
    )
    assert result.stdout.str().count("--model=") == 1

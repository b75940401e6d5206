"""The shape of config/models.yaml, and how a mistake in it is told."""

from pathlib import Path

import pytest

from pytest_inferbench.config.load import load
from pytest_inferbench.config.parse import parse
from pytest_inferbench.config.validate import validate
from pytest_inferbench.errors import ConfigError
from pytest_inferbench.plan.schema import ModelsFile

ROOT = Path(__file__).parents[2]

DOCUMENTED = """\
defaults:
  backend: vllm
  backends:
    vllm:   {version: v0.8.0, image_type: prebuilt, args: {gpu_memory_utilization: 0.95, max_model_len: 65536}}
    llama:  {version: b4521, image_type: build, args: {n_gpu_layers: 999}}
    trtllm: {version: "0.18.0", image_type: prebuilt, engine_cache: ~/.cache/trtllm-engines}
models:
  - repo_id: org/model
    name: short-name
    backend: [vllm, sglang]
    backends: {vllm: {version: v0.8.1, args: {max_model_len: 32768}}}
    variants: {chunked: {args: {enable_chunked_prefill: true}}}
    slo: {ttft_ms: 500, tpot_ms: 50}
  - path: ~/models/x.gguf
    framework: llama
"""


def read(text):
    return validate(ModelsFile, parse(text, "m.yaml"))


def refused(text):
    with pytest.raises(ConfigError) as caught:
        read(text)
    return str(caught.value)


def test_the_documented_file():
    """Every key that the documentation shows is read with its type."""
    file = read(DOCUMENTED)
    first, second = file.models
    assert file.defaults.backends["vllm"].args == {"gpu_memory_utilization": 0.95, "max_model_len": 65536}
    assert file.defaults.backends["trtllm"].engine_cache == "~/.cache/trtllm-engines"
    assert first.wanted_backends == ("vllm", "sglang")
    assert first.variants["chunked"].args == {"enable_chunked_prefill": True}
    assert first.slo == {"ttft_ms": 500, "tpot_ms": 50}
    assert second.wanted_backends == ("llama",)
    assert second.repo_id is None


def test_the_shipped_file():
    """The project's own config is valid and holds the model that runs anywhere and a vLLM entry."""
    file = validate(ModelsFile, load(ROOT / "config" / "models.yaml", ROOT))
    assert [model.name for model in file.models] == ["tiny", "qwen3-0.6b"]


def test_backend_may_be_left_to_the_format():
    """A model that names no backend wants none in particular."""
    assert read("models: [{repo_id: a/b}]\n").models[0].wanted_backends == ()


def test_known_keys_without_a_value_are_absent():
    """Keys whose lines are all commented out count as not written."""
    file = read("defaults:\n  backends:\nmodels:\n  - repo_id: a/b\n    variants:\n    backend:\n")
    assert file == read("models: [{repo_id: a/b}]\n")


MODEL = "models:\n  - repo_id: a/b\n"

BROKEN = {
    "empty file": ("", "m.yaml:1: missing key 'models'; add it"),
    "no models": ("models: []\n", "m.yaml:1: models: got an empty list, expected at least 1 in it"),
    "models is text": ("models: a/b\n", "m.yaml:1: models: got 'a/b', expected a list"),
    "model is text": (
        "models:\n  - a/b\n",
        "m.yaml:2: models[0]: got 'a/b', expected a mapping (key: value)",
    ),
    "neither place": (
        "models:\n  - name: x\n",
        "m.yaml:2: models[0]: neither repo_id nor path; say where the model is: repo_id: org/model, or path: ~/x.gguf",
    ),
    "both places": (MODEL + "    path: x\n", "m.yaml:2: models[0]: both repo_id and path; keep one of them"),
    "empty path": (
        "models:\n  - path: ' '\n",
        "m.yaml:2: models[0].path: got ' ', expected text that is not empty",
    ),
    "unknown key": (MODEL + "    bakend: vllm\n", "m.yaml:3: models[0]: unknown key 'bakend'; did you mean 'backend'?"),
    "unknown key far from all": (
        "xyz: 1\n" + MODEL,
        "m.yaml:1: unknown key 'xyz'; known are defaults, models",
    ),
    "unknown key without a value": (
        MODEL + "    varients:\n",
        "m.yaml:3: models[0]: unknown key 'varients'; did you mean 'variants'?",
    ),
    "unknown key deep down": (
        MODEL + "    variants:\n      a:\n        arg: {}\n",
        "m.yaml:5: models[0].variants.a: unknown key 'arg'; did you mean 'args'?",
    ),
    "both spellings": (
        MODEL + "    backend: vllm\n    framework: vllm\n",
        "m.yaml:4: models[0]: 'framework' says the same as a key that is also given; keep one of them",
    ),
    "version is a number": (
        "defaults:\n  backends:\n    trtllm: {version: 0.18}\n" + MODEL,
        'm.yaml:3: defaults.backends.trtllm.version: got 0.18, expected text; write it in quotes: "0.18"',
    ),
    "name is a bool": (
        MODEL + "    name: true\n",
        'm.yaml:3: models[0].name: got true, expected text; write it in quotes: "true"',
    ),
    "name with a slash": (
        MODEL + "    name: ../x\n",
        (
            "m.yaml:3: models[0].name: got '../x', "
            "expected a name of letters, digits and . _ + - that does not begin with a dot"
        ),
    ),
    "variant name with a space": (
        MODEL + "    variants: {a b: {}}\n",
        (
            "m.yaml:3: models[0].variants.a b: got 'a b', "
            "expected a name of letters, digits and . _ + - that does not begin with a dot"
        ),
    ),
    "backend is a number": (
        MODEL + "    backend: 3\n",
        'm.yaml:3: models[0].backend: got 3, expected text or a list; write it in quotes: "3"',
    ),
    "one of the backends is a number": (
        MODEL + "    backend:\n      - vllm\n      - 3\n",
        'm.yaml:5: models[0].backend[1]: got 3, expected text; write it in quotes: "3"',
    ),
    "no backends": (
        MODEL + "    backend: []\n",
        "m.yaml:3: models[0].backend: got an empty list, expected text or at least 1 in it",
    ),
    "image type": (
        MODEL + "    backends: {vllm: {image_type: built}}\n",
        "m.yaml:3: models[0].backends.vllm.image_type: got 'built', expected 'build' or 'prebuilt'",
    ),
    "provision": (
        MODEL + "    backends: {vllm: {provision: k8s}}\n",
        "m.yaml:3: models[0].backends.vllm.provision: got 'k8s', expected 'docker', 'process' or 'url'",
    ),
    "argument is a list": (
        MODEL + "    backends:\n      vllm:\n        args:\n          x: [1]\n",
        "m.yaml:6: models[0].backends.vllm.args.x: got a list, expected text, true/false or a number",
    ),
    "argument without a value": (
        MODEL + "    backends: {vllm: {args: {x: }}}\n",
        "m.yaml:3: models[0].backends.vllm.args.x: got nothing, expected text, true/false or a number",
    ),
    "settings are text": (
        MODEL + "    backends: {vllm: v0.8.0}\n",
        "m.yaml:3: models[0].backends.vllm: got 'v0.8.0', expected a mapping (key: value)",
    ),
    "limit is zero": (
        MODEL + "    slo: {ttft_ms: 0}\n",
        "m.yaml:3: models[0].slo.ttft_ms: got 0, expected a number above 0",
    ),
    "limit is text": (
        MODEL + "    slo: {ttft_ms: 5 ms}\n",
        "m.yaml:3: models[0].slo.ttft_ms: got '5 ms', expected a number",
    ),
    "limit is not a number": (
        MODEL + "    slo: {ttft_ms: .nan}\n",
        "m.yaml:3: models[0].slo.ttft_ms: got .nan, expected a finite number",
    ),
    "a long value": (
        MODEL + f"    backends: {{vllm: {{image_type: {'x' * 90}}}}}\n",
        f"m.yaml:3: models[0].backends.vllm.image_type: got '{'x' * 59}...', expected 'build' or 'prebuilt'",
    ),
    "several, in the order of their lines": (
        "modles: 1\nmodels:\n  - repo_id: 3\n    nam: x\n",
        (
            "m.yaml:1: unknown key 'modles'; did you mean 'models'?\n"
            'm.yaml:3: models[0].repo_id: got 3, expected text; write it in quotes: "3"\n'
            "m.yaml:4: models[0]: unknown key 'nam'; did you mean 'name'?"
        ),
    ),
}


@pytest.mark.parametrize(("text", "message"), BROKEN.values(), ids=BROKEN.keys())
def test_broken_files(text, message):
    """Each mistake is told with its line, its path, what was found and what was expected."""
    assert refused(text) == message


def test_a_mistake_in_a_parent_is_told_where_it_stands(tmp_path):
    """A wrong value that came through `extends:` is reported in the file that holds it."""
    (tmp_path / "base.yaml").write_text("# x\ndefaults: {backend: 3}\n")
    (tmp_path / "top.yaml").write_text("extends: base.yaml\nmodels: [{repo_id: a/b}]\n")
    with pytest.raises(ConfigError, match=r"^base\.yaml:2: defaults\.backend: got 3, expected text"):
        validate(ModelsFile, load(tmp_path / "top.yaml", tmp_path))


@pytest.mark.parametrize(
    "written", ["0.10", "1e3", "0o17", "010", "0x1F", "+1", "-0", "1.50", "True", "FALSE", ".inf", "00", "1.", "1E+2"]
)
def test_a_scalar_is_told_as_it_was_written(written):
    """What should be put in quotes is the text of the file, not what YAML read it as."""
    text = f"models:\n  - repo_id: a/b\n    backends: {{vllm: {{version: {written}}}}}\n"
    assert refused(text) == (
        f'm.yaml:3: models[0].backends.vllm.version: got {written}, expected text; write it in quotes: "{written}"'
    )


def test_an_aliased_scalar_and_one_in_a_list_are_told_as_written():
    """Wherever it stands."""
    assert "slo.ttft_ms: got 0.00, expected" in refused("models:\n  - {repo_id: a/b, slo: {ttft_ms: 0.00}}\n")
    assert "backend[1]: got 1.10, expected text" in refused("models:\n  - {repo_id: a/b, backend: [vllm, 1.10]}\n")
    aliased = "defaults: {policy: {margin: &m 0.10}}\nmodels:\n  - {repo_id: a/b, name: *m}\n"
    assert 'models[0].name: got 0.10, expected text; write it in quotes: "0.10"' in refused(aliased)


@pytest.mark.parametrize("written", ["yes", "on", "1_000", "2024-01-01", "1:30", "0b1", "v0.10", "'0.10'"])
def test_what_is_text_stays_as_written(written):
    """YAML 1.2 reads none of these as a number, a date or a truth value."""
    file = read(f"models:\n  - repo_id: a/b\n    backends: {{vllm: {{version: {written}}}}}\n")
    assert file.models[0].backends["vllm"].version == written.strip("'")

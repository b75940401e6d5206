"""The older schema of the config: the same plan as today's, one warning, and no guessing where both are given."""

from __future__ import annotations

import warnings
from dataclasses import replace

import pytest

from plan.plan_options import Options
from pytest_inferbench.errors import ConfigError, OlderSpellingWarning
from pytest_inferbench.models.builtin import builtin_model
from pytest_inferbench.plan.cells import plan_cells

OLD = """\
defaults:
  vllm_version: v0.8.0
  vllm_image_type: prebuilt
  llama_version: b4521
  trtllm_version: "0.18.0"
  backends:
    vllm: {provision: docker, default_args: {gpu_memory_utilization: 0.95, max_model_len: 65536}}
    trtllm: {provision: docker}
serve:
  backend: vllm
  backend_args: --enforce-eager --max-num-seqs 8
  gpu_layers: 99
models:
  - {repo_id: org/one, backend_version: v0.8.1, backend_args: {max_model_len: 32768}}
  - {repo_id: org/two}
  - {repo_id: org/three, framework: trtllm}
  - {path: 'builtin:tiny', framework: llama, backend_version: installed}
"""
NEW = """\
defaults:
  backend: vllm
  backends:
    vllm:
      version: v0.8.0
      image_type: prebuilt
      provision: docker
      args: {gpu_memory_utilization: 0.95, max_model_len: 65536, enforce_eager: true, max_num_seqs: 8}
    llama: {version: b4521, args: {n_gpu_layers: 99}}
    trtllm: {version: "0.18.0", provision: docker}
models:
  - {repo_id: org/one, backends: {vllm: {version: v0.8.1, args: {max_model_len: 32768}}}}
  - {repo_id: org/two}
  - {repo_id: org/three, backend: trtllm}
  - {path: 'builtin:tiny', backend: llama, backends: {llama: {version: installed}}}
"""
MODEL = "models: [{repo_id: org/one, backend: vllm}]\n"


@pytest.fixture
def plan(tmp_path):
    """The cells of a config, with the warnings that planning gave."""
    (tmp_path / "config").mkdir()

    def run(text, **further):
        (tmp_path / "config" / "models.yaml").write_text(text)
        for name, content in further.items():
            (tmp_path / "config" / f"{name}.yaml").write_text(content)
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            cells = plan_cells(Options(tmp_path))
        return cells, caught

    return run


def test_both_schemas_give_the_same_plan(plan):
    """Every older key has the effect of the one that replaced it."""
    (old, warned), (new, silent) = plan(OLD), plan(NEW)
    assert [sorted(cell.args) for cell in old] == [sorted(cell.args) for cell in new]
    assert [replace(cell, args=()) for cell in old] == [replace(cell, args=()) for cell in new]
    assert len(old) == 4
    assert len(warned) == 1
    assert silent == []


def test_one_warning_names_every_new_key_and_where_the_older_one_stands(plan):
    """A person can mend the file from the warning alone."""
    _, (warning,) = plan(OLD)
    assert warning.category is OlderSpellingWarning
    assert issubclass(warning.category, DeprecationWarning)
    assert (warning.filename, warning.lineno) == ("config/models.yaml", 2)
    lines = [line.strip() for line in str(warning.message).splitlines()[1:]]
    assert lines == [
        "config/models.yaml:2: defaults.vllm_version is now defaults.backends.vllm.version",
        "config/models.yaml:4: defaults.llama_version is now defaults.backends.llama.version",
        "config/models.yaml:5: defaults.trtllm_version is now defaults.backends.trtllm.version",
        "config/models.yaml:3: defaults.vllm_image_type is now defaults.backends.vllm.image_type",
        "config/models.yaml:7: defaults.backends.vllm.default_args is now defaults.backends.vllm.args",
        "config/models.yaml:14: models[0].backend_version is now models[0].backends.vllm.version",
        "config/models.yaml:14: models[0].backend_args is now models[0].backends.vllm.args",
        "config/models.yaml:17: models[3].backend_version is now models[3].backends.llama.version",
        "config/models.yaml:10: serve.backend is now defaults.backend",
        "config/models.yaml:12: serve.gpu_layers is now defaults.backends.llama.args.n_gpu_layers",
        "config/models.yaml:11: serve.backend_args is now defaults.backends.vllm.args",
    ]


def test_sources_are_those_of_the_older_keys(plan):
    """A value still says the line where it is written."""
    (one, two, *_), _ = plan(OLD)
    assert dict(one.sources)["version"] == "config/models.yaml:14"
    assert dict(one.sources)["args.max_model_len"] == "config/models.yaml:14"
    assert dict(two.sources)["version"] == "config/models.yaml:2"
    assert dict(two.sources)["args.enforce_eager"] == "config/models.yaml:11"


def test_the_served_model_is_the_first_of_the_list(plan):
    """`serve.model_path` is a model like others; one that is listed is not listed twice."""
    path = builtin_model("tiny")
    serve = f"serve: {{backend: llama, model_path: {path}, max_ctx_size: 4096}}\n"
    (only,), _ = plan(serve)
    assert (only.location, only.backend, dict(only.args)) == (str(path), "llama", {"n_ctx": 4096})
    (first, second), _ = plan(serve + MODEL)
    assert (first.location, second.location) == (str(path), "org/one")
    (listed,), _ = plan(f"{serve}models: [{{path: {path}, name: mine}}]\n")
    assert listed.model == "mine"


def test_the_context_is_the_backend_s_own_argument(plan):
    """`serve.max_ctx_size` becomes what the served backend calls it."""
    (cell,), _ = plan("serve: {backend: vllm, max_ctx_size: 4096, backend_args: [--max-num-seqs, 8]}\n" + MODEL)
    assert dict(cell.args) == {"max_model_len": 4096, "max_num_seqs": 8}


def test_files_of_both_schemas_extend_each_other(plan):
    """Each file is read by its own keys, then laid over the other, whichever is the older."""
    (cell,), (warning,) = plan(
        "extends: base.yaml\ndefaults: {backends: {vllm: {version: v0.8.1}}}\n" + MODEL,
        base="defaults: {vllm_version: v0.8.0, vllm_image_type: build}\n",
    )
    assert (cell.version, dict(cell.sources)["version"]) == ("v0.8.1", "config/models.yaml:2")
    assert "config/base.yaml:1: defaults.vllm_version" in str(warning.message)
    (cell,), _ = plan(
        "extends: base.yaml\ndefaults: {vllm_version: v0.8.1}\n" + MODEL,
        base="defaults: {backends: {vllm: {version: v0.8.0}}}\n",
    )
    assert cell.version == "v0.8.1"


def test_a_model_without_a_backend_keeps_its_version_on_any(plan):
    """What a model said of its server holds on whichever backend its format leads to."""
    (cell,), (warning,) = plan("models: [{path: 'builtin:tiny', backend_version: b7}]\n")
    assert (cell.backend, cell.version) == ("llama", "b7")
    assert "models[0].backends.<backend>.version" in str(warning.message)


def test_older_keys_without_a_value_are_absent(plan):
    """A key whose value is commented out counts as not written, and warns of nothing."""
    _, caught = plan("defaults: {vllm_version: }\nserve:\nmodels: [{repo_id: a/b, backend: vllm, backend_args: }]\n")
    assert caught == []


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "defaults:\n  vllm_version: v1\n  backends: {vllm: {version: v2}}\n" + MODEL,
            r"models.yaml:2: defaults.vllm_version: .*vllm.version says the same \(config/models.yaml:3\)",
        ),
        (
            "serve: {backend: vllm}\ndefaults: {backend: llama}\n" + MODEL,
            "models.yaml:1: serve.backend: .* says the same",
        ),
        ("serve: {bakend: vllm}\n" + MODEL, "models.yaml:1: serve: unknown key 'bakend'; did you mean 'backend'"),
        ("serve: {backend: vlm}\n" + MODEL, "models.yaml:1: unknown backend 'vlm'; did you mean 'vllm'"),
        ("serve: {backend_args: --x}\n" + MODEL, "models.yaml:1: serve.backend_args: whose are they"),
        (
            "serve: {backend: vllm, backend_args: word}\n" + MODEL,
            "serve.backend_args: 'word' belongs to",
        ),
        ("serve: {backend: vllm, backend_args: [[]]}\n" + MODEL, "models.yaml:1: serve.backend_args: got a list"),
        ("serve: llama\n" + MODEL, "models.yaml:1: serve: got 'llama', expected a mapping"),
        ("defaults: {vllm_version: 0.8}\n" + MODEL, "models.yaml:1: defaults.backends.vllm.version: got 0.8, expected"),
        ("models: [{repo_id: a/b, backend: vllm, backend_args: {ngl: 9}}]\n", "models.yaml:1: ngl is an argument of"),
    ],
)
def test_what_cannot_be_meant_is_an_error(plan, text, message):
    """Both spellings at once, unknown keys and unusable values are told with their place."""
    with pytest.raises(ConfigError, match=message):
        plan(text)

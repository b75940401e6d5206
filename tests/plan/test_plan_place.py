from __future__ import annotations

import pytest

from plan.plan_options import Options
from pytest_inferbench.errors import ConfigError
from pytest_inferbench.plan.backend_args import parse_backend_args
from pytest_inferbench.plan.cells import plan_cells
from pytest_inferbench.policy import DEFAULT_GATES, gate_rules

CONFIG = """
defaults:
  backends:
    vllm: {version: v0.8.0, provision: docker, args: {max_model_len: 65536, max_num_seqs: 8}}
models:
  - repo_id: org/one
    backend: vllm
    backends: {vllm: {version: v0.8.1, image_type: build, memory: 8g, args: {max_model_len: 32768}}}
  - repo_id: org/two
    backend: vllm
"""


@pytest.fixture
def plan(tmp_path):
    (tmp_path / "config").mkdir()
    (tmp_path / "config" / "models.yaml").write_text(CONFIG, encoding="utf-8")

    def cells(**options):
        return plan_cells(Options(tmp_path, **options))

    return cells


def test_what_is_nearer_wins_and_says_where_it_is_from(plan):
    """Version, image type and arguments come from the model, else the defaults, else the backend."""
    one, two = plan()
    assert (one.version, one.image_type, one.memory, dict(one.args)["max_model_len"]) == (
        "v0.8.1",
        "build",
        8 * 2**30,
        32768,
    )
    assert (two.version, two.image_type, two.memory, dict(two.args)["max_model_len"]) == (
        "v0.8.0",
        "prebuilt",
        None,
        65536,
    )
    sources = dict(one.sources)
    assert sources["version"].endswith("models.yaml:8")
    assert sources["args.max_num_seqs"].endswith("models.yaml:4")
    assert sources["provision"].endswith("models.yaml:4")
    assert dict(two.sources)["image_type"] == "default"


def test_the_command_line_wins_over_all(plan):
    """Its options reach every cell, under each backend's own name, and say that they are from there."""
    cells = plan(
        backend=("vllm",),
        backend_version=("v9",),
        backend_args=("--max-num-seqs 4 brand_new=x",),
        max_model_len=100,
        tensor_parallel=2,
        build_from_source=True,
    )
    for cell in cells:
        assert (cell.version, cell.image_type, cell.gpus) == ("v9", "build", 2)
        assert dict(cell.args) == {"max_model_len": 100, "max_num_seqs": 4, "brand_new": "x", "tensor_parallel_size": 2}
        assert dict(cell.sources)["args.max_num_seqs"] == "command line"


def test_an_image_of_one_s_own_names_the_cell(plan):
    """Its tag is the version; what the config says of another image's version does not apply."""
    assert {cell.version for cell in plan(image="host:5000/my/vllm:dev")} == {"dev"}
    assert {cell.version for cell in plan(image="host:5000/my/vllm")} == {"latest"}
    assert {cell.version for cell in plan(image="my/vllm:dev", backend_version=("v9",))} == {"v9"}


def test_process_provision_takes_what_is_installed(plan, tmp_path):
    """Without a version, a process is what is there and a container the backend's default."""
    (tmp_path / "config" / "models.yaml").write_text("models:\n  - {repo_id: org/m, backend: sglang}\n")
    (process,), (container,) = plan(), plan(provision="docker")
    assert (process.provision, process.version) == ("process", "installed")
    assert (container.provision, container.version) == ("docker", "latest")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"provision": "kubernetes"}, "--provision kubernetes: use one of docker, process, url"),
        ({"provision": "url"}, "provision url needs an address; pass --server-url"),
        ({"image_type": "homemade"}, "--image-type homemade: use one of build, prebuilt"),
        ({"backend": ("external",), "provision": "docker"}, "external has no containers"),
        ({"n_gpu_layers": 9}, "--n-gpu-layers: vllm has no such argument; llama, ik_llama have"),
        ({"backend_args": ("--x",)}, "--backend-args needs --backend, which says whose .* here: --backend vllm"),
        ({"backend": ("vllm",), "backend_args": ("--ngl 9",)}, "from --backend-args: ngl is an argument of llama"),
        ({"backend": ("vllm",), "backend_args": ("x",)}, "from --backend-args: 'x' belongs to nothing"),
        ({"backend": ("vllm",), "backend_args": ("'x",)}, "No closing quotation"),
    ],
)
def test_what_cannot_be_is_one_clear_error(plan, options, message):
    """Each wrong option is named, with what would be right."""
    with pytest.raises(ConfigError, match=message):
        plan(**options)


def test_a_path_from_where_one_stands_is_told_from_the_root(plan, tmp_path, monkeypatch):
    """Paths start from the rootdir; one that exists from the working folder is told as the path that works."""
    (tmp_path / "sub").mkdir()
    (tmp_path / "own.gguf").touch()
    monkeypatch.chdir(tmp_path / "sub")
    with pytest.raises(ConfigError, match=f"--model {tmp_path}/own.gguf$"):
        plan(model=("../own.gguf",))


@pytest.mark.parametrize(
    ("written", "pairs"),
    [
        ("--enforce-eager --max-num-seqs 8", [("--enforce-eager", True), ("--max-num-seqs", "8")]),
        ("--a=1 b=2", [("--a", "1"), ("b", "2")]),
        ("--no-warmup", [("--no-warmup", True)]),
        ("--offset -1 --x", [("--offset", "-1"), ("--x", True)]),
        ("--extra '{\"a\": 1}'", [("--extra", '{"a": 1}')]),
        ("", []),
    ],
)
def test_the_forms_of_backend_args(written, pairs):
    """Flags with and without value, and NAME=VALUE."""
    assert list(parse_backend_args([written])) == pairs


@pytest.mark.parametrize(("written", "size"), [("512m", 2**29), ("8g", 2**33), ("1.5G", 3 * 2**29), ("4096", 4096)])
def test_memory_is_written_as_people_write_it(plan, tmp_path, written, size):
    """Numbers, with or without a unit."""
    text = (
        f"models:\n  - {{repo_id: o/m, backend: vllm, backends: {{vllm: {{provision: docker, memory: {written}}}}}}}\n"
    )
    (tmp_path / "config" / "models.yaml").write_text(text)
    assert plan()[0].memory == size


@pytest.mark.parametrize(("written", "pids"), [("pids: 100", 100), ("memory: 8g", None)])
def test_how_many_processes_are_allowed(plan, tmp_path, written, pids):
    """A number, or what is enough for the container's GPUs."""
    text = f"models:\n  - {{repo_id: o/m, backend: vllm, backends: {{vllm: {{provision: docker, {written}}}}}}}\n"
    (tmp_path / "config" / "models.yaml").write_text(text)
    assert plan()[0].pids == pids


@pytest.mark.parametrize("written", ["0", "-1", "many", "1.5", "yes"])
def test_pids_that_are_none_are_told_with_their_place(plan, tmp_path, written):
    """No number of processes is unlimited."""
    text = f"models:\n  - repo_id: o/m\n    backend: vllm\n    backends: {{vllm: {{pids: {written}}}}}\n"
    (tmp_path / "config" / "models.yaml").write_text(text)
    with pytest.raises(ConfigError, match=r"models.yaml:4.*pids"):
        plan()


@pytest.mark.parametrize("written", ["lots", "9" * 99, f"{'9' * 400}g", "x" * 5000, "-8g", ".inf", "\u0661g"])
def test_a_memory_that_is_none_is_told_with_its_place(plan, tmp_path, written):
    """The file and line of what was written, shortened, and what was expected."""
    text = f"models:\n  - repo_id: o/m\n    backend: vllm\n    backends: {{vllm: {{memory: {written}}}}}\n"
    (tmp_path / "config" / "models.yaml").write_text(text)
    with pytest.raises(ConfigError, match=r"models.yaml:4.*8g or 512m") as refused:
        plan()
    assert len(str(refused.value)) < 250


def test_policy_of_model_and_suite(tmp_path, plan):
    """A cell has the policy of its model before that of the suite."""
    written = tmp_path / "config" / "models.yaml"
    text = CONFIG.replace("defaults:", "defaults:\n  policy: {alpha: 0.01}")
    written.write_text(text + "    policy: {gates: [ttft_ms.p95], tails: {margin: 0.2}}\n", encoding="utf-8")
    one, two = (gate_rules(cell.policy) for cell in plan())
    assert {gate: rule.alpha for gate, rule in one.items()} == dict.fromkeys(DEFAULT_GATES, 0.01)
    assert (two["ttft_ms.p95"].margin, two["ttft_ms.p95"].alpha) == (0.2, 0.01)


def test_a_switch_and_its_opposite_are_one_setting(plan, tmp_path):
    """The nearer word for it wins, whichever of both it is; the command line's wins over all."""
    (tmp_path / "config" / "models.yaml").write_text(
        "defaults: {backends: {vllm: {args: {new: true, no_other: true, enforce_eager: true}}}}\n"
        "models:\n  - {repo_id: org/m, backend: vllm, backends: {vllm: {args: {no-new: true, other: true}}}}\n"
    )
    (cell,) = plan()
    assert dict(cell.args) == {"no_new": True, "other": True, "enforce_eager": True}
    assert dict(cell.sources)["args.no_new"].endswith("models.yaml:3")
    (cell,) = plan(backend=("vllm",), backend_args=("--new", "--no_enforce_eager"))
    assert dict(cell.args) == {"new": True, "other": True, "enforce_eager": False}


@pytest.mark.parametrize("written", ["--new --no-new", "no_new=1 --no-new=2", "--max-num-seqs 8 max_num_seqs=9"])
def test_an_argument_given_twice_on_the_command_line_is_an_error(plan, written):
    """Nobody can say which of both was meant."""
    with pytest.raises(ConfigError, match=r"from --backend-args: .* is given twice, here as .* and as .*; keep one"):
        plan(backend=("vllm",), backend_args=(written,))


def test_a_number_that_may_be_a_name_is_passed_as_written(plan, tmp_path):
    """An argument that nobody types keeps its digits; a message shows what the file says."""
    config = tmp_path / "config" / "models.yaml"
    text = "models:\n  - {{repo_id: org/m, backend: vllm, backends: {{vllm: {{args: {{{}}}}}}}}}\n"
    config.write_text(text.format("revision: 0.10, gpu_memory_utilization: 0.90, seed: 7"))
    assert dict(plan()[0].args) == {"revision": "0.10", "gpu_memory_utilization": 0.9, "seed": 7}
    config.write_text(text.format("max_model_len: 1e3"))
    with pytest.raises(ConfigError, match="max_model_len must be a whole number, not 1e3"):
        plan()

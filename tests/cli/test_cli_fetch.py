"""`inferbench fetch` against a hub on loopback: resumed, checked, only what is needed, and found again by a run."""

from __future__ import annotations

import os
import random
import re
import subprocess
import sys
from pathlib import Path

import pytest

from fakes.hub import COMMIT, Hub
from pytest_inferbench.models.builtin import builtin_model

pytest.importorskip("huggingface_hub")

CHUNK = 10 * 2**20  # what huggingface_hub writes at once; less is lost when a connection is cut
WEIGHTS = random.Random(7).randbytes(3 * CHUNK + 300_000)
SAFETENSORS = {
    "config.json": b'{"model_type": "llama"}',
    "model.safetensors": WEIGHTS,
    "tokenizer.json": b"{}",
    "README.md": b"# model",
    "pytorch_model.bin": b"x" * 5000,
    "onnx/model.onnx": b"x" * 5000,
}
CONFIG = "models:\n  - {repo_id: org/model, backend: vllm}\n"
TOKEN = "hf_a_secret_token"  # noqa: S105 - of a stand-in


@pytest.fixture
def fetch(tmp_path):
    """Run `inferbench fetch` in a project; the whole environment of the hub is the test's own."""
    (tmp_path / "config").mkdir()

    def run(hub, config=CONFIG, *arguments, **environ):
        (tmp_path / "config" / "models.yaml").write_text(config)
        here = {"HF_ENDPOINT": hub.url, "HF_HOME": str(tmp_path / "hf"), "INFERBENCH_CACHE": str(tmp_path / "cache")}
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("HF_", "HUGGING"))}
        program = "from pytest_inferbench.cli.main import main; raise SystemExit(main())"
        return subprocess.run(
            [sys.executable, "-c", program, "fetch", *arguments],
            cwd=tmp_path,
            env={**kept, **here, **environ},
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )

    return run


def files_below(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def snapshot(tmp_path: Path) -> Path:
    return tmp_path / "hf" / "hub" / "models--org--model" / "snapshots" / COMMIT


def test_a_download_that_is_cut_twice_is_resumed_and_whole(fetch, tmp_path):
    """Each time only what is missing is asked for, and the file is the hub's, byte for byte."""
    with Hub(SAFETENSORS, cuts=(CHUNK + 100_000, CHUNK + 50_000)) as hub:
        done = fetch(hub)
    assert done.returncode == 0, done.stderr
    ranges = [asked[2] for asked in hub.asked if asked[0] == "GET" and asked[1].endswith("model.safetensors")]
    assert ranges == [None, f"bytes={CHUNK}-", f"bytes={2 * CHUNK}-"]
    assert (snapshot(tmp_path) / "model.safetensors").read_bytes() == WEIGHTS
    assert f"model: 3 files, 31.8 MB, whole: {snapshot(tmp_path)}" in done.stdout


def test_only_what_the_backend_needs_is_fetched(fetch, tmp_path):
    """Weights in its format, configuration and tokenizer; a second time nothing is fetched."""
    with Hub(SAFETENSORS) as hub:
        assert fetch(hub).returncode == 0
        assert set(files_below(snapshot(tmp_path))) == {"config.json", "model.safetensors", "tokenizer.json"}
        before = len([asked for asked in hub.asked if asked[0] == "GET" and "/resolve/" in asked[1]])
        assert fetch(hub).returncode == 0
        assert len([asked for asked in hub.asked if asked[0] == "GET" and "/resolve/" in asked[1]]) == before


def test_a_download_that_ends_early_leaves_nothing_that_counts_as_a_model(fetch, tmp_path):
    """A hub that keeps cutting is an error that says to run it again; then files that are whole are kept."""
    with Hub(SAFETENSORS, cuts=[CHUNK + 100_000, *[0] * 100]) as hub:
        done = fetch(hub)
        assert done.returncode == 1
        assert "files that are whole are kept, so run it again" in done.stderr
        assert "Traceback" not in done.stderr
        assert set(files_below(snapshot(tmp_path))) == {"config.json"}
        assert not list((tmp_path / "cache").rglob("*.json"))
        hub.cuts.clear()
        hub.asked.clear()
        assert fetch(hub).returncode == 0
    fetched = {asked[1].rpartition("/")[2] for asked in hub.asked if asked[0] == "GET" and "/resolve/" in asked[1]}
    assert fetched == {"model.safetensors", "tokenizer.json"}
    assert (snapshot(tmp_path) / "model.safetensors").read_bytes() == WEIGHTS


def test_other_content_of_the_right_size_is_not_taken(fetch, tmp_path):
    """A file whose checksum is not the hub's is fetched once more, then refused and removed."""
    with Hub(SAFETENSORS) as hub:
        hub.lies["model.safetensors"] = bytes(len(WEIGHTS))
        done = fetch(hub)
    assert done.returncode == 1
    assert "model.safetensors came twice with other content" in done.stderr
    assert not (snapshot(tmp_path) / "model.safetensors").exists()


@pytest.mark.parametrize(
    ("config", "environ"),
    [(CONFIG, {"HF_TOKEN": TOKEN}), ("defaults: {hub_token: '${TEAM}'}\n" + CONFIG, {"TEAM": TOKEN})],
    ids=["environment", "config"],
)
def test_a_token_is_sent_and_not_shown(fetch, config, environ):
    """The usual variable, or the one that the config names."""
    with Hub(SAFETENSORS, token=TOKEN) as hub:
        done = fetch(hub, config, **environ)
    assert done.returncode == 0, done.stderr
    assert TOKEN not in done.stdout + done.stderr


@pytest.mark.parametrize(
    ("config", "words"),
    [
        (CONFIG, "its access is restricted; accept its terms"),
        ("models:\n  - {repo_id: org/other, backend: vllm}\n", "restricted"),
        (
            "defaults: {hub_token: '${NONE}'}\n" + CONFIG,
            "yaml:1: hub_token: the environment variable NONE",
        ),
    ],
)
def test_without_its_token_a_repository_is_an_error_with_a_remedy(fetch, config, words):
    """It says what to do, in one line."""
    with Hub(SAFETENSORS, token=TOKEN) as hub:
        done = fetch(hub, config)
    assert done.returncode == 1
    assert words in done.stderr
    assert "Traceback" not in done.stderr


def test_of_gguf_files_one_quantisation_is_fetched(fetch, tmp_path):
    """The file that was named, and no other."""
    files = {f"model-{quant}.gguf": WEIGHTS[:5000] + quant.encode() for quant in ("Q4_K_M", "Q8_0")}
    config = "models:\n  - {repo_id: 'org/model:Q8_0', name: big, backend: llama}\n"
    with Hub(files) as hub:
        done = fetch(hub, config, "--model", "big")
    assert done.returncode == 0, done.stderr
    assert set(files_below(snapshot(tmp_path))) == {"model-Q8_0.gguf"}
    assert "model-Q8_0.gguf" in done.stdout


@pytest.mark.e2e
def test_what_was_fetched_is_what_a_real_server_loads(fetch, tmp_path):
    """Before, a run says how to fetch it; afterwards the real llama.cpp measures the fetched file."""
    pytest.importorskip("xllamacpp")
    (tmp_path / "test_it.py").write_text(
        "from pytest_inferbench import Single\n"
        "def test_it(bench):\n    bench.run_sync(Single(requests=2, prompt_tokens=32, output_tokens=4))\n"
    )
    (tmp_path / "pytest.ini").write_text("[pytest]\n")
    config = "models:\n  - {repo_id: org/model, backend: llama}\n"

    def measure():
        here = {"HF_HOME": str(tmp_path / "hf"), "INFERBENCH_CACHE": str(tmp_path / "cache")}
        return subprocess.run(
            [sys.executable, "-m", "pytest", "-rs", "--bench-rounds=1"],
            cwd=tmp_path, env={**os.environ, **here}, capture_output=True, text=True, check=False, timeout=120,
        ).stdout  # fmt: skip

    with Hub({"tiny.gguf": builtin_model("tiny").read_bytes()}) as hub:
        (tmp_path / "config" / "models.yaml").write_text(config)
        assert "not on this machine; fetch it: inferbench fetch --model model" in " ".join(measure().split())
        assert fetch(hub, config).returncode == 0
    assert re.search(r"= \d+ passed in", measure())


def test_a_hub_that_cannot_be_reached_is_one_line(fetch):
    """The address is refused: said once, with what to do."""
    with Hub(SAFETENSORS) as hub:
        pass
    done = fetch(hub)
    assert done.returncode == 1
    assert "so run it again when the hub can be reached" in done.stderr
    assert "Traceback" not in done.stderr


def test_models_that_are_here_need_nothing(fetch):
    """Built-in models and servers that run elsewhere are said to need nothing."""
    with Hub({}) as hub:
        done = fetch(hub, "models:\n  - {path: 'builtin:tiny', backend: llama}\n")
    assert (done.returncode, done.stdout) == (0, "llama-installed-tiny: nothing to fetch\n")
    assert hub.asked == []

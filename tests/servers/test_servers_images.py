from __future__ import annotations

import io
import tarfile

import pytest

from pytest_inferbench.backends.catalogue import backend_named
from pytest_inferbench.errors import CellUnavailable, ConfigError, ProvisionError
from pytest_inferbench.servers.images import Images, ImageWish, split_reference


class FakeEngine:
    """An engine with a registry behind it.

    Attributes:
        local: images that are here.
        published: images that can be pulled.
        reachable: whether the registry answers.
        problem: what a build ends with; None for success.
        done: pulls and builds, in order.
    """

    def __init__(self):
        self.local = set()
        self.published = set()
        self.reachable = True
        self.problem = None
        self.done = []
        self.files = {}

    def image_id(self, reference):
        return "sha256:1" if reference in self.local else None

    def image_digest(self, reference):
        return f"sha256:of-{reference}"

    def pull(self, repository, tag):
        name = f"{repository}:{tag}"
        self.done.append(("pull", name))
        if not self.reachable:
            raise ConnectionError("no route to host")
        if name not in self.published:
            raise LookupError("manifest unknown")
        for layer, done in (("a", 1e6), ("b", 2e6), ("a", 4e6)):
            detail = {"current": done, "total": 4e6}
            yield {"status": "Downloading", "id": layer, "progressDetail": detail}
        self.local.add(name)

    def build(self, context, dockerfile, tag, args, *, fresh):
        self.done.append(("build", dockerfile, args, fresh))
        with tarfile.open(fileobj=io.BytesIO(context.read())) as tar:
            self.files = {name: tar.extractfile(name).read() for name in tar.getnames()}
        yield {"stream": "Step 1/2\n\x1b[91mstep 2\x1b[0m\n"}
        if self.problem is not None:
            yield {"error": self.problem}
        else:
            self.local.add(tag)


@pytest.fixture
def engine():
    return FakeEngine()


@pytest.fixture
def images(engine, tmp_path):
    return Images(engine, (tmp_path / "docker",), tmp_path / "logs", tmp_path / "locks")


def wish(image_type="prebuilt", image=None, version="v1", gpus=0):
    return ImageWish(version, image, image_type, gpus)


@pytest.mark.parametrize(
    ("backend", "gpus", "name"),
    [
        ("vllm", 1, "vllm/vllm-openai:v1"),
        ("sglang", 1, "lmsysorg/sglang:v1"),
        ("llama", 0, "ghcr.io/ggml-org/llama.cpp:server-v1"),
        ("llama", 2, "ghcr.io/ggml-org/llama.cpp:server-cuda-v1"),
        ("trtllm", 1, "nvcr.io/nvidia/tensorrt-llm/release:v1"),
        ("ollama", 0, "ollama/ollama:v1"),
    ],
)
def test_published_images(engine, images, backend, gpus, name):
    """Each backend's makers' image, for what the machine has; pulled once, with progress."""
    engine.published = {name}
    said = []
    for _ in range(2):
        assert images.obtain(backend_named(backend), wish(gpus=gpus), said.append).reference == name
    assert engine.done == [("pull", name)]
    assert said[-1] == f"pulling {name}: 6 of 8 MB"


@pytest.mark.parametrize(
    ("backend", "version", "gpus", "dockerfile", "cuda"),
    [
        ("llama", "b4521", 0, "llama.Dockerfile", None),
        ("llama", "b4521", 1, "llama.Dockerfile", "ON"),
        ("llama", "2026.4.8672", 1, "xllamacpp.Dockerfile", None),
        ("ik_llama", "main", 1, "ik_llama.Dockerfile", "ON"),
        ("vllm", "main", 1, "vllm.Dockerfile", None),
        ("sglang", "main", 1, "sglang.Dockerfile", None),
        ("trtllm", "0.18.0", 1, "trtllm.Dockerfile", None),
    ],
)
def test_built_images(engine, images, backend, version, gpus, dockerfile, cuda):
    """Each Dockerfile ships with us, gets the version, and is built once."""
    for _ in range(2):
        image = images.obtain(backend_named(backend), wish("build", version=version, gpus=gpus))
    ((_, built, args, fresh),) = engine.done
    assert (built, args["VERSION"], args.get("CUDA"), fresh) == (dockerfile, version, cuda, False)
    assert image.reference.startswith(f"inferbench/{backend}:{version}-")
    assert {dockerfile, "xllamacpp_server.py"} <= set(engine.files)


def test_a_user_s_own_dockerfile_wins_with_its_source_archive(engine, images, tmp_path):
    """A Dockerfile under docker/ is taken instead of ours, with the source archive beside it."""
    folder = tmp_path / "docker"
    folder.mkdir()
    (folder / "llama.Dockerfile").write_text("FROM scratch\n")
    (folder / "llama.cpp-b1.tar.gz").write_bytes(b"source")
    images.obtain(backend_named("llama"), wish("build", version="b1"))
    assert engine.files["llama.Dockerfile"] == b"FROM scratch\n"
    assert engine.files["llama.cpp-b1.tar.gz"] == b"source"


def test_a_changed_recipe_is_another_image(images, tmp_path):
    """The name has a hash of all that goes into the build."""
    names = set()
    (tmp_path / "docker").mkdir()
    for text in ("FROM a\n", "FROM b\n"):
        (tmp_path / "docker" / "vllm.Dockerfile").write_text(text)
        names.add(images.obtain(backend_named("vllm"), wish("build")).reference)
    assert len(names) == 2


def test_renewing_happens_once_a_run(engine, images):
    """With --rebuild an image that is here is pulled again, for its first cell."""
    engine.local = engine.published = {"my/vllm:dev"}
    again = Images(engine, (), images.log_dir, images.lock_dir, renew=True)
    for _ in range(2):
        assert again.obtain(backend_named("vllm"), wish(image="my/vllm:dev")).origin == "given"
    assert engine.done == [("pull", "my/vllm:dev")]


def test_a_name_that_nobody_published_is_an_error(images):
    """The registry's words, and what to do."""
    with pytest.raises(ProvisionError, match=r"vllm-openai:v1 cannot be had: manifest unknown; correct the version"):
        images.obtain(backend_named("vllm"), wish())


def test_offline_is_a_reason_to_skip_only_without_the_image(engine, images):
    """An image that is here needs no registry."""
    engine.reachable = False
    with pytest.raises(CellUnavailable, match=r"is not on this machine and its registry cannot be reached: no route"):
        images.obtain(backend_named("vllm"), wish())
    engine.local = {"vllm/vllm-openai:v1"}
    assert images.obtain(backend_named("vllm"), wish()).origin == "prebuilt"


def test_a_failed_build_has_its_last_lines_and_its_log(engine, images):
    """Colours are taken out; the whole log is kept."""
    engine.problem = "returned a non-zero code: 1"
    with pytest.raises(ProvisionError, match=r"could not be built with vllm.Dockerfile: returned") as caught:
        images.obtain(backend_named("vllm"), wish("build"))
    assert caught.value.log_tail == ("Step 1/2", "step 2", engine.problem)
    (log,) = images.log_dir.glob("build-*.log")
    assert log.read_text().startswith("Step 1/2\nstep 2\n")


@pytest.mark.parametrize(
    ("backend", "kind", "message"),
    [
        ("external", "prebuilt", "external has no containers"),
        ("ik_llama", "prebuilt", "nobody publishes an image of ik_llama; use --image-type build"),
        ("ollama", "build", "ollama has no Dockerfile; use --image-type prebuilt"),
    ],
)
def test_an_image_that_cannot_be(images, backend, kind, message):
    """What does not exist is said with what does."""
    with pytest.raises(ConfigError, match=message):
        images.obtain(backend_named(backend), wish(kind))


@pytest.mark.parametrize(
    ("reference", "parts"),
    [
        ("a/b:c", ("a/b", "c")),
        ("a/b", ("a/b", "latest")),
        ("host:5000/a", ("host:5000/a", "latest")),
        ("host:5000/a:b", ("host:5000/a", "b")),
    ],
)
def test_references(reference, parts):
    """A registry's port is no tag."""
    assert split_reference(reference) == parts

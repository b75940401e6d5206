"""Which models a run is about, on which backends, and what is said where that cannot be."""

from __future__ import annotations

import pytest

from plan.plan_options import Options
from pytest_inferbench.config.parse import parse
from pytest_inferbench.config.validate import validate
from pytest_inferbench.errors import ConfigError
from pytest_inferbench.plan.cells import plan_cells
from pytest_inferbench.plan.models import model_name
from pytest_inferbench.plan.place import check_containers
from pytest_inferbench.plan.schema import ModelEntry

URL = "http://127.0.0.1:9"


@pytest.fixture
def plan(tmp_path):
    def cells(text=None, **options):
        if text is not None:
            (tmp_path / "config").mkdir(exist_ok=True)
            (tmp_path / "config" / "models.yaml").write_text(text, encoding="utf-8")
        return plan_cells(Options(tmp_path, **options))

    return cells


def test_without_a_config_a_model_is_named(plan):
    """A built-in one runs on what loads its format; without any the way out is told."""
    (cell,) = plan(model=("builtin:tiny",))
    assert (cell.model, cell.backend, cell.location) == ("tiny", "llama", "builtin:tiny")
    with pytest.raises(ConfigError, match="no such file, and no --model was given"):
        plan()


def test_a_server_that_is_there_needs_no_model(plan):
    """Whatever it serves is measured, unless a model is named: then it shall list that one."""
    (cell,) = plan(server_url=URL)
    assert (cell.backend, cell.url, cell.served_model) == ("external", URL, "")
    (named,) = plan(server_url=URL, model=("my-model",))
    assert (named.model, named.served_model) == ("my-model", "my-model")


def test_a_format_that_the_default_backend_loads_is_left_to_it(plan):
    """Else the first backend that loads it; a repository says no format, so a backend must be written."""
    text = "defaults: {{backend: {}}}\nmodels:\n  - path: builtin:tiny\n"
    assert [cell.backend for cell in plan(text.format("ik_llama"))] == ["ik_llama"]
    assert [cell.backend for cell in plan(text.format("vllm"))] == ["llama"]
    assert [cell.backend for cell in plan("defaults: {backend: sglang}\nmodels: [{repo_id: o/m}]\n")] == ["sglang"]
    with pytest.raises(ConfigError, match=r"models\.yaml:1: m: no backend; write `backend:` here"):
        plan("models: [{repo_id: o/m}]\n")


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        ("{repo_id: o/m, backend: [vllm, vllm]}", "m: backend vllm is given twice; keep one"),
        ("{path: builtin:tiny, backend: vllm}", "tiny: vllm cannot load gguf files; use llama, ik_llama"),
        ("{repo_id: o/m, backend: vllm, backends: {vlm: {version: v1}}}", r"models\.yaml:1: backends: .*vlm"),
        ("{repo_id: ./m, backend: vllm}", r"models\.yaml:1: repo_id: got './m', expected a repository, org/model"),
        ("{repo_id: o/m, backend: vllm, backends: {vllm: {engine_cache: /e}}}", "but vllm builds no engines; remove"),
        ("{repo_id: o/m, backend: vllm}, {repo_id: p/m, backend: vllm}", "its id 'vllm-installed-m' is also that of"),
        ("{repo_id: o/m, backend: vllm}, {repo_id: o/m, backend: vllm}", "the same model on the same server as"),
        ("{repo_id: o/m, backend: vllm, slo: {words: 5}}", "words"),
        ("{repo_id: o/m, backend: vllm, backends: {vllm: {image: my/vllm}}}", "nothing says that vllm runs in a cont"),
        ("{repo_id: o/m, backend: external}", "external starts nothing; write the server's `url:`"),
        ("{backend: vllm}", "neither repo_id nor path; say where the model is"),
        ("{repo_id: o/m, path: builtin:tiny}", "both repo_id and path; keep one of them"),
        ("{repo_id: o/m, name: .m}", "a name of letters, digits"),
        ("{repo_id: o/m, backend: vllm, backends: {vllm: {version: ' '}}}", "text that is not empty"),
    ],
)
def test_an_entry_that_cannot_be_is_one_clear_error(plan, entry, said):
    """With its place, and what would be right."""
    text = (
        f"models: [{entry}]\n"
        if entry.count("{repo_id") < 2
        else f"models:\n  - {entry.replace('}, {', chr(125) + chr(10) + '  - {')}\n"
    )
    with pytest.raises(ConfigError, match=said):
        plan(text)


TWO = "models: [{repo_id: o/First, backend: vllm}, {repo_id: o/m, name: second, backend: vllm}]\n"


def test_models_are_chosen_by_name_or_place(plan):
    """In the order of the command line; one that the config does not list may be a repository or a path."""
    assert [cell.model for cell in plan(TWO, model=("second", "o/First"))] == ["second", "first"]
    assert [cell.model for cell in plan(TWO, model=("other/M", "first"), backend=("vllm",))] == ["m", "first"]


def test_a_name_that_is_nobody_s_is_told_with_the_nearest(plan):
    """Else with those that there are; and how a path looks from the folder one stands in."""
    with pytest.raises(ConfigError, match="did you mean 'second'"):
        plan(TWO, model=("secnd",))
    with pytest.raises(ConfigError, match="nor org/model; the config lists first, second"):
        plan(TWO, model=("unlike-any",))
    with pytest.raises(ConfigError, match="neither a model of the config"):
        plan(TWO, model=("sub/none.gguf",))


def test_older_keys_are_read_with_one_warning(plan):
    """At the line of the first, each with what is written today."""
    from pytest_inferbench.plan.legacy_schema import renew_document  # noqa: PLC0415

    text = "models:\n  - {repo_id: o/m, framework: vllm}\n"
    assert [cell.backend for cell in plan(text)] == ["vllm"]
    document, replaced = renew_document(parse("models:\n  - model_name\n", "m.yaml"))
    assert (document["models"][0], list(replaced)) == ("model_name", [])


@pytest.mark.parametrize(
    ("entry", "name"),
    [
        ({"repo_id": "org/My Model.v2"}, "my-model.v2"),
        ({"path": "/srv/models/Own.Q4.gguf"}, "own.q4"),
        ({"path": "builtin:tiny"}, "tiny"),
        ({"repo_id": "org/..."}, "model"),
        ({"repo_id": "org/m", "name": "Mine"}, "Mine"),
    ],
)
def test_a_short_name_is_derived_where_none_is_written(entry, name):
    """Of a repository its last part, of a file its stem, in small letters that ids can hold."""
    text = "\n".join(f"{key}: {value}" for key, value in entry.items())
    assert model_name(validate(ModelEntry, parse(text, "m.yaml"))) == name


IMAGES = "models: [{{repo_id: o/m, backend: {}, backends: {{{}: {{provision: docker{}}}}}}}]\n"


@pytest.mark.parametrize(
    ("backend", "more", "options", "said"),
    [
        ("ollama", ", image_type: build", {}, r"models\.yaml:1: image_type build: there is no Dockerfile for ollama"),
        (
            "ollama",
            "",
            {"image_type": "build"},
            "--image-type build: there is no Dockerfile for ollama; use --image-type pre",
        ),
        ("ik_llama", "", {"image_type": "prebuilt"}, "--image-type prebuilt: nobody publishes an image of ik_llama"),
    ],
)
def test_an_image_that_nobody_makes_is_refused(plan, backend, more, options, said):
    """Built or published: it says which there is, and that one's own will do."""
    with pytest.raises(ConfigError, match=said):
        plan(IMAGES.format(backend, backend, more), **options)
    (own,) = plan(IMAGES.format(backend, backend, more), image="my/own@sha256:0123456789abcdef", **options)
    assert own.version == "0123456789ab"


def test_a_container_is_never_of_what_is_installed(plan):
    """The word has no meaning for it: its backend's own version is meant."""
    (cell,) = plan(IMAGES.format("vllm", "vllm", ", version: installed"))
    assert cell.version not in {"installed", ""}
    assert dict(cell.sources)["version"] == "vllm's default"


@pytest.mark.parametrize(
    ("option", "flag"),
    [
        ({"image": "a/b"}, "--image a/b"),
        ({"image_type": "build"}, "--image-type build"),
        ({"build_from_source": True}, "--build-from-source"),
    ],
)
def test_an_image_asks_for_a_server_in_a_container(tmp_path, monkeypatch, option, flag):
    """Where the run has none, the option would say nothing; where it is not of the command line, nobody asked."""
    options = Options(tmp_path, **option)
    check_containers({"process"}, options)
    monkeypatch.setattr(options, "source", lambda _: "command line", raising=False)
    check_containers({"process", "docker"}, options)
    with pytest.raises(ConfigError, match=rf"^{flag}: no server of this run is in a container \(process, url\)"):
        check_containers({"url", "process"}, options)

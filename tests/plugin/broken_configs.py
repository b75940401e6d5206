"""Broken configs, each with one mistake, and what must be said of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

GOOD = "models:\n  - path: builtin:tiny\n    backend: llama\n"
REPO = "models:\n  - repo_id: org/model\n"
_FILE = "config/models.yaml"


@dataclass(frozen=True)
class Broken:
    """One mistake.

    Attributes:
        name: the mistake.
        text: the config.
        line: the line that must be named.
        value: what must be shown of what was found.
        remedy: a pattern of what must be said to do, or of what was expected.
        file: the file that must be named.
        others: further files in `config/`.
    """

    name: str
    text: str
    line: int
    value: str
    remedy: str
    file: str = _FILE
    others: Mapping[str, str] = field(default_factory=dict)

    @property
    def place(self) -> str:
        return f"{self.file}:{self.line}"


def _llama(settings: str) -> str:
    return f"{GOOD}    backends: {{llama: {{{settings}}}}}\n"


_SYNTAX = (
    Broken("not-yaml", "models: [\n", 2, "models.yaml", "mend the YAML"),
    Broken("tab", "models:\n\t- path: x\n", 2, "\\t", "spaces, not tabs"),
    Broken("colon-in-value", "models:\n  - path: a: b\n", 2, "mapping values", "in quotes"),
    Broken("unknown-alias", "models: *shared\n", 1, "shared", "define it"),
    Broken("merge-conflict", GOOD + "<<<<<<< mine\n", 4, "merge conflict", "keep one side"),
    Broken("two-documents", GOOD + "---\n" + GOOD, 4, "second document", "keep one"),
    Broken("list-at-top", "- models\n", 1, "a list", r"a mapping \(key: value\)"),
    Broken("text-at-top", "models\n", 1, "'models'", r"a mapping \(key: value\)"),
    Broken("duplicate-key", GOOD + "models: []\n", 4, "'models'", "keep one"),
    Broken("number-as-key", GOOD + "7: x\n", 4, "7", "put it in quotes"),
    Broken("merge-key", "x: &x {a: 1}\nmodels:\n  - {<<: *x}\n", 3, "<<", "extends"),
    Broken("foreign-tag", "models: !!python/object:os.system []\n", 1, "python/object", "remove it"),
    Broken("not-utf-8", GOOD + "# \udcff\n", 4, "0xff", "save it as UTF-8"),
    Broken("control-character", GOOD + "# \x07\n", 4, "x07", "remove it"),
    Broken("too-deep", "models: " + "[" * 150 + "]" * 150 + "\n", 1, "deep", "flatter"),
)
_SHAPE = (
    Broken("empty", "", 1, "'models'", "add it"),
    Broken("no-models", "defaults: {backend: llama}\n", 1, "'models'", "add it"),
    Broken("empty-models", "models: []\n", 1, "an empty list", "at least 1"),
    Broken("models-are-text", "models: tiny\n", 1, "'tiny'", "a list"),
    Broken("model-is-text", "models:\n  - tiny\n", 2, "'tiny'", "a mapping"),
    Broken("unknown-top-key", GOOD + "modles: []\n", 4, "'modles'", "did you mean 'models'"),
    Broken("unknown-default", "defaults: {bakcend: llama}\n" + GOOD, 1, "'bakcend'", "did you mean 'backend'"),
    Broken("unknown-model-key", GOOD + "    pth: x\n", 4, "'pth'", "did you mean 'path'"),
    Broken("unknown-setting", _llama("verison: b1"), 4, "'verison'", "did you mean 'version'"),
    Broken("defaults-are-text", "defaults: llama\n" + GOOD, 1, "'llama'", "a mapping"),
    Broken("backends-are-a-list", GOOD + "    backends: [llama]\n", 4, "a list", "a mapping"),
    Broken("settings-are-text", GOOD + "    backends: {llama: b4521}\n", 4, "'b4521'", "a mapping"),
    Broken("both-spellings", GOOD + "    framework: llama\n", 4, "'framework'", "keep one"),
    Broken("path-and-repo", GOOD + "    repo_id: a/b\n", 2, "both repo_id and path", "keep one"),
    Broken("neither", "models:\n  - name: x\n", 2, "neither repo_id nor path", "say where the model is"),
    Broken("name-with-slash", GOOD + "    name: ../x\n", 4, "'../x'", "a name of letters"),
    Broken("name-is-a-bool", GOOD + "    name: true\n", 4, "true", 'write it in quotes: "true"'),
    Broken("path-is-empty", "models:\n  - {path: ' '}\n", 2, "' '", "not empty"),
    Broken("version-is-a-number", _llama("version: 0.8"), 4, "0.8", 'write it in quotes: "0.8"'),
    Broken("image-type", _llama("image_type: built"), 4, "'built'", "'build' or 'prebuilt'"),
    Broken("provision", _llama("provision: k8s"), 4, "'k8s'", "'docker', 'process' or 'url'"),
    Broken("memory", _llama("memory: lots"), 4, "'lots'", "8g or 512m"),
    Broken("args-are-text", _llama("args: --n-ctx 8"), 4, "'--n-ctx 8'", "a mapping"),
    Broken("argument-is-a-list", _llama("args: {n_ctx: [1]}"), 4, "a list", "text, true/false or a number"),
    Broken("slo-is-zero", GOOD + "    slo: {ttft_ms: 0}\n", 4, "got 0", "a number above 0"),
    Broken("slo-is-misspelt", GOOD + "    slo: {tfft_ms: 5}\n", 4, "tfft_ms", "did you mean 'ttft_ms'"),
    Broken("slo-of-a-rate", GOOD + "    slo: {output_tok_per_s: 5}\n", 4, "output_tok_per_s", "no single request"),
    Broken("slo-is-text", GOOD + "    slo: {ttft_ms: 5 ms}\n", 4, "'5 ms'", "a number"),
    Broken("variant-s-name", GOOD + "    variants: {a b: {}}\n", 4, "'a b'", "a name of letters"),
    Broken("variant-s-key", GOOD + "    variants: {a: {arg: {}}}\n", 4, "'arg'", "did you mean 'args'"),
    Broken("token-in-the-file", _llama("api_key: sk-0123"), 4, "${NAME}", "environment variable"),
    Broken("hub-token-in-the-file", "defaults: {hub_token: hf_0}\n" + GOOD, 1, "${NAME}", "environment variable"),
    Broken("gateway", GOOD + "litellm: {enabled: false}\n", 4, "'litellm'", "known are defaults, models"),
)
_MEANING = (
    Broken("backend-is-a-number", "models:\n  - {path: 'builtin:tiny', backend: 7}\n", 2, "got 7", "in quotes"),
    Broken("no-backends", "models:\n  - {path: 'builtin:tiny', backend: []}\n", 2, "an empty list", "at least 1"),
    Broken("unknown-backend", "models:\n  - {path: 'builtin:tiny', backend: lama}\n", 2, "'lama'", "mean 'llama'"),
    Broken("unknown-default-backend", "defaults: {backend: vlm}\n" + REPO, 1, "'vlm'", "did you mean 'vllm'"),
    Broken("settings-of-no-backend", GOOD + "    backends: {lama: {}}\n", 4, "'lama'", "did you mean 'llama'"),
    Broken("defaults-of-no-backend", "defaults: {backends: {vlm: {}}}\n" + GOOD, 1, "'vlm'", "did you mean 'vllm'"),
    Broken("no-backend-for-a-repository", REPO, 2, "no backend", "--backend"),
    Broken("unknown-builtin", "models:\n  - {path: 'builtin:huge'}\n", 2, "'huge'", "use tiny"),
    Broken("missing-file", "models:\n  - {path: no/such.gguf}\n", 2, "no/such.gguf", "correct the path"),
    Broken("missing-absolute-file", "models:\n  - {path: /no/such.gguf, backend: llama}\n", 2, "/no/such", "correct"),
    Broken("path-as-repository", "models:\n  - {repo_id: /no/such, backend: vllm}\n", 2, "'/no/such'", "by `path:`"),
    Broken("not-a-gguf", "models:\n  - {path: fake.gguf}\n", 2, "b'this is", "fetch it again"),
    Broken("a-cut-gguf", "models:\n  - {path: cut.gguf}\n", 2, "6 bytes", "fetch it again"),
    Broken("an-empty-folder", "models:\n  - {path: empty}\n", 2, "holds no model", "expected a .gguf file"),
    Broken("wrong-format", "models:\n  - {path: 'builtin:tiny', backend: vllm}\n", 2, "cannot load gguf", "llama"),
    Broken("foreign-argument", _llama("args: {enforce_eager: true}"), 4, "enforce_eager", "argument of vllm"),
    Broken("argument-s-type", _llama("args: {n_ctx: big}"), 4, "'big'", "a whole number"),
    Broken("argument-twice", _llama("args: {n_ctx: 1, ctx_size: 2}"), 4, "'ctx_size'", "keep one"),
    Broken("switch-and-opposite", _llama("args: {mmap: true, no-mmap: true}"), 4, "'no-mmap'", "keep one"),
    Broken("opposite-of-a-number", _llama("args: {no_n_ctx: true}"), 4, "no_n_ctx", "n_ctx is no switch"),
    Broken(
        "second-argument",
        GOOD + "    backends:\n      llama:\n        args:\n          n_ctx: 1\n          t: x\n",
        8,
        "'x'",
        "a whole number",
    ),
    Broken("variant-s-argument", GOOD + "    variants: {a: {args: {dtype: half}}}\n", 4, "dtype", "argument of vllm"),
    Broken("url-without-scheme", _llama("url: 'gpu-box:8000'"), 4, "'gpu-box:8000'", "http://"),
    Broken("url-with-a-password", _llama("url: 'http://me:pw@gpu-box'"), 4, "***@gpu-box", "--bench-api-key-env"),
    Broken("url-that-is-missing", _llama("provision: url"), 4, "needs an address", "write `url:`"),
    Broken("engines-of-llama", _llama("engine_cache: ~/x"), 4, "'~/x'", "remove it"),
    Broken(
        "nothing-to-start", "models:\n  - {path: 'builtin:tiny', backend: external}\n", 2, "external", "--server-url"
    ),
    Broken(
        "docker-without-containers",
        "models:\n  - path: 'builtin:tiny'\n    backend: external\n    backends: {external: {provision: docker}}\n",
        4,
        "no containers",
        "--provision process or url",
    ),
    Broken(
        "image-that-nobody-publishes",
        "models:\n  - {path: 'builtin:tiny', backend: ik_llama}\n"
        "defaults: {backends: {ik_llama: {provision: docker, image_type: prebuilt}}}\n",
        3,
        "image_type prebuilt: nobody publishes an image of ik_llama",
        "use --image-type build",
    ),
    Broken(
        "image-that-nobody-builds",
        "models:\n  - {path: 'builtin:tiny', backend: ollama}\n"
        "defaults: {backends: {ollama: {provision: docker, image_type: build}}}\n",
        3,
        "image_type build: there is no Dockerfile for ollama",
        "use --image-type prebuilt",
    ),
    Broken("image-without-a-container", _llama("image: 'a/b:1'"), 4, "'a/b:1'", "write `provision: docker`"),
    Broken(
        "one-model-twice", GOOD + "  - {path: 'builtin:tiny', backend: llama}\n", 4, "as config/models.yaml:2", "name"
    ),
    Broken(
        "one-backend-twice",
        "models:\n  - path: 'builtin:tiny'\n    backend: [llama, llama.cpp]\n",
        3,
        "backend llama is given twice",
        "keep one",
    ),
    Broken("one-name-twice", GOOD + "  - {path: 'builtin:small', name: tiny}\n", 4, "llama-installed-tiny", "name"),
)
_OLDER = (
    Broken(
        "older-and-newer",
        "defaults: {llama_version: b1, backends: {llama: {version: b2}}}\n" + GOOD,
        1,
        "llama_version",
        "keep that one",
    ),
    Broken("older-unknown", "serve: {gpu_layer: 9}\n" + GOOD, 1, "'gpu_layer'", "did you mean 'gpu_layers'"),
    Broken("older-nobody-s", "serve: {backend_args: --x}\n" + GOOD, 1, "backend_args", "Write `defaults:"),
)
_FILES = (
    Broken("no-such-parent", "extends: base.yaml\n" + GOOD, 1, "base.yaml", "correct the path"),
    Broken("parent-is-a-number", "extends: 7\n" + GOOD, 1, "got 7", "a file name"),
    Broken(
        "circle",
        "extends: a.yaml\n" + GOOD,
        1,
        "circle",
        "remove one",
        "config/a.yaml",
        {"a.yaml": "extends: models.yaml\n"},
    ),
    Broken(
        "mistake-in-a-parent",
        "extends: a.yaml\n" + GOOD,
        2,
        "'bakend'",
        "did you mean",
        "config/a.yaml",
        {"a.yaml": "defaults:\n  bakend: llama\n"},
    ),
)
BROKEN = (*_SYNTAX, *_SHAPE, *_MEANING, *_OLDER, *_FILES)

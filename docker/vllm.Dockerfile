# vLLM at a git ref, on its makers' image: their CUDA, PyTorch and compiled kernels, the Python code of the ref.
ARG BASE_IMAGE=vllm/vllm-openai:latest
FROM ${BASE_IMAGE}

RUN command -v git >/dev/null || { apt-get update -q && apt-get install -y -q --no-install-recommends git; }
ARG VERSION=main
ARG REPOSITORY=https://github.com/vllm-project/vllm
# The kernels of the nearest published build; COMPILE=1 compiles them instead (an hour and more).
ARG COMPILE=
RUN set -e; [ -n "${COMPILE}" ] || export VLLM_USE_PRECOMPILED=1; \
    pip=$(command -v uv >/dev/null && echo "uv pip install --system" || echo "python3 -m pip install"); \
    $pip "vllm @ git+${REPOSITORY}@${VERSION}"
ENTRYPOINT ["vllm", "serve"]

# SGLang at a git ref, on its makers' image: their CUDA, PyTorch and kernels, the Python code of the ref.
ARG BASE_IMAGE=lmsysorg/sglang:latest
FROM ${BASE_IMAGE}

RUN command -v git >/dev/null || { apt-get update -q && apt-get install -y -q --no-install-recommends git; }
ARG VERSION=main
ARG REPOSITORY=https://github.com/sgl-project/sglang
RUN python3 -m pip install --no-cache-dir "sglang @ git+${REPOSITORY}@${VERSION}#subdirectory=python"
ENTRYPOINT ["python3", "-m", "sglang.launch_server"]

# llama.cpp's own server from source: at a git ref, or from llama.cpp*.tar.gz beside this file where there is no git host.
# CPU by default; with CUDA=ON on CUDA's images (see backends/llama.py for the build arguments).
ARG BASE_IMAGE=debian:bookworm-slim
ARG RUNTIME_IMAGE=debian:bookworm-slim
FROM ${BASE_IMAGE} AS build

RUN apt-get update -q && \
    apt-get install -y -q --no-install-recommends build-essential cmake ninja-build git ca-certificates

ARG VERSION=master
ARG REPOSITORY=https://github.com/ggml-org/llama.cpp
COPY llama.Dockerfile llama.cpp*.tar.gz /context/
RUN set -e; mkdir /source; cd /source; \
    if ls /context/*.tar.gz >/dev/null 2>&1; then \
      tar -xzf /context/*.tar.gz; \
    else \
      git init -q .; git fetch -q --depth 1 "${REPOSITORY}" "${VERSION}"; git checkout -q FETCH_HEAD; \
    fi; \
    server=$(find . -path '*tools/server/CMakeLists.txt' -print -quit); \
    test -n "$server" || { echo "there is no llama.cpp with tools/server in the source" >&2; exit 1; }; \
    mv "${server%/tools/server/CMakeLists.txt}" /llama.cpp

# Portable code: the image may run on another machine than the one that built it.
ARG CUDA=OFF
ARG JOBS=
RUN set -e; number=$(echo "${VERSION}" | sed -n 's/^b\([0-9][0-9]*\)$/\1/p'); \
    cmake -S /llama.cpp -B /build -G Ninja -DCMAKE_BUILD_TYPE=Release -DBUILD_SHARED_LIBS=OFF \
      -DGGML_NATIVE=OFF -DGGML_CUDA=${CUDA} -DGGML_OPENMP=OFF ${number:+-DLLAMA_BUILD_NUMBER=${number}} \
      -DLLAMA_OPENSSL=OFF -DLLAMA_CURL=OFF -DLLAMA_BUILD_TESTS=OFF -DLLAMA_BUILD_EXAMPLES=OFF \
      -DLLAMA_BUILD_UI=OFF -DLLAMA_USE_PREBUILT_UI=OFF; \
    cmake --build /build --target llama-server ${JOBS:+-j ${JOBS}}

FROM ${RUNTIME_IMAGE}
COPY --from=build /build/bin/llama-server /app/llama-server
ENV LLAMA_ARG_HOST=0.0.0.0
ENTRYPOINT ["/app/llama-server"]

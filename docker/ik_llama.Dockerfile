# ik_llama.cpp's server from source: at a git ref, or from ik_llama.cpp*.tar.gz beside this file. Nobody publishes an image.
# CPU by default; with CUDA=ON on CUDA's images.
ARG BASE_IMAGE=debian:bookworm-slim
ARG RUNTIME_IMAGE=debian:bookworm-slim
FROM ${BASE_IMAGE} AS build

RUN apt-get update -q && \
    apt-get install -y -q --no-install-recommends build-essential cmake ninja-build git ca-certificates

ARG VERSION=main
ARG REPOSITORY=https://github.com/ikawrakow/ik_llama.cpp
COPY ik_llama.Dockerfile ik_llama.cpp*.tar.gz /context/
RUN set -e; mkdir /source; cd /source; \
    if ls /context/*.tar.gz >/dev/null 2>&1; then \
      tar -xzf /context/*.tar.gz --strip-components=1; \
    else \
      git init -q .; git fetch -q --depth 1 "${REPOSITORY}" "${VERSION}"; git checkout -q FETCH_HEAD; \
    fi

ARG CUDA=OFF
ARG JOBS=
RUN cmake -S /source -B /build -G Ninja -DCMAKE_BUILD_TYPE=Release -DBUILD_SHARED_LIBS=OFF -DGGML_NATIVE=OFF \
      -DGGML_AVX2=ON -DGGML_FMA=ON -DGGML_F16C=ON -DGGML_CUDA=${CUDA} -DLLAMA_CURL=OFF -DLLAMA_BUILD_TESTS=OFF && \
    cmake --build /build --target llama-server ${JOBS:+-j ${JOBS}}

FROM ${RUNTIME_IMAGE}
RUN apt-get update -q && apt-get install -y -q --no-install-recommends libgomp1 && rm -rf /var/lib/apt/lists/*
COPY --from=build /build/bin/llama-server /app/llama-server
ENTRYPOINT ["/app/llama-server"]

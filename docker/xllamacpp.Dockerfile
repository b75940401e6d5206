# The real llama.cpp server from the xllamacpp wheel, on any Debian or Python base: the container that a laptop can run.
# Same face as llama.Dockerfile: the entry point takes llama-server's flags and listens on all of the container's addresses.
ARG BASE_IMAGE=debian:bookworm-slim
FROM ${BASE_IMAGE}

RUN { python3 -m venv --help >/dev/null 2>&1 && ldconfig -p | grep -q libgomp; } || { \
      apt-get update -q && \
      apt-get install -y -q --no-install-recommends python3 python3-venv libgomp1 ca-certificates && \
      rm -rf /var/lib/apt/lists/*; }
RUN python3 -m venv /opt/xllamacpp

# A version of the wheel (2026.10.11549 is llama.cpp build 11549).
ARG VERSION
RUN /opt/xllamacpp/bin/pip install --no-cache-dir --disable-pip-version-check "xllamacpp==${VERSION}"

COPY xllamacpp_server.py /app/
ENTRYPOINT ["/opt/xllamacpp/bin/python", "/app/xllamacpp_server.py"]
CMD ["--help"]

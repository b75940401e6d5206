# TensorRT-LLM at a release, on NVIDIA's image: the image of the nearest release, the wheel of the one asked for. From
# source it takes hours and the makers' own tooling; a git ref is refused by pip with the name of what it looked for.
ARG BASE_IMAGE=nvcr.io/nvidia/tensorrt-llm/release:latest
FROM ${BASE_IMAGE}

ARG VERSION
RUN python3 -m pip install --no-cache-dir "tensorrt_llm==${VERSION}"
ENTRYPOINT ["trtllm-serve"]

# remalis in a container. Every step but the first is a Makefile target, the same as outside.
#   docker build -t remalis .                            torch as the package index prefers it
#   docker build -t remalis --build-arg CUDA=cpu .       torch without CUDA
#   docker build -t remalis --build-arg CUDA=cu130 .     torch for that CUDA version
#   docker run --rm --shm-size=2g -v "$PWD/runs:/remalis/runs" remalis make demo
FROM python:3.11-slim
RUN apt-get update && apt-get install -y --no-install-recommends make && rm -rf /var/lib/apt/lists/*
WORKDIR /remalis

# Which build of torch, and the index that carries it if the default one does not.
ARG CUDA=
ARG PIP_EXTRA_INDEX_URL=
ENV TORCH_BUILD=$CUDA

COPY . .
RUN make venv
RUN make system
RUN make browser
ENV PATH="/remalis/.venv/bin:$PATH"
# Ray keeps its objects in shared memory: give the container some with --shm-size=2g.
CMD ["make", "demo"]

# gpae on a CPU:             docker build -t gpae .
# with CUDA, on NVIDIA GPUs:  docker build -t gpae:cuda --build-arg EXTRAS=all,cuda .
#                             docker run --gpus all -v "$PWD/runs:/home/gpae/runs" gpae:cuda train task=smax/3m
FROM python:3.12-slim AS build

ARG EXTRAS=all

WORKDIR /source
COPY pyproject.toml constraints.txt README.md LICENSE ./
COPY src src
RUN python -m venv /opt/gpae \
    && /opt/gpae/bin/pip install --no-cache-dir --constraint constraints.txt ".[${EXTRAS}]"

FROM python:3.12-slim

COPY --from=build /opt/gpae /opt/gpae
RUN useradd --create-home gpae
USER gpae
WORKDIR /home/gpae
ENV PATH=/opt/gpae/bin:$PATH
ENTRYPOINT ["gpae"]
CMD ["--help"]

# The image of jobs on Kubernetes, or of a whole study:
#   docker build --tag qdistill . && docker run --rm qdistill snakemake --cores all
# Not built by us: a test reads it.

FROM python:3.11.11-slim-bookworm AS build
RUN apt-get update && apt-get install --yes --no-install-recommends make
WORKDIR /opt/qdistill
# Builds of torch without CUDA come before those of the same version with it.
ENV PIP_EXTRA_INDEX_URL=https://download.pytorch.org/whl/cpu PIP_NO_CACHE_DIR=1
COPY . .
# The pinned versions, compiled once, the circuit's passes by Numba too.
RUN make install cluster VENV=/opt/venv

FROM python:3.11.11-slim-bookworm
# The virtual environment, at the path that is written in it, and the clone.
COPY --from=build /opt/venv /opt/venv
RUN useradd --create-home --uid 1000 qdistill
COPY --from=build --chown=1000:1000 /opt/qdistill /opt/qdistill
ENV PATH=/opt/venv/bin:$PATH
# By number, so that a cluster can tell that it is not root.
USER 1000
WORKDIR /opt/qdistill
CMD ["snakemake", "--help"]

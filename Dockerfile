# base: what a dev container needs. notebooks: the workbench installed, for docker-compose.yml.
# The tag is not pinned by digest: none could be looked up where this file was written. It was not built there, either.
FROM docker.io/library/python:3.12-slim-bookworm AS base
RUN apt-get update -qq \
 && apt-get install -y -qq --no-install-recommends git make \
 && rm -rf /var/lib/apt/lists/* \
 && useradd --create-home --uid 1000 learner
ENV PYTHONUNBUFFERED=1 DO_NOT_TRACK=true MLFLOW_DISABLE_TELEMETRY=true DVC_NO_ANALYTICS=1 \
    HF_HUB_DISABLE_TELEMETRY=1 MARIMO_SKIP_UPDATE_CHECK=1

FROM base AS notebooks
WORKDIR /workbench
RUN chown learner:learner /workbench \
 && install -d -o learner -g learner /store
USER learner
COPY --chown=learner:learner . .
RUN python scripts/install.py --extras all,stack && rm -rf ~/.cache
ENV PATH=/workbench/.venv/bin:$PATH
HEALTHCHECK --interval=30s CMD ["workbench", "--help"]
CMD ["workbench", "doctor"]

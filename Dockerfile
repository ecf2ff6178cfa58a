# cronplug in a container. It runs as uid 10001, writes below /data only (a read-only root file system works), and drains
# on SIGTERM. To add plugins, build an image from it:
#
#     FROM cronplug
#     USER root
#     RUN pip install acme-reports
#     USER 10001:10001

# ---- the web admin
FROM node:20-bookworm-slim AS webui
WORKDIR /src/webui
COPY webui/package.json webui/package-lock.json webui/.npmrc ./
RUN npm ci
COPY webui/ ./
RUN npm run build

# ---- the program and its packages, in a virtual environment that can be copied as a whole
FROM python:3.11-slim-bookworm AS program
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_ROOT_USER_ACTION=ignore
RUN python -m venv /opt/cronplug
ENV PATH=/opt/cronplug/bin:$PATH
WORKDIR /src
COPY requirements/run.txt requirements/run.txt
RUN pip install --require-hashes -r requirements/run.txt
COPY pyproject.toml README.md ./
COPY scripts/ scripts/
COPY core/ core/
COPY plugins/ plugins/
COPY --from=webui /src/core/cronplug/static/ core/cronplug/static/
RUN pip install --no-deps --no-build-isolation . ./plugins/http ./plugins/maintenance ./plugins/shell ./plugins/sql

# ---- what runs
FROM python:3.11-slim-bookworm
COPY --from=program /opt/cronplug/ /opt/cronplug/
RUN mkdir /data && chown 10001:10001 /data
ENV PATH=/opt/cronplug/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    PIP_ROOT_USER_ACTION=ignore \
    HOME=/data \
    SCHEDULER_HOST=0.0.0.0 \
    SCHEDULER_DATA_DIR=/data
WORKDIR /data
USER 10001:10001
VOLUME /data
EXPOSE 3399
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s CMD ["python", "-c", "import os, urllib.request as r; r.urlopen('http://127.0.0.1:' + os.environ.get('SCHEDULER_PORT', '3399') + '/healthz', timeout=4)"]
ENTRYPOINT ["cronplug"]
CMD ["serve"]

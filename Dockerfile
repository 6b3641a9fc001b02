# docker build --build-arg REVISION="$(git rev-parse HEAD)" --tag quantconnect-exporter .
#
# BASE_IMAGE is any Debian or Python image with Python 3.11 or later and its venv module. Name it by
# its digest where builds have to be repeatable; the Python packages are, by the lock files.
ARG BASE_IMAGE=python:3.13-slim

FROM ${BASE_IMAGE} AS build
WORKDIR /build
COPY requirements-build.lock requirements.lock ./
# Only wheels, so that no compiler is needed. What builds the exporter, pip included, lives in a
# virtual environment of its own and stays behind.
RUN python3 -m venv tools \
    && tools/bin/pip install --no-cache-dir --only-binary :all: --require-hashes \
        --requirement requirements-build.lock \
    && python3 -m venv --without-pip /opt/quantconnect-exporter \
    && tools/bin/pip --python /opt/quantconnect-exporter/bin/python install --no-cache-dir \
        --only-binary :all: --require-hashes --requirement requirements.lock
COPY LICENSE README.md pyproject.toml ./
COPY exporter exporter
# What exporter/dashboards and exporter/rules are links to.
COPY grafana/dashboards grafana/dashboards
COPY prometheus/rules prometheus/rules
RUN tools/bin/pip wheel --no-cache-dir --no-deps --no-build-isolation \
        --no-index --wheel-dir dist . \
    && tools/bin/pip --python /opt/quantconnect-exporter/bin/python install --no-cache-dir \
        --no-deps --no-index dist/*.whl

FROM ${BASE_IMAGE}
ARG REVISION=unknown
LABEL org.opencontainers.image.title="quantconnect-exporter" \
      org.opencontainers.image.description="Prometheus exporter for QuantConnect live algorithms" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.revision="${REVISION}"
COPY --from=build /opt/quantconnect-exporter /opt/quantconnect-exporter
ENV PATH=/opt/quantconnect-exporter/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    QUANTCONNECT_EXPORTER_REVISION=${REVISION} \
    QUANTCONNECT_EXPORTER_WEB_LISTEN_ADDRESS=0.0.0.0:10270
# quantconnect.yaml is looked for here; where none is mounted, the environment is the configuration.
WORKDIR /etc/quantconnect-exporter
# A number, so that Kubernetes can see that it is not root.
USER 65532:65532
EXPOSE 10270
# Not urllib, which would ask the proxy that is meant for QuantConnect.
HEALTHCHECK --interval=15s --timeout=10s --start-period=20s \
    CMD ["python", "-c", "from http.client import HTTPConnection as C; c = C('127.0.0.1', 10270, timeout=5); c.request('GET', '/-/healthy'); raise SystemExit(c.getresponse().status != 200)"]
ENTRYPOINT ["quantconnect-exporter"]

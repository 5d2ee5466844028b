# Build the wheel and its environment in one stage, run it without build tools in the other.
FROM python:3.11-slim AS build
WORKDIR /src
COPY pyproject.toml README.md LICENSE ./
COPY heatrisk heatrisk
COPY sample_data sample_data
RUN python -m venv /opt/heatrisk && /opt/heatrisk/bin/pip install --no-cache-dir ".[postgres,netcdf,parquet]"

FROM python:3.11-slim
# What wheels leave to the system: rasterio's expat, and the OpenMP that numba's threads are best run by.
RUN apt-get update && apt-get install -y --no-install-recommends libexpat1 libgomp1 \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --system --create-home --uid 10001 heatrisk && install -d -o heatrisk /data
COPY --from=build /opt/heatrisk /opt/heatrisk
# All that is written goes to /data (runs, compiled kernels) and /tmp: the root may be read-only.
ENV PATH=/opt/heatrisk/bin:$PATH \
    NUMBA_CACHE_DIR=/data/.numba \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1
# By number, so that a platform can see that it is not root.
USER 10001
WORKDIR /data
VOLUME /data
EXPOSE 8000
HEALTHCHECK --interval=30s --timeout=5s --start-period=60s \
    CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8000/healthz', timeout=4)"]
# The sample town out of the box, without rights beyond its own folder:
#   docker run --read-only --tmpfs /tmp --cap-drop ALL --security-opt no-new-privileges -p 8000:8000 heatrisk
# A city: mount its folder on /data, writable by user 10001 (or say --user), and run `watch city.toml` in one
# container (with --no-healthcheck: it serves nothing), `serve city.toml --host 0.0.0.0` in another. Secrets (keys
# in addresses, tokens) come from the environment: `--env-file`.
ENTRYPOINT ["heatrisk"]
CMD ["demo", "--host", "0.0.0.0", "--store", "/data/store"]

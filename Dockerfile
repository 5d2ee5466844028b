# Build the wheel and its environment in one stage, run it without build tools in the other.
FROM python:3.11-slim AS build
WORKDIR /src
COPY pyproject.toml README.md LICENSE ./
COPY heatrisk heatrisk
COPY sample_data sample_data
RUN python -m venv /opt/heatrisk && /opt/heatrisk/bin/pip install --no-cache-dir .

FROM python:3.11-slim
RUN useradd --system --create-home --uid 10001 heatrisk && install -d -o heatrisk /data
COPY --from=build /opt/heatrisk /opt/heatrisk
ENV PATH=/opt/heatrisk/bin:$PATH \
    NUMBA_CACHE_DIR=/data/.numba \
    PYTHONUNBUFFERED=1
USER heatrisk
WORKDIR /data
VOLUME /data
EXPOSE 8000
HEALTHCHECK --interval=30s --timeout=5s --start-period=60s \
    CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8000/healthz', timeout=4)"]
# The sample town out of the box; for a city: `docker run -v ./city:/data ... heatrisk run city.toml`, then `serve`.
ENTRYPOINT ["heatrisk"]
CMD ["demo", "--host", "0.0.0.0", "--store", "/data/store"]

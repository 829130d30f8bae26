# Airflow with the warehouse in it: one image for the API server, scheduler, DAG processor, triggerer and workers.
# Everything comes from requirements.lock with its hash. Nothing in the image is written to while it runs.
ARG PYTHON=python:3.11.14-slim-bookworm

FROM ${PYTHON} AS packages
WORKDIR /opt/warehouse
COPY .ci/setup .ci/setup
COPY requirements.lock ./
RUN .ci/setup

FROM ${PYTHON}
ENV PATH=/opt/warehouse/.venv/bin:${PATH} PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1
WORKDIR /opt/warehouse
COPY --from=packages /opt/warehouse/.venv .venv
COPY contract contract
COPY warehouse warehouse
COPY ingestion ingestion
COPY expectations expectations
COPY reporting reporting
COPY pipeline pipeline
COPY dbt_project dbt_project
COPY dags dags
COPY docs/runbooks docs/runbooks
COPY docker/service docker/service
# Any other number may be given by `user:`. It has no name in the image, and Airflow asks for one.
ENV USER=warehouse
USER 10001:10001
ENTRYPOINT ["/opt/warehouse/docker/service"]
CMD ["airflow", "version"]

"""Airflows that tests start."""

from __future__ import annotations

from pipeline import airflow
from pipeline.airflow_settings import Airflow, environment, free_port
from warehouse.connect import Warehouse


def start_airflow(warehouse: Warehouse) -> Airflow:
    """Start it on a port that the kernel chooses: of two that start together, both would find the preferred one free."""
    environment(warehouse)
    (Airflow(warehouse.settings.home).home / "port").write_text(str(free_port()))
    return airflow.up(warehouse)

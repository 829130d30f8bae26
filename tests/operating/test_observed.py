"""Metrics of Airflow's: off unless somebody asks for them, and then sent to a real receiver."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any, cast

import pytest

from pipeline.airflow_settings import environment
from warehouse.connect import Warehouse

COUNT = """
from airflow.observability.metrics.stats_utils import get_stats_factory
stats = get_stats_factory()()
print(type(stats).__name__)
stats.incr("dagrun.nightly_ingest")
if "Otel" in type(stats).__name__:
    from airflow._shared.observability.metrics.otel_logger import flush_otel_metrics
    flush_otel_metrics()
"""


class _Take(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        cast(Any, self.server).taken.append((self.path, body))
        self.send_response(200)
        self.end_headers()

    def log_message(self, format: str, *arguments: Any) -> None:
        """Say nothing."""


@pytest.fixture
def collector() -> Iterator[Any]:
    """What an OpenTelemetry collector is to Airflow: a web server that takes metrics."""
    with HTTPServer(("127.0.0.1", 0), _Take) as server:
        cast(Any, server).taken = []
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield server
        server.shutdown()


def count_once(warehouse: Warehouse) -> str:
    """Count something as a process of Airflow's does, and return with what."""
    done = subprocess.run(
        [sys.executable, "-c", COUNT], env=environment(warehouse), capture_output=True, text=True, check=True
    )
    return done.stdout.splitlines()[-1]


def test_nothing_is_measured_unless_it_is_asked_for(warehouse: Warehouse) -> None:
    assert count_once(warehouse) == "NoStatsLogger"


def test_metrics_go_where_they_are_asked_for(
    warehouse: Warehouse, collector: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AIRFLOW__METRICS__OTEL_ON", "True")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", f"http://127.0.0.1:{collector.server_port}")
    assert count_once(warehouse) == "SafeOtelLogger"
    assert next((path, b"dagrun.nightly_ingest" in body) for path, body in collector.taken) == ("/v1/metrics", True)


def test_other_settings_of_another_airflow_stay_outside(warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW__CORE__EXECUTOR", "SequentialExecutor")
    monkeypatch.setenv("AIRFLOW__OPENLINEAGE__TRANSPORT", '{"type": "console"}')
    found = environment(warehouse)
    assert found["AIRFLOW__CORE__EXECUTOR"] == "LocalExecutor"
    assert found["AIRFLOW__OPENLINEAGE__TRANSPORT"] == '{"type": "console"}'
    assert os.environ["AIRFLOW__CORE__EXECUTOR"] == "SequentialExecutor"

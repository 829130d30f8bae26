"""The one place that runs Great Expectations (1.24): a suite over one table, counted inside PostgreSQL.

Every statement is an expectation of the class below. Its metric is an aggregate, and GX bundles the aggregates of a
suite into a single query, so that a suite is one pass over the table and no row leaves the database. Importing this
module takes seconds: only `expectations.run` does, and only when something is validated.
"""

from __future__ import annotations

import logging
import re
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, ClassVar

import sqlalchemy as sa

from expectations.ahead import UNUSED, putting_off
from expectations.statements import ExpectationSeverity, Statement, Suite, count_expression
from warehouse.connect import connection_options

with putting_off(*UNUSED):
    import great_expectations as gx
    from great_expectations.core.metric_domain_types import MetricDomainTypes
    from great_expectations.core.metric_function_types import MetricPartialFunctionTypes
    from great_expectations.data_context.types.base import (
        DataContextConfig,
        InMemoryStoreBackendDefaults,
        ProgressBarsConfig,
    )
    from great_expectations.execution_engine import SqlAlchemyExecutionEngine
    from great_expectations.expectations.core import ExpectTableColumnsToMatchSet
    from great_expectations.expectations.expectation import BatchExpectation
    from great_expectations.expectations.metrics.metric_provider import metric_partial
    from great_expectations.expectations.metrics.table_metric_provider import TableMetricProvider

COLUMNS = "columns_are_those_of_the_contract"
ONE_AT_A_TIME = threading.Lock()
"""GX keeps its current context in a global: two threads of one process must not validate at once."""

# Whatever GX would log about a failure reaches the caller as `could_not_run`.
logging.getLogger("great_expectations").setLevel(logging.CRITICAL)


class RowsAgainst(TableMetricProvider):  # type: ignore[misc]
    """How many rows stand against a statement, as a part of GX's one query for the whole suite."""

    metric_name = "table.rows_against"
    value_keys = ("count_sql",)

    @metric_partial(  # type: ignore[untyped-decorator]
        engine=SqlAlchemyExecutionEngine,
        partial_fn_type=MetricPartialFunctionTypes.AGGREGATE_FN,
        domain_type=MetricDomainTypes.TABLE,
    )
    def _sqlalchemy(
        cls,  # noqa: N805
        execution_engine: Any,
        metric_domain_kwargs: dict[str, Any],
        metric_value_kwargs: dict[str, Any],
        metrics: dict[str, Any],
        runtime_configuration: dict[str, Any],
    ) -> tuple[Any, dict[str, Any], dict[str, Any]]:
        return sa.literal_column(metric_value_kwargs["count_sql"]), metric_domain_kwargs, {}


class ExpectStatementToHold(BatchExpectation):  # type: ignore[misc]
    """Expect that no row stands against a statement; the result is their number, never a value."""

    count_sql: str
    metric_dependencies: ClassVar[tuple[str, ...]] = ("table.rows_against",)
    success_keys: ClassVar[tuple[str, ...]] = ("count_sql",)

    def _validate(
        self,
        metrics: dict[str, Any],
        runtime_configuration: dict[str, Any] | None = None,
        execution_engine: Any = None,
    ) -> dict[str, Any]:
        against = metrics["table.rows_against"]
        return {"success": against == 0, "result": {"observed_value": against}}


@dataclass(frozen=True)
class Outcome:
    """What GX found about one expectation; `failing` is the number of rows against it (of columns, for the columns)."""

    name: str
    sentence: str
    severity: ExpectationSeverity
    failing: int
    statement: Statement | None = None


class SuiteError(Exception):
    """A suite that could not run to its end, with the reason in one line."""


@dataclass(frozen=True)
class Session:
    """GX connected to one database."""

    datasource: Any

    @property
    def engine(self) -> sa.Engine:
        """The SQLAlchemy engine of GX's datasource, for our own queries."""
        engine: sa.Engine = self.datasource.get_engine()
        return engine

    def run(self, suite: Suite, parts: Mapping[str, str]) -> list[Outcome]:
        """Run `suite` over the table that `parts` names and return an outcome for each of its expectations.

        Raises SuiteError unless GX came to a clear answer about every one of them.
        """
        table = parts["table"].partition(".")[2]
        asset = self.datasource.add_table_asset(suite.dataset, table_name=table)
        batch = asset.add_batch_definition_whole_table("delivery").get_batch()
        expectations = [_expect_columns(suite), *(_expect(statement, parts) for statement in suite.statements)]
        gx_suite = gx.ExpectationSuite(name=suite.dataset, expectations=expectations)
        result = batch.validate(gx_suite, result_format="BASIC")
        found = {entry.expectation_config.meta.get("name"): entry for entry in result.results}
        outcomes = [_read_columns_outcome(found.get(COLUMNS))]
        outcomes += [_read_outcome(found.get(statement.name), statement) for statement in suite.statements]
        if len(result.results) != len(outcomes) or result.success != all(not outcome.failing for outcome in outcomes):
            raise SuiteError("Great Expectations contradicts itself about whether the suite succeeded")
        return outcomes


@contextmanager
def open_session(url: str) -> Iterator[Session]:
    """Open GX on the database at `url` (postgresql://...), with an ephemeral context and connections of its own.

    Takes 0.02 s once GX is imported, so nothing is kept from one delivery to the next.
    """
    with ONE_AT_A_TIME:
        options = f"{connection_options(url)} -c search_path=raw"
        datasource = new_context().data_sources.add_postgres(
            "warehouse",
            connection_string=driver_url(url),
            kwargs={"connect_args": {"options": options, "application_name": "warehouse expectations"}},
        )
        engines = [datasource.get_engine(), datasource.get_execution_engine().engine]
        for engine in engines:
            sa.event.listen(engine, "before_cursor_execute", _choose_joins)
        try:
            yield Session(datasource)
        finally:
            for engine in engines:
                engine.dispose()


def _choose_joins(_connection: Any, cursor: Any, statement: str, *_: Any) -> None:
    """Hash or merge joins of delivered rows: just loaded they have no statistics, PostgreSQL takes them for one, and a nested
    loop over thousands takes half a minute. Of the catalogue it has statistics, and hashing all of it takes ever longer.
    """
    cursor.execute(f"set local enable_nestloop = {'on' if 'pg_catalog' in statement else 'off'}")


def new_context() -> Any:
    """Return an ephemeral GX context that keeps quiet: no analytics, no progress bars, nothing on disk."""
    config = DataContextConfig(
        store_backend_defaults=InMemoryStoreBackendDefaults(),
        progress_bars=ProgressBarsConfig(globally=False),
        analytics_enabled=False,
    )
    return gx.get_context(mode="ephemeral", project_config=config)


def driver_url(url: str) -> str:
    """Return `url` for SQLAlchemy with psycopg2, safe from GX's substitution of $VARIABLES."""
    return re.sub(r"^postgres(ql)?(\+\w+)?://", "postgresql+psycopg2://", url).replace("$", "%24")


def _expect_columns(suite: Suite) -> Any:
    return ExpectTableColumnsToMatchSet(
        column_set=list(suite.columns),
        exact_match=True,
        severity=ExpectationSeverity.CRITICAL.value,
        description="The table has the columns of the contract, no more and no fewer.",
        meta={"name": COLUMNS},
    )


def _expect(statement: Statement, parts: Mapping[str, str]) -> Any:
    return ExpectStatementToHold(
        count_sql=count_expression(statement, parts),
        severity=statement.severity.value,
        description=statement.sentence,
        meta={"name": statement.name},
    )


def _read_outcome(entry: Any, statement: Statement) -> Outcome:
    _require_answer(entry, statement.name)
    failing = entry.result.get("observed_value")
    if not isinstance(failing, int) or entry.success != (failing == 0):
        raise SuiteError(f"{statement.name} has no clear result")
    return Outcome(statement.name, statement.sentence, statement.severity, failing, statement)


def _read_columns_outcome(entry: Any) -> Outcome:
    _require_answer(entry, COLUMNS)
    mismatched = entry.result.get("details", {}).get("mismatched", {})
    failing = sum(len(names) for names in mismatched.values())
    if entry.success != (failing == 0):
        raise SuiteError(f"{COLUMNS} has no clear result")
    return Outcome(COLUMNS, entry.expectation_config.description, ExpectationSeverity.CRITICAL, failing)


def _require_answer(entry: Any, name: str) -> None:
    if entry is None:
        raise SuiteError(f"{name} was not evaluated")
    information = entry.exception_info or {}
    raised = [information] if "raised_exception" in information else list(information.values())
    for exception in raised:
        if exception.get("raised_exception", True):
            # GX gives the last error of the suite's query to all that were part of it, so no name goes with it.
            raise SuiteError(first_line(str(exception.get("exception_message"))))


def first_line(text: str) -> str:
    """The first line of a message, without the SQL and the traceback that follow it."""
    return text.strip().splitlines()[0][:300] if text.strip() else "no reason given"

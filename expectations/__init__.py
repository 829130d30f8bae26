"""The door: Great Expectations suites in the bank's words, run inside PostgreSQL before a delivery becomes visible."""

from expectations.ahead import import_ahead, without_collecting
from expectations.data_docs import build_data_docs, stored_results
from expectations.run import Report, validate

__all__ = [
    "Report",
    "build_data_docs",
    "import_ahead",
    "stored_results",
    "validate",
    "without_collecting",
]

"""Data Docs: a local site of what was expected of each delivery and what held, built by GX's SiteBuilder.

The site is built from the stored results of `expectations.validate` and can be rebuilt from them at any time. Only new
or changed pages are rendered, and only the newest deliveries of each branch are kept.
"""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from expectations.docs_pages import render_page, templates
from expectations.files import write_whole

NEWEST = 20
PAGES = "pages.json"
Record = Mapping[str, Any]


def stored_results(store: Path, *, newest: int = NEWEST) -> Iterator[dict[str, Any]]:
    """Yield the results that `expectations.validate` wrote below `store`: the `newest` deliveries of each branch."""
    for branch in sorted(path for path in store.glob("*") if path.is_dir()):
        found = sorted(branch.glob("*/r*-d*.json"), key=_age_of_file, reverse=True)
        for path in found[:newest]:
            yield json.loads(path.read_text(encoding="utf-8"))


def build_data_docs(records: Iterable[Record], out: Path, *, newest: int = NEWEST) -> Path:
    """Build the site in `out` from `records` (results of `validate`) and return its index page.

    Keeps the `newest` deliveries of each branch, by business date and revision. A record of a delivery that is not
    known (it could not even be looked up) has no page. Errors: RuntimeError when a page could not be rendered.
    """
    kept = {_page(record): record for record in _newest_of_each_branch(records, newest)}
    style = hashlib.sha256(templates()).hexdigest()
    wanted = {page: style + _digest(record) for page, record in kept.items()}
    built = json.loads((out / PAGES).read_text()) if (out / PAGES).exists() else {}
    stale = {
        page: record for page, record in kept.items() if built.get(page) != wanted[page] or not (out / page).exists()
    }
    if stale:
        _render(stale, out)
    for page in set(built) - set(wanted):
        (out / page).unlink(missing_ok=True)
    entries = [_summary(record) | {"href": page} for page, record in kept.items()]
    entries.sort(key=lambda entry: (entry["business_date"], entry["branch_code"], entry["revision"]), reverse=True)
    write_whole(out / "index.html", render_page("index.html.j2", {"entries": entries}))
    write_whole(out / PAGES, json.dumps(wanted, indent=1))
    return out / "index.html"


def _newest_of_each_branch(records: Iterable[Record], newest: int) -> Iterator[Record]:
    by_branch: dict[str, dict[int, Record]] = defaultdict(dict)
    for record in records:
        if record["delivery"]:
            by_branch[record["delivery"]["branch_code"]][record["delivery_id"]] = record
    for found in by_branch.values():
        ordered = sorted(found.values(), key=_age, reverse=True)
        yield from ordered[:newest]


def _age_of_file(path: Path) -> tuple[str, int, int]:
    revision, delivery_id = path.stem.removeprefix("r").split("-d")
    return path.parent.name, int(revision), int(delivery_id)


def _age(record: Record) -> tuple[str, int, int]:
    return record["delivery"]["business_date"], record["delivery"]["revision"], record["delivery_id"]


def _page(record: Record) -> str:
    """The path of a delivery's page, as GX lays it out: suite (the branch), run name, run time, batch."""
    delivery = record["delivery"]
    closed_at = datetime.fromisoformat(delivery["cob_completed_at"]).astimezone(UTC)
    run = f"{delivery['business_date']}-r{delivery['revision']}/{closed_at:%Y%m%dT%H%M%S.%fZ}"
    return f"validations/{delivery['branch_code']}/{run}/d{record['delivery_id']}.html"


def _render(records: Mapping[str, Record], out: Path) -> None:
    """Have GX's SiteBuilder write the pages of `records`."""
    from great_expectations.render.renderer.site_builder import SiteBuilder  # noqa: PLC0415

    from expectations.gx_runner import new_context  # noqa: PLC0415

    context = new_context()
    page = {"module_name": "expectations.docs_pages"}
    site = SiteBuilder(
        data_context=context,
        store_backend={"class_name": "TupleFilesystemStoreBackend", "base_directory": str(out.resolve())},
        site_section_builders={
            "expectations": "None",
            "profiling": "None",
            "validations": {
                "class_name": "DefaultSiteSectionBuilder",
                "source_store_name": context.validation_results_store_name,
                "renderer": page | {"class_name": "DeliveryRenderer"},
                "view": page | {"class_name": "PageView"},
            },
        },
    )
    section = site.site_section_builders["validations"]
    section.source_store = _StoredResults(records)
    # Only this section: SiteBuilder.build would also copy GX's fonts and pictures, which our pages do not use.
    section.build()
    missing = [name for name in records if not (out / name).exists()]
    if missing:
        raise RuntimeError(f"Great Expectations rendered {len(missing)} pages too few, such as {missing[0]}")


class _StoredResults:
    """Our records in the place of GX's store of validation results, which would take 0.1 s a page to copy them."""

    def __init__(self, records: Mapping[str, Record]) -> None:
        self.records = records

    def list_keys(self) -> list[Any]:
        """Return GX's identifier of each record."""
        from great_expectations.data_context.types.resource_identifiers import (  # noqa: PLC0415
            ValidationResultIdentifier,
        )

        steps = [page.removesuffix(".html").split("/")[1:] for page in self.records]
        return [ValidationResultIdentifier.from_tuple(tuple(names)) for names in steps]

    def get(self, key: Any) -> Any:
        """Return the record that GX calls `key`, as a validation result."""
        return _validation(self.records["/".join(("validations", *key.to_tuple())) + ".html"])


def _validation(record: Record) -> Any:
    """The record as GX's validation result of one delivery: counts and sentences, no SQL and no values."""
    from great_expectations.core import ExpectationSuiteValidationResult, ExpectationValidationResult  # noqa: PLC0415
    from great_expectations.expectations.expectation_configuration import ExpectationConfiguration  # noqa: PLC0415

    results = [
        ExpectationValidationResult(
            success=entry["success"],
            expectation_config=ExpectationConfiguration(
                type="expect_statement_to_hold",
                kwargs={},
                meta={"name": entry["name"], "dataset": suite["dataset"], "about": suite["about"]},
                description=entry["sentence"],
                severity=entry["severity"],
            ),
            result={"observed_value": entry["failing"]},
        )
        for suite in record["suites"]
        for entry in suite["expectations"]
    ]
    return ExpectationSuiteValidationResult(
        success=_summary(record)["status"] == "holds",
        results=results,
        suite_name=record["delivery"]["branch_code"],
        meta={"delivery": _summary(record)},
    )


def _summary(record: Record) -> dict[str, Any]:
    """What the index says about a delivery, in one line."""
    failed = [entry for suite in record["suites"] for entry in suite["expectations"] if not entry["success"]]
    critical = sum(entry["severity"] == "critical" for entry in failed)
    warnings = sum(entry["severity"] == "warning" for entry in failed)
    if record["could_not_run"]:
        status, verdict = "could-not-run", "Held: not every expectation could be evaluated."
    elif critical:
        status, verdict = "critical", f"Held: {critical} critical expectations failed."
    elif warnings:
        status, verdict = "warning", f"Every critical expectation held; {warnings} gave warnings."
    else:
        status, verdict = "holds", "Every expectation held."
    delivery = {name: record["delivery"][name] for name in ("branch_code", "business_date", "revision")}
    found = {"delivery_id": record["delivery_id"], "status": status, "verdict": verdict}
    return delivery | found | {"could_not_run": record["could_not_run"]}


def _digest(record: Record) -> str:
    return hashlib.sha256(json.dumps(record, sort_keys=True).encode()).hexdigest()

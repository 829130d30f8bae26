"""What a branch is told of its manifest: its own words, in one line."""

from __future__ import annotations

import pytest

from pipeline.outcomes import Outcome
from tests.door.door import Door
from tests.support.deliveries import Delivery, first_delivery
from tests.support.warehouses import without_great_expectations


def told(door: Door, delivery: Delivery) -> Outcome:
    """Send one delivery and return what came of it."""
    door.send(delivery)
    with without_great_expectations():
        (outcome,) = door.night(delivery.branch).values()
    return outcome


@pytest.mark.parametrize(
    ("branch", "manifest", "dialect", "told_of"),
    [
        ("01", {"revision": 1.0}, None, "1.0"),
        ("04", {}, {"lineTerminator": 1.5}, "has lineTerminator 1.5, which"),
        ("08", {}, {"delimiter": [2.50]}, "has delimiter [2.5], which"),
    ],
    ids=["a property", "a dialect", "inside an array"],
)
def test_a_number_is_told_as_it_was_written(
    door: Door, branch: str, manifest: dict[str, float], dialect: dict[str, object] | None, told_of: str
) -> None:
    delivery = first_delivery(branch)
    delivery.manifest.update(manifest)
    delivery.resources["inspections"] = {"dialect": dialect}
    (finding,) = told(door, delivery).findings
    text = f"{finding['message']} {finding['value']}"
    assert told_of in text
    assert "Decimal" not in text


def test_a_line_break_in_a_manifest_does_not_break_the_line_that_is_told(door: Door) -> None:
    delivery = first_delivery("11")
    broken = {"officeCode": "a\nb", "status": "missing", "reason": "Mất\r\nđiện"}
    delivery.manifest["offices"] = [*delivery.descriptor([])["offices"], broken]
    outcome = told(door, delivery)
    assert {finding["rule"] for finding in outcome.findings} == {"office-missing", "foreign-key"}
    assert [line for line in outcome.finding_lines if len(line.splitlines()) > 1] == []
    assert all("a\ufffdb" in finding["message"] and finding["value"] == "a\ufffdb" for finding in outcome.findings)

"""Every case at the door. To add one, add it to the list of its subject."""

from __future__ import annotations

from tests.door import cases_hostile, cases_issue, cases_manifest, cases_rules, cases_values, cases_warnings
from tests.door.case import Case

CASES: list[Case] = [
    *cases_issue.CASES,
    *cases_manifest.CASES,
    *cases_values.CASES,
    *cases_rules.CASES,
    *cases_warnings.CASES,
    *cases_hostile.CASES,
]

"""What is wrong in a descriptor whose delivery can be identified: it holds the delivery, and is reported with everything else."""

from __future__ import annotations

from collections import Counter

import pyarrow as pa

from contract.findings import finding, join_findings
from contract.model import load_datasets
from ingestion.descriptor import COMPRESSIONS, ENCODINGS, FORMATS, PLACE, Descriptor, Resource


def find_descriptor_violations(descriptor: Descriptor) -> pa.Table:
    """Return everything in the descriptor that holds the delivery (FINDING_SCHEMA)."""
    found: list[pa.Table] = []

    def add(rule: str, column: str, message: str, value: object = None, dataset: str = PLACE) -> None:
        found.append(finding(dataset, rule, message, column=column, value=None if value is None else str(value)))

    datasets = load_datasets()
    delivered = {resource.dataset for resource in descriptor.resources}
    for name, dataset in datasets.items():
        if name not in delivered and (descriptor.working_day or dataset.kind == "full"):
            add(
                "resource-error",
                "resources",
                f"The dataset {name} is missing; send it, header only if there is nothing.",
                dataset=name,
            )
    for resource in descriptor.resources:
        found += _resource_violations(resource)
    if descriptor.revision > 1 and descriptor.supersedes is None:
        add(
            "constraint-error",
            "supersedes",
            "A revision above 1 must name the SHA-256 of the descriptor sent before it in `supersedes`.",
        )
    if descriptor.previous_business_date and descriptor.previous_business_date >= descriptor.business_date:
        add(
            "constraint-error",
            "previousBusinessDate",
            "previousBusinessDate must lie before businessDate.",
            descriptor.previous_business_date,
        )
    if descriptor.cob_completed_at.date() < descriptor.business_date:
        add(
            "constraint-error",
            "cobCompletedAt",
            "cobCompletedAt must not lie before the business date.",
            descriptor.cob_completed_at.isoformat(),
        )
    for code, count in Counter(code for code, _, _ in descriptor.offices).items():
        if count > 1:
            add(
                "constraint-error",
                "offices",
                f"Office {code} is listed more than once; list every open office once.",
                code,
            )
    for code, status, reason in descriptor.offices:
        if status == "missing":
            add(
                "office-missing",
                "offices",
                f"Office {code} is missing ({reason or 'no reason given'}); deliver the branch with all its offices.",
                code,
            )
    return join_findings(found)


def _resource_violations(resource: Resource) -> list[pa.Table]:
    datasets = load_datasets()
    found = []
    if resource.dataset not in datasets:
        message = f"{resource.dataset} is not a dataset of the contract; remove the file or correct its name."
        return [finding(PLACE, "resource-error", message, column="resources", value=resource.dataset)]
    dataset = datasets[resource.dataset]
    if resource.format not in FORMATS:
        found.append(
            finding(dataset.name, "format-error", "The format must be csv, parquet or xlsx.", value=resource.format)
        )
    if resource.encoding.lower() not in ENCODINGS:
        message = "The encoding must be utf-8, utf-8-sig or windows-1258."
        found.append(finding(dataset.name, "encoding-error", message, value=resource.encoding))
    if resource.compression not in COMPRESSIONS:
        found.append(
            finding(
                dataset.name, "compression-error", "The compression must be gz or absent.", value=resource.compression
            )
        )
    expected = {column.name for column in dataset.vnd_columns}
    for column in sorted(expected - resource.control_totals.keys()):
        message = f"controlTotals lacks {column}; give the sum of every column in đồng."
        found.append(finding(dataset.name, "control-total", message, column=column))
    for column in sorted(resource.control_totals.keys() - expected):
        message = f"controlTotals names {column}, which is not a column in đồng of {dataset.name}; remove it."
        found.append(finding(dataset.name, "control-total", message, column=column))
    return found

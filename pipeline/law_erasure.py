"""Law 12 as a check: whoever is on the list of erasures is in no row and in no stored file."""

from __future__ import annotations

from collections.abc import Iterator

from ingestion.descriptor import parse_descriptor
from ingestion.erase import CUSTOMERS, count_rows, names_person
from ingestion.rewrite import CannotRewriteError
from ingestion.store import Store
from warehouse.connect import Connection

Lines = Iterator[tuple[str, str | None]]


def erased_rows(connection: Connection) -> Lines:
    """No row of `personal` holds a value of an erased customer, whichever delivery it belongs to."""
    for (customer_id,) in connection.execute("select customer_id from meta.erasures order by 1").fetchall():
        count = count_rows(connection, [customer_id])
        yield f"customer {customer_id}", f"{count} rows hold a personal value again" if count else None


def erased_files(connection: Connection, store: Store) -> Lines:
    """No stored file of customers that can be read holds one; a file that was written again has not come back."""
    erased = [customer_id for (customer_id,) in connection.execute("select customer_id from meta.erasures order by 1")]
    if not erased:
        return
    descriptors = connection.execute("select distinct descriptor_sha256 from meta.deliveries").fetchall()
    resources = [
        resource
        for (descriptor,) in descriptors
        for resource in parse_descriptor(store.path(descriptor).read_bytes()).resources
        if resource.dataset == CUSTOMERS
    ]
    for path, resource in {store.path(resource.sha256): resource for resource in resources}.items():
        problem = None
        try:
            if path.exists() and names_person(path, resource, erased):
                problem = "it holds a personal value of an erased customer"
        except CannotRewriteError:
            problem = "it names an erased customer and cannot be read"
        yield f"stored file {path.name}", problem

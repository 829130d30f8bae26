"""One file of a delivery as it is loaded: read in a thread of its own, counted, and compared with the manifest."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterator

import pyarrow as pa

from contract.errors import DamagedInputError, UnsafeInputError
from contract.findings import finding, join_findings, no_findings
from contract.model import Dataset
from ingestion.descriptor import Resource
from ingestion.read import Block, read_blocks, report
from ingestion.references import Watch
from ingestion.store import Store
from ingestion.streams import open_stream
from ingestion.totals import Totals, find_duplicate_keys, fits_bigint

FINDINGS_AT_ONCE = 50_000
BLOCKS_AHEAD = 2


class Reading:
    """Reads one file in a thread of its own; `blocks` yields what may be copied until the first error."""

    def __init__(
        self, store: Store, dataset: Dataset, resource: Resource, save: Callable[[pa.Table], None], watch: Watch
    ) -> None:
        self.store, self.dataset, self.resource, self.save, self.watch = store, dataset, resource, save, watch
        self.totals = Totals(dataset)
        self.has_errors = False
        self.pending = no_findings()
        self.queue: queue.Queue[Block | BaseException | None] = queue.Queue(BLOCKS_AHEAD)
        self.stopped = threading.Event()
        self.thread = threading.Thread(target=self._read, name=f"read {dataset.name}", daemon=True)

    def blocks(self) -> Iterator[Block]:
        """Yield checked blocks. After the first error the rest is read for its findings only."""
        self.thread.start()
        while (block := self.queue.get()) is not None:
            if isinstance(block, BaseException):
                raise block
            self.totals.add(block)
            self.watch.add(block)
            if block.findings.num_rows:
                self._note(block)
            if not self.has_errors:
                yield block

    def compare(self) -> None:
        """Compare what arrived with what the manifest declares, and save what is left of the findings."""
        name, declared, totals = self.dataset.name, self.resource, self.totals
        found = []
        # Of a file that could not be begun, its rows were never counted.
        if totals.row_count != declared.row_count and (totals.row_count or not self.has_errors):
            message = f"{totals.row_count} rows arrived, rowCount says {declared.row_count}; send the whole file or the right count."
            found.append(finding(name, "row-count", message, value=str(totals.row_count)))
        if not self.has_errors:
            found += self._compare_totals()
            if totals.key_checksum != declared.key_checksum:
                message = "The keys do not have the declared keyChecksum: a row is lost, doubled or has another key; extract again."
                found.append(finding(name, "key-checksum", message, value=str(totals.key_checksum)))
        self.save(join_findings([self.pending, *found]))
        self.pending = no_findings()
        suspects = totals.keys.find_doubled()
        if suspects.size:
            for doubled in find_duplicate_keys(self._checked_blocks(), self.dataset, suspects):
                self.save(doubled)

    def _compare_totals(self) -> Iterator[pa.Table]:
        """Yield what is wrong with the control totals: another than declared, or no amount in đồng itself."""
        name, totals = self.dataset.name, self.totals.control_totals
        whole = sum(totals.values())
        for column, total in totals.items():
            stated = self.resource.control_totals.get(column, total)
            if not fits_bigint(total):
                message = f"The rows sum to {total} đồng, which no bigint holds; correct the amounts."
                yield finding(name, "control-total", message, column=column, value=str(total))
            elif stated != total:
                message = f"The rows sum to {total} đồng, controlTotals says {stated} (difference {total - stated}); send the right rows or total."
                yield finding(name, "control-total", message, column=column, value=str(total))
        if not fits_bigint(whole) and all(map(fits_bigint, totals.values())):
            message = f"The columns in đồng sum to {whole} together, which no bigint holds; correct the amounts."
            yield finding(name, "control-total", message, value=str(whole))

    def stop(self) -> None:
        """End the thread, also in the middle of a file."""
        self.stopped.set()
        while self.thread.is_alive():
            try:
                self.queue.get(timeout=0.05)
            except queue.Empty:
                continue

    def _note(self, block: Block) -> None:
        self.has_errors = self.has_errors or block.has_errors
        self.pending = join_findings([self.pending, block.findings])
        if self.pending.num_rows > FINDINGS_AT_ONCE:
            self.save(self.pending)
            self.pending = no_findings()

    def _read(self) -> None:
        last: BaseException | None = None
        try:
            for block in self._checked_blocks():
                self.queue.put(block)
                if self.stopped.is_set():
                    return
        except BaseException as error:  # handed to the thread that waits for the blocks
            last = error
        self.queue.put(last)

    def _checked_blocks(self) -> Iterator[Block]:
        resource = self.resource
        try:
            with open_stream(self.store.path(resource.sha256), resource.compression) as stream:
                yield from read_blocks(
                    stream, self.dataset, format=resource.format, encoding=resource.encoding, dialect=resource.dialect
                )
        except (UnsafeInputError, DamagedInputError) as error:
            yield report(
                self.dataset, finding(self.dataset.name, "compression-error", f"{error.problem}. {error.remedy}")
            )

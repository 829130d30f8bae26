"""The flip of a build as a process of its own, to be made to fail: `python -m tests.faults.flip BUILD`."""

from __future__ import annotations

import sys

from pipeline.build import flip
from warehouse.connect import open_warehouse

if __name__ == "__main__":
    flip(open_warehouse(), int(sys.argv[1]))

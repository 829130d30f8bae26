"""`python -m pipeline`."""

import gc
import sys

from pipeline.cli import main

if __name__ == "__main__":
    code = main()
    # Great Expectations and dbt leave so many objects that to look through them once more at exit takes a second or two.
    gc.freeze()
    sys.exit(code)

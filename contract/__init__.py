"""The branch-extract contract as data: datasets, columns, findings and errors. Imports nothing else of ours."""

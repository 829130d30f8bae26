"""Reference data: checked-in CSV files, loaded into schema `meta` (see README.md)."""

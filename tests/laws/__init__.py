"""The laws of the warehouse: each is a check, and each check is seen to fail."""

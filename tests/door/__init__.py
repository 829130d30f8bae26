"""The door: every form of delivery, its verdict and its findings, through the real night on a real PostgreSQL."""

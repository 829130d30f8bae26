"""The night and the quarter as sequences of steps, and the command line (`python -m pipeline`)."""

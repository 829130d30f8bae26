"""The quarter close and the board report: they read marts only."""

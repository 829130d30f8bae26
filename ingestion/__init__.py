"""The door: what a branch delivers is looked at, kept, verified, loaded and published, whole or not at all."""

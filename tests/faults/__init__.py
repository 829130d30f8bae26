"""What happens to the laws when processes die, servers stop, disks fill and readers read on."""

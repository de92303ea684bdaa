"""What runs in the lab's dom0, under Debian 12's Python and nothing else."""

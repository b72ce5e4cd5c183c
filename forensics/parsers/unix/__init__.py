"""What Linux and its relatives keep."""

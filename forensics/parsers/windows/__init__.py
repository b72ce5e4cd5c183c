"""What Windows and its programs keep."""

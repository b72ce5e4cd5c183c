"""Documents, pictures and mail."""

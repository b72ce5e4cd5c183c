"""Captured network traffic."""

"""Logs in lines and rows, of servers and services."""

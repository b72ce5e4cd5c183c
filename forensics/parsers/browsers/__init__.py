"""Browsers, besides their databases."""

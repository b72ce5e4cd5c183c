"""Telephones, besides their databases."""

"""Archives: what they list, without unpacking it."""

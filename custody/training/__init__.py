"""Marks for how evidence was handled, from verified ledgers alone: a rubric, the marks, feedback, copies found."""

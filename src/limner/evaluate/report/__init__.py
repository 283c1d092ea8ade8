"""Runs for reading: a page, a comparison, tables."""

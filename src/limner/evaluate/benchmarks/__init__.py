"""Benchmarks by the files their authors publish, and by items made here."""

"""Benchmarks, metrics, judges, statistics and reports of interleaved work."""

"""Heads: how a model's states become images, and images what it reads."""

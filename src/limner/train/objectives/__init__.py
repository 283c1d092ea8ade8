"""Objectives: each a function with its formula and source. Those of language, pairs and policies give sums over what they
count, as the trainer takes them."""

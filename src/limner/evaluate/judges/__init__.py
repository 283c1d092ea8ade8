"""Judges of interleaved work: language models that are asked, measures without one, a small trained scorer; and what each is worth."""

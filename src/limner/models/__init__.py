"""Torch modules of models that read and write interleaved sequences; needs `limner[models]`."""

"""Training: loading, objectives, one trainer for all models, checkpoints; needs `limner[models]`."""

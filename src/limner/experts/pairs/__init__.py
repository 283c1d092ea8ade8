"""The joint encoder `bundled:limner-pairs`: small towers over frozen features of pictures and of sentences, trained by the recipe `align`."""

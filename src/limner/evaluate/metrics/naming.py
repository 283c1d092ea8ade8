"""What measures that rest on a network are called: by their kind and the address of the network.

A standard name stands for one network with one set of weights; scores by others cannot be compared with published ones. So a
measure has it only where its address is that network's, and carries the address even then.
"""

from __future__ import annotations

STANDARD: dict[str, tuple[str, frozenset[str]]] = {
    "gaussian-kernel": ("CMMD", frozenset({"hf:openai/clip-vit-large-patch14-336"})),
    "text-image": ("CLIPScore", frozenset({"hf:openai/clip-vit-base-patch32"})),
}
"""The standard name of a kind, and the addresses that may have it. FID and KID (Inception as TensorFlow had it in 2015) and
LPIPS (its own weights on AlexNet or VGG) are served by no address of limner, so that nothing here has these names. CMMD's
authors press images into a square where transformers' processor crops them, so that scores are theirs for square images."""


def standard(kind: str, address: str) -> bool:
    """Whether a measure may have its standard name."""
    return address in STANDARD.get(kind, ("", frozenset[str]()))[1]


def named(kind: str, address: str) -> str:
    """The name of a measure.

    >>> named("frechet", "bundled:efficientnet-lite0"), named("gaussian-kernel", "hf:openai/clip-vit-large-patch14-336")
    ('frechet[bundled:efficientnet-lite0]', 'CMMD[hf:openai/clip-vit-large-patch14-336]')
    """
    return f"{STANDARD[kind][0] if standard(kind, address) else kind}[{address}]"

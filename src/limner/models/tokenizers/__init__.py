"""Image tokenizers: any quantiser with any encoder and decoder, one contract for all (`Tokenizer`).

```python
blocks = BlockSettings(width=128, depth=2, patch=4)
grid = Autoencoder(ViTEncoder(blocks), VectorQuantiser(), ViTDecoder(blocks), side=32)                              # ViT-VQ, 64 tokens
line = Autoencoder(QueryEncoder(blocks, 16), BinaryQuantiser(), QueryDecoder(blocks, 16), side=32)                  # 16 tokens of 16 bits
told = Autoencoder(QueryEncoder(blocks, 8, 384), GaussianLatents(), QueryDecoder(blocks, 8, 384), side=32)         # given captions
```

Convolutional ones are in `convolutional` (they need diffusers), semantic ones in `semantic`.
"""

from limner.models.tokenizers.autoencoder import Autoencoder, Decoder, Encoder, Text, Tokenizer
from limner.models.tokenizers.binary import BinaryQuantiser, BinarySettings
from limner.models.tokenizers.blocks import BlockSettings
from limner.models.tokenizers.codebook import CodebookSettings, VectorQuantiser
from limner.models.tokenizers.continuous import GaussianLatents, SoftQuantiser, SoftSettings
from limner.models.tokenizers.latents import Latents, Quantiser, counts, perplexity
from limner.models.tokenizers.queries import QueryDecoder, QueryEncoder
from limner.models.tokenizers.vit import ViTDecoder, ViTEncoder

__all__ = [
    "Autoencoder", "BinaryQuantiser", "BinarySettings", "BlockSettings", "CodebookSettings", "Decoder", "Encoder", "GaussianLatents", "Latents",
    "Quantiser", "QueryDecoder", "QueryEncoder", "SoftQuantiser", "SoftSettings", "Text", "Tokenizer", "VectorQuantiser", "ViTDecoder",
    "ViTEncoder", "counts", "perplexity",
]  # fmt: skip

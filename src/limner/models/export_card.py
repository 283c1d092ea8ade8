"""The card of an exported model: what loads it, what does not, and what is known of it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from limner.models import vocabulary

_IMAGES = (
    "An image is `<|image|>`, its codes `<|code:N|>` row by row, `<|/image|>`; `image/` has the tokenizer that makes pictures of codes, in "
    "limner's own layout."
)


def card(loads: str, lacks: Sequence[str], folder: Path, about: str = "", under: str = "") -> str:
    """README.md, with the header that model hubs read. `loads` is the class that loads it ("": none), `lacks` what no class has, `folder`
    where all else has been written, `under` the folder in it of what `loads` loads."""
    words = (folder / vocabulary.FILE).is_file()
    library, _, name = loads.partition(".")
    header = ["---", f"library_name: {library or 'limner'}"]
    if library == "transformers":
        header.append("pipeline_tag: text-generation")
    if library == "diffusers":
        header.append("pipeline_tag: text-to-image")
    header += ["tags:", "- limner", "---", ""]
    lines = [*header, "# A model trained by limner", ""]
    if loads:
        lines += ["```python", f"from {library} import {_loader(name)}{', AutoTokenizer' if words else ''}", ""]
        where = f', subfolder="{under}"' if under else ""
        lines.append(f'model = {_loader(name)}.from_pretrained("FOLDER"{where})')
        lines += ['tokenizer = AutoTokenizer.from_pretrained("FOLDER")'] if words else []
        lines += ["```", ""]
    if loads and words:
        lines += [
            "A text begins with `<|start|>`, which the tokenizer adds; parts of a document are separated by an empty line. `generate` leaves "
            "marks and images out where generation_config.json says so (`suppress_tokens`).", *([_IMAGES] if (folder / "image").is_dir() else []), "",
        ]  # fmt: skip
    if lacks and not loads:
        lines += [
            f"**It is in limner's own layout**, since no class elsewhere has all of it: {'; '.join(lacks)}. `limner generate FOLDER` runs a "
            "model that writes documents; tensors are safetensors under limner's own names, settings are JSON.", "",
        ]  # fmt: skip
    elif lacks:
        lines += [f"Beside it: {'; '.join(lacks)}.", ""]
    if about:
        # Its own headings stand below this card's.
        lines += [
            "## What is known of it",
            "",
            *(f"##{line}" if line.startswith("#") else line for line in about.splitlines()),
            "",
        ]
    return "\n".join(lines)


def _loader(name: str) -> str:
    """What loads a class: causal language models by their common name."""
    return "AutoModelForCausalLM" if name.endswith("ForCausalLM") else name

"""The assembled illustrated talk of `limner.recipes.talk` as a file.

python bench/talk.py talk.mkv                        # English, subtitles in the file
python bench/talk.py talk.mp4 --language fr --count 100 --subtitles beside
"""

from __future__ import annotations

import argparse
from pathlib import Path

from limner.recipes.talk import Shown, Stamp, assemble, sound, srt, stamps

__all__ = ["Shown", "Stamp", "assemble", "sound", "srt", "stamps"]


def main() -> None:
    """Write a talk."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("output", type=Path)
    parser.add_argument("--language", default="en")
    parser.add_argument("--count", type=int, default=0)
    parser.add_argument("--subtitles", choices=["track", "beside", ""], default="track")
    options = parser.parse_args()
    told = assemble(stamps(options.language, options.count), options.output, options.subtitles)
    print(f"{len(told)} stamps, {told[-1].end:.0f} s, assembled: {options.output}")


if __name__ == "__main__":
    main()

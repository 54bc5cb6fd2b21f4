"""The fonts of PNG pictures: that of matplotlib, and those of the machine for the scripts that it lacks."""

import logging
from functools import cache
from pathlib import Path

from matplotlib import font_manager
from matplotlib.ft2font import FT2Font

BASE_FAMILY = "DejaVu Sans"
_NOTO = Path("/usr/share/fonts")
_FILES = {
    "Noto Sans CJK JP": "opentype/noto/NotoSansCJK-Regular.ttc",
    **{
        f"Noto Sans {script}": f"truetype/noto/NotoSans{script}-Regular.ttf"
        for script in ("Arabic", "Hebrew", "Devanagari", "Bengali", "Tamil", "Thai")
    },
}
"""The packages fonts-noto-core and fonts-noto-cjk of Debian, by family."""


@cache
def families() -> tuple[str, ...]:
    """Return the families in which glyphs are looked for, in this order, and make them known to matplotlib."""
    # It warns of each family that has no bold face, at each title.
    logging.getLogger("matplotlib.font_manager").setLevel(logging.ERROR)
    known = {entry.name for entry in font_manager.fontManager.ttflist}
    installed = []
    for family, file in _FILES.items():
        if family not in known and (_NOTO / file).exists():
            font_manager.fontManager.addfont(_NOTO / file)
            known.add(family)
        if family in known:
            installed.append(family)
    return (BASE_FAMILY, *installed)


@cache
def font_of(character: str) -> FT2Font | None:
    """Return the first font that has a character; None if all lack it."""
    return next((font for font in _fonts() if ord(character) in font.get_charmap()), None)


@cache
def _fonts() -> tuple[FT2Font, ...]:
    return tuple(font_manager.get_font(font_manager.findfont(family)) for family in families())

"""Count how other people write: `python -m tonewright.gate.count_background NAME=ORIGIN=FILE...`

Each FILE is one register as plain text; only rates are kept, no sentence of anybody's.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tonewright.gate.likeness import BACKGROUND, features, rates

_DIGITS = 6


def main(argv: Sequence[str]) -> int:
    """Write the rates beside this module."""
    registers: dict[str, Any] = {}
    for told in argv:
        name, origin, file = told.split("=", 2)
        counted = features(Path(file).read_text(encoding="utf-8"))
        kinds: dict[str, dict[str, float]] = {}
        for (kind, feature), rate in sorted(rates(counted).items()):
            kinds.setdefault(kind, {})[feature] = round(rate, _DIGITS)
        number = sum(count for (kind, _), count in counted.items() if kind == "word")
        registers[name] = {"origin": origin, "words": number, "rates": kinds}
    text = json.dumps({"registers": registers}, indent=1, ensure_ascii=False)
    Path(__file__).with_name(BACKGROUND).write_text(text + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

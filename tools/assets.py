#!/usr/bin/env python3
"""assets.py - reads config/<city>/assets.json (JSON with comments) for the scripts of the demo.

  assets.py ids FILE               the assets of the air domain, one a line
  assets.py page CONFIG CITY...    names and positions of all, as plain JSON for the page
"""
import json
import re
import sys
from pathlib import Path

STRING_OR_COMMENT = re.compile(r'"(?:\\.|[^"\\])*"|//[^\n]*|/\*.*?\*/', re.DOTALL)


def load(path):
    def keep_strings(match):
        return match[0] if match[0].startswith('"') else " "

    text = Path(path).read_text(encoding="utf-8")
    return json.loads(STRING_OR_COMMENT.sub(keep_strings, text))


def ids(path):
    return "\n".join(load(path).get("air", {}))


def page(config, *cities):
    return json.dumps(
        {city: load(Path(config) / city / "assets.json") for city in cities}, ensure_ascii=False
    )


if __name__ == "__main__":
    commands = {"ids": ids, "page": page}
    if len(sys.argv) < 3 or sys.argv[1] not in commands:
        sys.exit(__doc__)
    print(commands[sys.argv[1]](*sys.argv[2:]))

"""A process that draws, for the engine in it ends its whole process where memory is short: a script, which
`report.engine` runs. It has the standard library and vl-convert alone, so that it starts at once.

A line of JSON in, {"specification": …, "scale": …} for a PNG, without a scale for an SVG, or {"bundle": …}
for JavaScript; a line out, {"size": …} with so many bytes after it, or {"error": …}. It ends with its input.
"""

from __future__ import annotations

import json
import os
import sys
from functools import lru_cache
from typing import Any


def answer(asked: dict[str, Any]) -> bytes:
    """A picture, or a script."""
    import vl_convert

    if "bundle" in asked:
        return str(vl_convert.javascript_bundle(asked["bundle"])).encode()
    svg = _svg(json.dumps(asked["specification"]))
    if "scale" not in asked:
        return svg.encode()
    found: bytes = vl_convert.svg_to_png(svg, scale=asked["scale"])
    return found


@lru_cache(maxsize=1)
def _svg(specification: str) -> str:
    """Kept, for a picture is wanted as an SVG and a PNG, one after the other."""
    import vl_convert

    return str(vl_convert.vegalite_to_svg(specification))


def main() -> None:
    """Answer until there is no more input."""
    try:
        import resource

        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    except (ImportError, ValueError, OSError):
        pass
    out = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # whatever the engine prints is no answer
    for line in sys.stdin.buffer:
        try:
            content = answer(json.loads(line))
            head: dict[str, Any] = {"size": len(content)}
        except Exception as error:
            content, head = b"", {"error": " ".join(str(error).split())}
        out.write(json.dumps(head).encode() + b"\n" + content)
        out.flush()


if __name__ == "__main__":
    main()

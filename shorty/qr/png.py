"""Turns a drawn code into PNG."""

from resvg_py import svg_to_bytes


def render_png(svg: str) -> bytes:
    """Takes milliseconds to tenths of a second, by size: to be called in a thread.

    The machine's fonts are looked for only where there is text that ours cannot draw.
    """
    return svg_to_bytes(svg_string=svg, skip_system_fonts="<text" not in svg)

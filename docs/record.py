#!/usr/bin/env python3
"""Records real runs of rsds in a terminal of 100x30 and writes docs/demo.svg, an animation that GitHub plays.

    pip install pyte==0.8.2
    cargo build
    python3 docs/record.py target/debug/rsds docs/demo.svg

Each command below runs in a pseudo-terminal, in a copy of environments/ in a temporary folder. What the terminal shows
is kept a few times a second; nothing is cut, edited or sped up.
"""

import os
import pty
import select
import shutil
import struct
import sys
import tempfile
import termios
import time
from fcntl import ioctl
from html import escape
from pathlib import Path

import pyte

COMMANDS = ["apply --env dev --sandbox --auto-approve", "plan --sandbox --detailed-exitcode"]
COLUMNS, ROWS = 100, 30
FRAME_SECONDS, HOLD_SECONDS = 0.25, 4.0
CELL_WIDTH, CELL_HEIGHT, MARGIN = 8.4, 18, 14
BACKGROUND, FOREGROUND = "#0d1117", "#c9d1d9"
COLOURS = {
    "default": FOREGROUND, "black": "#484f58", "red": "#ff7b72", "green": "#3fb950", "brown": "#d29922",
    "blue": "#58a6ff", "magenta": "#bc8cff", "cyan": "#39c5cf", "white": "#b1bac4", "brightblack": "#8b949e",
    "brightred": "#ffa198", "brightgreen": "#56d364", "brightbrown": "#e3b341", "brightyellow": "#e3b341",
    "brightblue": "#79c0ff", "brightmagenta": "#d2a8ff", "brightcyan": "#56d4dd", "brightwhite": "#f0f6fc",
}


class Dimmed(pyte.Screen):
    """pyte knows no faint text: shown as bright black, which looks the same here."""

    def select_graphic_rendition(self, *attributes, private=False):
        super().select_graphic_rendition(*(90 if a == 2 else a for a in attributes or (0,)))


class Recording:
    def __init__(self):
        self.screen = Dimmed(COLUMNS, ROWS)
        self.stream = pyte.ByteStream(self.screen)
        self.start = time.monotonic()
        self.frames = []

    def feed(self, data):
        self.stream.feed(data)

    def keep(self):
        lines = tuple(line(self.screen.buffer[row]) for row in range(ROWS))
        if not self.frames or self.frames[-1][1] != lines:
            self.frames.append((time.monotonic() - self.start, lines))

    def run(self, binary, command, folder):
        self.feed(f"\x1b[32m$\x1b[0m \x1b[1mrsds {command}\x1b[0m\r\n".encode())
        self.keep()
        child, terminal = pty.fork()
        if child == 0:
            os.chdir(folder)
            plain = {key: os.environ[key] for key in ("PATH", "HOME") if key in os.environ}
            os.execve(binary, ["rsds", *command.split()], plain | {"TERM": "xterm-256color", "LANG": "C.UTF-8"})
        ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))
        kept = time.monotonic()
        while True:
            ready, _, _ = select.select([terminal], [], [], FRAME_SECONDS)
            if ready:
                try:
                    data = os.read(terminal, 65536)
                except OSError:  # Linux says so when the other side has closed
                    data = b""
                if not data:
                    break
                self.feed(data)
            if time.monotonic() - kept >= FRAME_SECONDS:
                self.keep()
                kept = time.monotonic()
        self.keep()
        code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        if code != 0:
            sys.exit(f"rsds {command} ended with {code}")


def style(char):
    colour = COLOURS.get(char.fg, f"#{char.fg}")
    return colour, char.bold, char.underscore


def line(cells):
    """One row of the screen as SVG text: runs of cells that look the same."""
    runs = []
    for column in range(COLUMNS):
        char = cells[column]
        if runs and runs[-1][1] == style(char):
            runs[-1][2] += char.data
        else:
            runs.append([column, style(char), char.data])
    out = ""
    for column, (colour, bold, underscore), text in runs:
        stripped = text.rstrip()
        if not stripped:
            continue
        lead = len(stripped) - len(stripped.lstrip())
        stripped = stripped.lstrip()
        x, width = (column + lead) * CELL_WIDTH, len(stripped) * CELL_WIDTH
        attributes = f'x="{x:.1f}" textLength="{width:.1f}"'
        attributes += "" if colour == FOREGROUND else f' fill="{colour}"'
        attributes += ' font-weight="bold"' if bold else ""
        attributes += ' text-decoration="underline"' if underscore else ""
        out += f"<tspan {attributes}>{escape(stripped, quote=False)}</tspan>"
    return out


def svg(frames):
    """A film strip of screens, moved by one CSS animation; a viewer without animations shows the last."""
    lines = {}
    strip = ""
    height = ROWS * CELL_HEIGHT
    for number, (_, rows) in enumerate(frames):
        uses = ""
        for row, text in enumerate(rows):
            if text:
                name = lines.setdefault(text, f"l{len(lines)}")
                uses += f'<use href="#{name}" y="{row * CELL_HEIGHT}"/>'
        strip += f'<g transform="translate(0 {number * height})">{uses}</g>\n'
    total = frames[-1][0] + HOLD_SECONDS
    steps = "".join(
        f"{100 * at / total:.3f}%{{transform:translateY({-number * height}px)}}" for number, (at, _) in enumerate(frames)
    )
    last = -(len(frames) - 1) * height
    defs = "\n".join(f'<text id="{name}">{text}</text>' for text, name in lines.items())
    width, tall = COLUMNS * CELL_WIDTH + 2 * MARGIN, height + 2 * MARGIN
    return f"""<svg xmlns="http://www.w3.org/2000/svg" xml:space="preserve" viewBox="0 0 {width:.0f} {tall}" width="{width:.0f}" height="{tall}" role="img" aria-label="A terminal: rsds applies the environment dev on its sandbox, then plans: no changes">
<style>
text{{font:14px ui-monospace,SFMono-Regular,Menlo,Consolas,'DejaVu Sans Mono','Liberation Mono',monospace;fill:{FOREGROUND};white-space:pre}}
#strip{{transform:translateY({last}px);animation:play {total:.2f}s steps(1,end) infinite}}
@keyframes play{{{steps}100%{{transform:translateY({last}px)}}}}
@media (prefers-reduced-motion:reduce){{#strip{{animation:none}}}}
</style>
<defs>
{defs}
</defs>
<rect width="100%" height="100%" rx="8" fill="{BACKGROUND}"/>
<svg x="{MARGIN}" y="{MARGIN}" width="{COLUMNS * CELL_WIDTH:.0f}" height="{height}" overflow="hidden"><g transform="translate(0 14)"><g id="strip">
{strip}</g></g></svg>
</svg>
"""


def main():
    binary, target = str(Path(sys.argv[1]).resolve()), Path(sys.argv[2])
    source = Path(__file__).resolve().parent.parent / "environments"
    with tempfile.TemporaryDirectory() as folder:
        shutil.copytree(source, Path(folder) / "environments")
        recording = Recording()
        for command in COMMANDS:
            recording.run(binary, command, folder)
            time.sleep(1)
        recording.keep()
    target.write_text(svg(recording.frames))
    print(f"{target}: {len(recording.frames)} frames, {target.stat().st_size} bytes")


main()

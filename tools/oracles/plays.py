"""The programs that are recorded, and what is done to them."""

from __future__ import annotations

import sys

from tools.oracles.recording import Play

_UNICODE = r"""
import sys
out = sys.stdout
lines = '''plain ASCII
Grüße, naïve café, Ångström
e\u0301 a\u0308 n\u0303 o\u0302\u0323 combining
漢字 かな カナ 한국어
\uff46\uff55\uff4c\uff4c\uff57\uff49\uff44\uff54\uff48 \uff8a\uff9d\uff76\uff78
👍 🚀 🎉 😀 emoji
Ελληνικά Русский עברית العربية
─│┌┐└┘├┤┬┴┼ ═║╔╗╚╝ ▁▂▃▄▅▆▇█
→ ← ↑ ↓ ⇒ ∑ ∫ √ ∞ ≈ ≠
\U0001d49c\U0001d4d1\U0001d49e \U0001d7d8\U0001d7d9\U0001d7da
\tTab\tTab\tTab
a\u200bb zero width'''.split("\n")
for line in (*lines, "x" * 79 + "漢", "漢" * 41):
    out.write(line + "\n")
out.flush()
"""
_EMOJI = r"""
import sys
out = sys.stdout
lines = '''\U0001f468\u200d\U0001f469\u200d\U0001f467\u200d\U0001f466| family
\U0001f1e8\U0001f1ed|\U0001f1ef\U0001f1f5| flags
\U0001f44d\U0001f3fd|\U0001f44b\U0001f3ff| skin
\u2764\ufe0f|\u2600\ufe0f|\u26a0\ufe0f| selectors
\u2764|\u2600|\u26a0| without
1\ufe0f\u20e3|#\ufe0f\u20e3| keycaps
\u2705|\u274c|\u2b50|\u231b| wide ones
\U0001f9d1\u200d\U0001f4bb|\U0001f3f3\ufe0f\u200d\U0001f308| joined
\U0001fae0|\U0001f979| newer ones
\u0e2a\u0e27\u0e31\u0e2a\u0e14\u0e35| \u0928\u092e\u0938\u094d\u0924\u0947| scripts that combine
\u1100\u1161\u11a8| jamo'''.split("\n")
for line in (*lines, "x" * 79 + "\U0001f680", "\U0001f680" * 40 + "end"):
    out.write(line + "\n")
out.flush()
"""
_PROGRESS = r"""
import sys, time
for n in range(0, 101, 4):
    sys.stdout.write(f"\r\x1b[36mbuild\x1b[0m [{'#' * (n // 4):<25}] {n:3d}%")
    sys.stdout.flush()
    time.sleep(0.01)
print()
rows = ["fetch", "unpack", "compile", "link"]
print("\n" * 3, end="")
for n in range(0, 101, 5):
    sys.stdout.write("\x1b[4A" if n else "\x1b[3A")
    for i, name in enumerate(rows):
        done = min(100, n * (i + 1) // 2)
        sys.stdout.write(f"\r\x1b[K\x1b[{31 + i}m{name:8}\x1b[0m {'█' * (done // 5)}{'░' * (20 - done // 5)} {done}%\n")
    sys.stdout.flush()
    time.sleep(0.01)
"""
_COLOURS = r"""
import sys
w = sys.stdout.write
for n in range(256):
    w(f"\x1b[48;5;{n}m{n:4}\x1b[0m" + ("\n" if n % 16 == 15 else ""))
for n in range(0, 256, 4):
    w(f"\x1b[48;2;{n};{255 - n};128m \x1b[0m")
w("\n")
for n in (1, 2, 3, 4, 5, 7, 8, 9, 21, 53):
    w(f"\x1b[{n}mstyle {n}\x1b[0m ")
w("\n\x1b[4:3mcurly\x1b[0m \x1b[4:2;58;5;196mdouble\x1b[0m\x1b]8;;https://example.org\x1b\\link\x1b]8;;\x1b\\\n")
sys.stdout.flush()
"""
_AGENT = r"""
import sys, time
w = sys.stdout.write
w("\x1b[?1049h\x1b[?25l\x1b[2J")
log = []
for n in range(14):
    log.append(f"\x1b[3{n % 7 + 1}m● step {n}\x1b[0m reading src/file_{n}.py … 漢 ✓")
    w("\x1b[?2026h\x1b[H")
    for i, line in enumerate(log[-18:]):
        w(f"\x1b[{i + 1};1H{line}\x1b[K")
    w("\x1b[20;1H╭" + "─" * 76 + "╮\x1b[21;1H│ \x1b[1m>\x1b[0m ")
    w(f"thinking{'.' * (n % 4):<4}" + "\x1b[21;78H│\x1b[22;1H╰" + "─" * 76 + "╯")
    w("\x1b[24;1H\x1b[7m esc to interrupt \x1b[0m\x1b[K\x1b[?2026l")
    sys.stdout.flush()
    time.sleep(0.005)
time.sleep(9)
"""


#: It shows processes of its own only.
_HTOP = ["sh", "-c", "sleep 100 & one=$!; sleep 200 & exec htop -d 5 -p $one,$!,$$"]


def _python(code: str) -> list[str]:
    return [sys.executable, "-I", "-c", code]


_FILE = "/usr/share/common-licenses/GPL-3"

PLAYS = {
    "vim": Play(
        ["vim", "-n", "-u", "NONE", "-N", "--cmd", "set nomore ruler number hlsearch", _FILE],
        [
            b"10j",
            b"/license\r",
            b"nnn",
            b"ocould this be\x1b",
            b":syntax on\r",
            b":split\r",
            b"\x17w",
            b"G",
            b"dd",
            b":vsplit\r",
            b"\x04",
        ],
    ),
    "vim-resized": Play(
        ["vim", "-n", "-u", "NONE", "-N", "--cmd", "set number", _FILE],
        [b"50G", (30, 100), b"\x06", (18, 60), b"\x02", (24, 80), b"\x07"],
    ),
    "less": Play(["less", "-R", _FILE], [b" ", b" ", b"/you\r", b"n", b"G", b"g", b"-N\r", b"j" * 5, b"h"]),
    "less-resized": Play(["less", _FILE], [b" ", (40, 110), b" ", (12, 50), b"b", (24, 80)]),
    "htop": Play(_HTOP, [b"", b"\x1b[B" * 3, b"t", b"", b"\x1bOQ", b"\x1b", b""]),
    "htop-resized": Play(_HTOP, [(30, 100), b"", (20, 70), b""]),
    "mc": Play(["mc", "-d"], [b"\x1b[B" * 4, b"\t", b"\x1b[B\r", b"\x1b9", b"\r", b"\x1b\x1b", b"\x1b3", b"\x1b0"]),
    "python": Play(
        [sys.executable, "-I", "-q"],
        [
            b"1 + 1\n",
            b"for i in range(5):\n",
            b"    print(i, '*' * i)\n\n",
            b"help\n",
            b"1/0\n",
            b"'gr\xc3\xbc\xc3\x9fe \xe6\xbc\xa2'\n",
            b"x = 12",
            b"\x1b[D\x1b[Dy",
            b"\x01z\x05\n",
        ],
    ),
    "bash": Play(
        ["bash", "--norc", "-i"],
        [
            b"ls --color=always\n",
            b"seq 60 | column -c 78\n",
            b"echo a very long line " + b"x" * 100,
            b"\x01\x1bf\x0b",
            b"\x03",
            (30, 60),
            b"ls\n",
            b"clear\n",
            b"echo again\n",
        ],
    ),
    "progress": Play(_python(_PROGRESS), []),
    "unicode": Play(_python(_UNICODE), []),
    "emoji": Play(_python(_EMOJI), []),
    "unicode-resized": Play(
        ["bash", "--norc", "-c", f"exec {sys.executable} -I -i -q"],
        [
            b"print('\\u6f22\\u5b57' * 30, '\\U0001f680' * 20)\n",
            (24, 61),
            b"print('gr\xc3\xbc\xc3\x9fe')\n",
            (24, 80),
            b"1\n",
            (12, 45),
            b"2\n",
        ],
    ),
    "colours": Play(_python(_COLOURS), [], rows=24, cols=80),
    "agent": Play(_python(_AGENT), []),
    "man": Play(["man", "-P", "less -R", "bash"], [b" ", b"/history\r", b"n", b"q"]),
}

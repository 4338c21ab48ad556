#!/usr/bin/env python3
"""Looks at report pages in a headless Chromium.

    check_report.py [--shots FOLDER] PAGE.html…
    check_report.py --self-test PAGE.html…      whether it notices pages that were broken

Each page is laid out for screens from 360 to 1600 pixels, light and dark, and for print. A page
fails if something sticks out sideways, a drawing is empty, text in a drawing overlaps other text or
runs into the plot or is too small, text has too little contrast, a picture of the page is blank,
the page asks for anything but itself, or the browser complains. Where there is no browser, it says
so and succeeds. The pages of the tests lie in the build folder, under `tmp/report`.

It needs Python 3.9 and nothing else.
"""

import argparse
import pathlib
import struct
import sys
import zlib

import chromium

WIDTHS = (360, 480, 768, 959, 1024, 1280, 1600)
# Colours do not depend on the width: dark is looked at in these.
DARK = (360, 1280)
# Layout for the width of an A4 page between its margins, at 96 dots per inch.
PRINT_WIDTH = 688
SCRIPT = (pathlib.Path(__file__).parent / "check_page.js").read_text(encoding="utf-8")


def pixels(png):
    """Rows of the red, green and blue bytes of a PNG as browsers write them: 8 bits, no interlace."""
    assert png[:8] == b"\x89PNG\r\n\x1a\n"
    place, data, header = 8, b"", None
    while place < len(png):
        (size,), kind = struct.unpack(">I", png[place:place + 4]), png[place + 4:place + 8]
        body = png[place + 8:place + 8 + size]
        if kind == b"IHDR":
            header = struct.unpack(">IIBBBBB", body)
        elif kind == b"IDAT":
            data += body
        place += 12 + size
    width, height, depth, colour, _, _, interlace = header
    channels = {2: 3, 6: 4}[colour]
    assert (depth, interlace) == (8, 0)
    raw, stride, rows = zlib.decompress(data), width * channels, []
    above = bytearray(stride)
    for row in range(height):
        start = row * (stride + 1)
        line = bytearray(raw[start + 1:start + 1 + stride])
        unfilter(raw[start], line, above, channels)
        above = line
        rows.append([tuple(line[x:x + 3]) for x in range(0, stride, channels)])
    return rows


def unfilter(kind, line, above, step):
    """Undoes the filter of a row of a PNG in place."""
    for x in range(len(line)):
        left = line[x - step] if x >= step else 0
        up, corner = above[x], above[x - step] if x >= step else 0
        if kind == 1:
            line[x] = (line[x] + left) & 255
        elif kind == 2:
            line[x] = (line[x] + up) & 255
        elif kind == 3:
            line[x] = (line[x] + (left + up) // 2) & 255
        elif kind == 4:
            line[x] = (line[x] + paeth(left, up, corner)) & 255


def paeth(left, up, corner):
    guess = left + up - corner
    return min((abs(guess - left), 0, left), (abs(guess - up), 1, up),
               (abs(guess - corner), 2, corner))[2]


def blankness(png):
    """Share of the commonest colour: 1 for a blank picture."""
    counts = {}
    for row in pixels(png):
        for pixel in row:
            counts[pixel] = counts.get(pixel, 0) + 1
    return max(counts.values()) / sum(counts.values())


def blank_drawings(browser):
    """Titles of drawings of which a picture shows one colour alone."""
    boxes = browser.evaluate("""[...document.querySelectorAll("svg:not([aria-hidden])")]
        .map((svg) => [svg.querySelector("title").textContent, svg.getBoundingClientRect()])
        .filter(([, box]) => box.width > 0 && box.right <= innerWidth)
        .map(([title, box]) => [title, box.x + scrollX, box.y + scrollY, box.width, box.height])""")
    shots = ((title, browser.screenshot((x, y, w, h), min(1, 160 / w))) for title, x, y, w, h in boxes)
    return [title for title, shot in shots if blankness(shot) > 0.995]


def complaints(browser, page):
    """What the browser logged, and what the page asked for beside itself."""
    own = page.resolve().as_uri()
    for event in browser.events:
        parameters = event.get("params", {})
        if event["method"] == "Network.requestWillBeSent":
            url = parameters["request"]["url"]
            if url != own and not url.startswith("data:"):
                yield f"asks for {url}"
        elif event["method"] == "Log.entryAdded":
            yield f"the browser says: {parameters['entry']['text']}"
        elif event["method"] == "Runtime.exceptionThrown":
            yield f"an exception: {parameters['exceptionDetails'].get('text')}"


def check(browser, page, shots):
    """Faults of a page in all layouts."""
    faults, drawings = [], 0
    layouts = [(width, "light", "screen") for width in WIDTHS]
    layouts += [(width, "dark", "screen") for width in DARK]
    layouts.append((PRINT_WIDTH, "light", "print"))
    for width, scheme, media in layouts:
        browser.open(page, width, scheme, media)
        where = f"{page.name}, {width} px, {scheme}, {media}"
        # What is folded away must fit too.
        for state in ("", "open"):
            if state:
                browser.evaluate("document.querySelectorAll('details').forEach((it) => it.open = true)")
            found = browser.evaluate(SCRIPT)
            drawings = max(drawings, found["drawings"])
            faults += [f"{where}: {fault}" for fault in found["faults"]]
        if width in DARK or media == "print":
            faults += [f"{where}: a picture of {title!r} is blank" for title in blank_drawings(browser)]
            whole = browser.screenshot(scale=0.1)
            if blankness(whole) > 0.995:
                faults.append(f"{where}: a picture of the page is blank")
            if shots:
                name = f"{page.stem}-{media if media == 'print' else width}-{scheme}.png"
                (shots / name).write_bytes(browser.screenshot())
        faults += [f"{where}: {it}" for it in complaints(browser, page)]
    if shots:
        (shots / f"{page.stem}.pdf").write_bytes(browser.pdf())
    return list(dict.fromkeys(faults)), drawings


# Ways to break a page, and what is to be said of it.
BREAKAGES = (
    ("document.body.append(Object.assign(document.createElement('pre'), {style: 'width: 3000px'}))",
     "wide in a window"),
    ("SVG.replaceChildren(...SVG.querySelectorAll('title, desc'))", "is empty"),
    ("SVG.querySelectorAll('line, path, polyline, circle, rect').forEach((it) => it.remove())",
     "has no marks"),
    ("SVG.querySelectorAll('*').forEach((it) => { it.style.opacity = 0; })", "is blank"),
    ("TICK.setAttribute('x', 250)", "runs into the plot"),
    ("TICK.setAttribute('x', -90)", "leaves the drawing"),
    ("TICK.after(TICK.cloneNode(true))", "overlap"),
    ("TICK.style.fontSize = '4px'", "high"),
    ("document.querySelector('.note').style.color = '#ddd'", "contrast"),
    ("document.body.append(Object.assign(new Image(), {src: 'file:///nothing.png'}))",
     "the browser says"),
    ("document.querySelector('h1').remove()", "not one h1"),
)
CONSTANTS = """const SVG = [...document.querySelectorAll("svg.small")][0];
    const TICK = SVG.querySelector(".tick");"""


def self_test(browser, page):
    """Breakages that went unnoticed."""
    for breakage, expected in BREAKAGES:
        browser.open(page, 1280)
        browser.evaluate(f"(() => {{ {CONSTANTS} {breakage}; }})()")
        found = browser.evaluate(SCRIPT)["faults"]
        found += [f"{title} is blank" for title in blank_drawings(browser)]
        found += complaints(browser, page)
        if not any(expected in fault for fault in found):
            yield f"unnoticed: {breakage}, only {found}"


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("pages", nargs="+", type=pathlib.Path, metavar="PAGE.html")
    parser.add_argument("--shots", type=pathlib.Path, help="folder for pictures of the pages")
    parser.add_argument("--self-test", action="store_true", help="break the pages first")
    arguments = parser.parse_args()
    binary = chromium.find()
    if binary is None:
        print("skipped: no Chromium on the search path; the variable CHROMIUM may name one")
        return 0
    if arguments.shots:
        arguments.shots.mkdir(parents=True, exist_ok=True)
    failed = False
    with chromium.Browser(binary) as browser:
        for page in arguments.pages:
            if arguments.self_test:
                faults, looked = list(self_test(browser, page)), f"{len(BREAKAGES)} breakages"
            else:
                faults, drawings = check(browser, page, arguments.shots)
                looked = f"{drawings} drawings"
            failed |= bool(faults)
            print(f"{'FAILED' if faults else 'ok'}  {page.name}: {looked}, {len(faults)} faults")
            for fault in faults[:40]:
                print(f"    {fault}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())

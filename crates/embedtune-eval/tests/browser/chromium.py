"""A page in a headless Chromium, driven over its debugging pipe with nothing but Python."""

import base64
import contextlib
import json
import os
import pathlib
import shutil
import subprocess
import tempfile
import time

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")


def find():
    """Path of a Chromium: that of the variable CHROMIUM, else the first on the search path."""
    named = os.environ.get("CHROMIUM")
    return named or next(filter(None, map(shutil.which, NAMES)), None)


class Browser:
    """One page of one browser. Use it in a `with` statement: it ends the process."""

    def __init__(self, binary):
        self.profile = tempfile.mkdtemp(prefix="chromium-")
        # The browser reads commands from descriptor 3 and writes answers and events to 4.
        commands, self.commands = os.pipe()
        self.answers, answers = os.pipe()
        flags = ["--headless=new", "--remote-debugging-pipe", "--no-sandbox", "--disable-gpu",
                 "--no-first-run", "--hide-scrollbars", "--force-color-profile=srgb",
                 "--disable-dev-shm-usage", f"--user-data-dir={self.profile}"]
        shell = f'exec "$0" "$@" 3<&{commands} 4>&{answers}'
        self.process = subprocess.Popen(
            ["bash", "-c", shell, binary, *flags, "about:blank"],
            pass_fds=(commands, answers), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        os.close(commands)
        os.close(answers)
        self.buffer, self.number, self.session, self.events = b"", 0, None, []
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        attached = self.call("Target.attachToTarget", targetId=target, flatten=True)
        self.session = attached["sessionId"]
        for domain in ("Page", "Network", "Log", "Runtime"):
            self.call(f"{domain}.enable")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        with contextlib.suppress(OSError):
            os.close(self.commands)
            os.close(self.answers)
        self.process.terminate()
        self.process.wait()
        shutil.rmtree(self.profile, ignore_errors=True)

    def call(self, method, **parameters):
        """Result of a command of the DevTools protocol."""
        self.number += 1
        message = {"id": self.number, "method": method, "params": parameters}
        if self.session:
            message["sessionId"] = self.session
        os.write(self.commands, json.dumps(message).encode() + b"\0")
        while True:
            answer = self._read()
            if answer.get("id") == self.number:
                if "error" in answer:
                    raise RuntimeError(f"{method}: {answer['error']}")
                return answer["result"]
            self.events.append(answer)

    def open(self, path, width, scheme="light", media="screen"):
        """Shows a file, laid out for a window of `width` pixels. `events` are those since then."""
        self.events = []
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=900,
                  deviceScaleFactor=1, mobile=False)
        features = [{"name": "prefers-color-scheme", "value": scheme}]
        self.call("Emulation.setEmulatedMedia", media=media, features=features)
        self.call("Page.navigate", url=pathlib.Path(path).resolve().as_uri())
        self.wait("Page.loadEventFired")

    def wait(self, event, seconds=30):
        end = time.monotonic() + seconds
        while not any(it.get("method") == event for it in self.events):
            if time.monotonic() > end:
                raise TimeoutError(event)
            self.events.append(self._read())

    def evaluate(self, expression):
        """Value of a JavaScript expression in the page."""
        outcome = self.call("Runtime.evaluate", expression=expression, returnByValue=True)
        if "exceptionDetails" in outcome:
            raise RuntimeError(json.dumps(outcome["exceptionDetails"])[:2000])
        return outcome["result"].get("value")

    def screenshot(self, clip=None, scale=1.0):
        """The whole page, or the rectangle `(x, y, width, height)` of it, as PNG."""
        if clip is None:
            size = self.call("Page.getLayoutMetrics")["cssContentSize"]
            clip = (0, 0, size["width"], size["height"])
        box = dict(zip(("x", "y", "width", "height"), clip), scale=scale)
        shot = self.call("Page.captureScreenshot", captureBeyondViewport=True, clip=box)
        return base64.b64decode(shot["data"])

    def pdf(self):
        """The page as it is printed on A4."""
        printed = self.call("Page.printToPDF", paperWidth=8.27, paperHeight=11.69,
                            printBackground=False)
        return base64.b64decode(printed["data"])

    def _read(self):
        while b"\0" not in self.buffer:
            data = os.read(self.answers, 1 << 16)
            if not data:
                raise RuntimeError("the browser ended")
            self.buffer += data
        message, self.buffer = self.buffer.split(b"\0", 1)
        return json.loads(message)

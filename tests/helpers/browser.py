"""Chromium without a window, driven over a pipe by the DevTools protocol."""

import contextlib
import json
import os
import shutil
import signal
import subprocess
import time
from itertools import count

from helpers.servers import stopped

_OPTIONS = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
    *("--remote-debugging-pipe", "--window-size=1600,1000"),
)


class Page:
    """One page of a browser."""

    def __init__(self, browser):
        self._browser, self._ids, self._session = browser, count(1), None
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        attached = self.call("Target.attachToTarget", targetId=target, flatten=True)
        self._session = attached["sessionId"]

    def call(self, method, **params):
        """The answer to one command; events that come before it are let go."""
        number = next(self._ids)
        message = {"id": number, "method": method, "params": params}
        message |= {"sessionId": self._session} if self._session else {}
        self._browser.stdin.write(json.dumps(message).encode() + b"\0")
        self._browser.stdin.flush()
        while True:
            answer = json.loads(self._receive())
            if answer.get("id") == number:
                assert "error" not in answer, answer
                return answer["result"]

    def _receive(self):
        """One message: they end with a zero byte."""
        found = bytearray()
        while (byte := self._browser.stdout.read(1)) not in (b"\0", b""):
            found += byte
        assert byte, "the browser ended"
        return found

    def evaluate(self, expression):
        """The value of a JavaScript expression, which must be one that JSON knows."""
        result = self.call("Runtime.evaluate", expression=expression, returnByValue=True)
        return result["result"].get("value")

    def time_until(self, address, expression, seconds=300.0):
        """Seconds from the call for an address until an expression is true in the page."""
        self.call("Page.navigate", url="about:blank")
        began = time.perf_counter()
        self.call("Page.navigate", url=address)
        while not self.evaluate(expression):
            if time.perf_counter() - began > seconds:
                text = self.evaluate("document.body.innerText.slice(0, 500)")
                raise TimeoutError(f"{address}: not within {seconds:g} s; the page says:\n{text}")
            time.sleep(0.02)
        return time.perf_counter() - began


def _program():
    return shutil.which("chromium") or shutil.which("google-chrome")


def browser_version():
    """What the browser says that it is."""
    said = subprocess.run([_program(), "--version"], capture_output=True, text=True)
    return said.stdout.strip()


@contextlib.contextmanager
def browser_page(folder):
    """Yield a page of a browser whose profile, new or not, is in a folder."""
    command = [_program(), *_OPTIONS, f"--user-data-dir={folder}"]
    # the protocol speaks on descriptors 3 and 4
    process = subprocess.Popen(
        ["sh", "-c", 'exec "$@" 3<&0 4>&1 >/dev/null', "sh", *command],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
        env={**os.environ, "HOME": str(folder)},
    )
    with stopped(process, signal.SIGTERM, group=True):
        yield Page(process)

"""Adds up what cargo's and pytest's suites reported, ending in the one line `N passed, N failed`.

A suite that exits badly without reporting a failed test (it did not build, it was killed) counts as one failure,
and so does a run in which no test ran at all: silence is not success.
"""

from __future__ import annotations

import argparse
import re
import sys
import xml.etree.ElementTree as ElementTree
from dataclasses import dataclass
from pathlib import Path

RESULT = re.compile(r"^test result: \w+\. (\d+) passed; (\d+) failed; (\d+) ignored", re.MULTILINE)
COLOUR = re.compile(r"\x1b\[[0-9;]*m")


@dataclass
class Count:
    passed: int = 0
    failed: int = 0
    skipped: int = 0


def of_cargo(log: Path) -> Count:
    """Sums the result line that each test binary prints."""
    count = Count()
    text = COLOUR.sub("", log.read_text(errors="replace")) if log.exists() else ""
    for passed, failed, ignored in RESULT.findall(text):
        count.passed += int(passed)
        count.failed += int(failed)
        count.skipped += int(ignored)
    return count


def of_pytest(report: Path) -> Count:
    """Sums the suites of a JUnit report. A test that failed and then also broke its teardown is one failure."""
    count = Count()
    try:
        cases = list(ElementTree.parse(report).iter("testcase"))
    except (OSError, ElementTree.ParseError):
        return count
    failed: set[tuple[str | None, str | None]] = set()
    passed: set[tuple[str | None, str | None]] = set()
    for case in cases:
        name = (case.get("classname"), case.get("name"))
        if case.find("failure") is not None or case.find("error") is not None:
            failed.add(name)
        elif case.find("skipped") is not None:
            count.skipped += 1
        else:
            passed.add(name)
    count.failed = len(failed)
    count.passed = len(passed - failed)
    return count


def judged(name: str, count: Count, status: int) -> Count:
    """Turns a bad end without a failed test, and a run without tests, into a failure that is named."""
    if status != 0 and count.failed == 0:
        print(f"{name} ended with status {status} without reporting a failed test: counted as one failure")
        count.failed = 1
    elif count.passed + count.failed == 0:
        print(f"{name} ran no test at all: counted as one failure")
        count.failed = 1
    return count


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cargo", nargs=2, metavar=("LOG", "STATUS"), required=True)
    parser.add_argument("--pytest", nargs=2, metavar=("REPORT", "STATUS"), required=True)
    arguments = parser.parse_args()
    suites = {
        "cargo test": judged("cargo test", of_cargo(Path(arguments.cargo[0])), int(arguments.cargo[1])),
        "pytest": judged("pytest", of_pytest(Path(arguments.pytest[0])), int(arguments.pytest[1])),
    }
    for name, count in suites.items():
        print(f"{name}: {count.passed} passed, {count.failed} failed, {count.skipped} skipped")
    passed = sum(count.passed for count in suites.values())
    failed = sum(count.failed for count in suites.values())
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())

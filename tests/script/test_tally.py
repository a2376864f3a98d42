"""The closing line of `./build.sh test` tells the truth, above all when a suite did not get as far as reporting."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

TALLY = Path(__file__).resolve().parents[2] / "tools" / "build" / "tally.py"
GOOD = "test result: ok. 3 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.00s\n"
BAD = "\x1b[31mtest result: FAILED. 2 passed; 1 failed; 0 ignored; 0 measured; 0 filtered out\n"
CASES = {
    "pass": '<testcase classname="c" name="a"/>',
    "fail": '<testcase classname="c" name="b"><failure/></testcase>',
    "fail and break": '<testcase classname="c" name="b"><failure/></testcase><testcase classname="c" name="b"><error/></testcase>',
    "pass and break": '<testcase classname="c" name="d"/><testcase classname="c" name="d"><error/></testcase>',
    "skip": '<testcase classname="c" name="e"><skipped/></testcase>',
}


def tally(folder: Path, cargo: str | None, cargo_status: int, cases: list[str] | None, pytest_status: int) -> tuple[str, int]:
    log, report = folder / "cargo.log", folder / "pytest.xml"
    if cargo is not None:
        log.write_text(cargo)
    if cases is not None:
        report.write_text(f"<testsuites><testsuite>{''.join(CASES[case] for case in cases)}</testsuite></testsuites>")
    command = [sys.executable, str(TALLY), "--cargo", str(log), str(cargo_status), "--pytest", str(report), str(pytest_status)]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    return ended.stdout.splitlines()[-1], ended.returncode


@pytest.mark.parametrize(
    ("cargo", "cargo_status", "cases", "pytest_status", "closing", "status"),
    [
        (GOOD + GOOD, 0, ["pass", "skip"], 0, "7 passed, 0 failed", 0),
        (GOOD + BAD, 101, ["pass"], 0, "6 passed, 1 failed", 1),
        (GOOD, 0, ["pass", "fail"], 1, "4 passed, 1 failed", 1),
        (GOOD, 0, ["fail and break"], 1, "3 passed, 1 failed", 1),
        (GOOD, 0, ["pass", "pass and break"], 1, "4 passed, 1 failed", 1),
        ("error: could not compile\n", 101, ["pass"], 0, "1 passed, 1 failed", 1),
        (GOOD + "error: could not compile\n", 101, ["pass"], 0, "4 passed, 1 failed", 1),
        (GOOD, 0, None, 1, "3 passed, 1 failed", 1),
        (GOOD, 0, [], 0, "3 passed, 1 failed", 1),
        (None, 0, ["pass"], 0, "1 passed, 1 failed", 1),
    ],
)
def test_the_closing_line(
    tmp_path: Path, cargo: str | None, cargo_status: int, cases: list[str] | None, pytest_status: int, closing: str, status: int
) -> None:
    assert tally(tmp_path, cargo, cargo_status, cases, pytest_status) == (closing, status)

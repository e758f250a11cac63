"""Writes the tables of docs/benchmarks.md from the records in benchmarks/results.

    python benchmarks/write_docs.py [--check]

A table stands between the lines `<!-- begin NAME -->` and `<!-- end NAME -->`; all else is prose and stays. A benchmark
keeps its record with `--save`. `--check` writes nothing, and leaves with an error if the docs would change.
"""

from __future__ import annotations

import argparse
import re
import sys
from pathlib import Path

from records import RESULTS, Record, read_records
from tables import section

DOCS = Path(__file__).resolve().parent.parent / "docs" / "benchmarks.md"
_PLACE = re.compile(r"<!-- begin (\S+) -->\n(.*?)<!-- end (\S+) -->", re.DOTALL)


def written(text: str, records: dict[str, list[Record]], docs: Path = DOCS) -> str:
    """The docs with all their tables. Leaves with a line for a table or a record that has no counterpart."""
    places = {found[1]: found[3] for found in _PLACE.finditer(text)}
    if not len(places) == text.count("<!-- begin ") == text.count("<!-- end "):
        sys.exit(
            f"{docs}: has `begin` and `end` that do not belong together, or one twice; give each table one of each"
        )
    for first, last in places.items():
        if first != last:
            sys.exit(
                f"{docs}: after `begin {first}` comes `end {last}`; give each table a line `<!-- end {first} -->`"
            )
        if first not in records:
            sys.exit(
                f"{docs}: has a place for {first}, and {RESULTS} has no {first}-CPU.json;"
                " run that benchmark with --save, or remove the lines `begin` and `end`"
            )
    for name in records:
        if name not in places:
            sys.exit(
                f"{docs}: has no place for the record {name};"
                f" add the lines `<!-- begin {name} -->` and `<!-- end {name} -->`"
            )
    return _PLACE.sub(lambda found: _block(found[1], records[found[1]]), text)


def _block(name: str, records: list[Record]) -> str:
    return f"<!-- begin {name} -->\n\n" + "\n\n".join(map(section, records)) + f"\n\n<!-- end {name} -->"


def main() -> None:
    """Write them, or check that nothing would change."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--check", action="store_true")
    given = parser.parse_args()
    before = DOCS.read_text(encoding="utf-8")
    after = written(before, read_records())
    if given.check and after != before:
        sys.exit(f"{DOCS}: differs from the records; run python benchmarks/write_docs.py")
    if not given.check:
        DOCS.write_text(after, encoding="utf-8")


if __name__ == "__main__":
    main()

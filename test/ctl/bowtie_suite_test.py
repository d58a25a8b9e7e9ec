"""The official test suite, asked as Bowtie asks it: every required test of every dialect that the
harness names, as implicit dialect, with the suite's remote schemas as registry. Skipped (77) where
there is no checkout of the suite."""
import json
import pathlib
import re
import sys

from harness import Harness

SKIPPED = 77


def folder(dialect):
    """draft2020-12 of https://json-schema.org/draft/2020-12/schema, draft7 of draft-07."""
    return "draft" + re.search(r"draft[/-]0?([0-9-]+)/", dialect)[1]


def remotes(suite):
    root = suite / "remotes"
    return {f"http://localhost:1234/{file.relative_to(root)}": json.loads(file.read_text())
            for file in root.rglob("*.json")}


def run(harness, dialect, suite, registry):
    """One dialect's required tests; whether all passed."""
    draft = folder(dialect)
    acknowledged = harness.ask({"cmd": "dialect", "dialect": dialect})
    passed = total = 0
    for file in sorted((suite / "tests" / draft).glob("*.json")):
        for case in json.loads(file.read_text()):
            answer = harness.run(case["schema"], [test["data"] for test in case["tests"]],
                                 registry=registry)
            results = answer.get("results", [answer] * len(case["tests"]))
            for test, result in zip(case["tests"], results, strict=True):
                total += 1
                passed += result.get("valid") is test["valid"]
                if result.get("valid") is not test["valid"]:
                    print(f"{draft}: {file.name}: {case['description']}: {test['description']}: "
                          f"expected {test['valid']}, got {result}")
    print(f"{draft}: {passed} of {total} passed")
    return acknowledged == {"ok": True} and passed == total > 0


def main():
    suite = pathlib.Path(sys.argv[2] if len(sys.argv) > 2 else "")
    if not (suite / "tests").is_dir():
        print(f"no test suite at {str(suite)!r}: skipped")
        return SKIPPED
    registry = remotes(suite)
    harness = Harness()
    dialects = harness.start()["implementation"]["dialects"]
    good = [run(harness, dialect, suite, registry) for dialect in dialects]
    return 0 if harness.stop() == 0 and good and all(good) else 1


if __name__ == "__main__":
    sys.exit(main())

"""The output of nexusctl under the official suite. Its output tests: what is written must satisfy
the schema that the suite gives for it. Its validation tests: whatever schema and instance, every
document is one by the specification's own schema of outputs, agrees with the expected verdict, and
points at values that exist. nexusctl itself judges the outputs. Skipped (77) without the suite."""
import json
import pathlib
import subprocess
import sys
import tempfile
import urllib.parse

DRAFTS = ("2020-12", "2019-09")
FORMS = ("flag", "basic", "detailed")
SKIPPED = 77


class Folder:
    """nexusctl with its files in a folder of its own."""

    def __init__(self, path, suite, draft):
        self.path, self.suite, self.draft = pathlib.Path(path), suite, draft
        self.output_schema = f"https://json-schema.org/draft/{draft}/output/schema"
        self.written = {form: [] for form in FORMS}

    def validate(self, schema, text, *arguments):
        file = self.path / "schema.json"
        file.write_text(json.dumps(schema))
        done = subprocess.run(
            [sys.argv[1], "validate", "--schema", file, "--jsonl",
             "--map", f"{self.output_schema}={self.suite}/output-tests/draft{self.draft}"
                      "/output-schema.json",
             "--map", f"http://localhost:1234/={self.suite}/remotes/", *arguments, "-"],
            input=text, capture_output=True, text=True, timeout=60)
        if done.returncode not in (0, 1):
            raise AssertionError(f"{schema}: {done.stderr}")
        return done.stdout

    def outputs(self, form, schema, instances):
        """The documents for some instances, parsed."""
        lines = "".join(json.dumps(instance) + "\n" for instance in instances)
        out = self.validate(schema, lines, "--output", form).splitlines()
        self.written[form] += out
        return [json.loads(line) for line in out]

    def malformed(self, form):
        """Which of all documents so far are none by the specification's schema of outputs?"""
        return self.validate({"$ref": f"{self.output_schema}#/$defs/{form}"},
                             "\n".join(self.written[form]), "--assert-format")


def value_at(document, pointer):
    """What a JSON Pointer leads to; of a name that propertyNames refused, the member."""
    for token in pointer.split("/")[1:]:
        token = token.replace("~1", "/").replace("~0", "~")
        document = document[int(token) if isinstance(document, list) else token]
    return document


def units(document):
    yield document
    for unit in document.get("errors", []) + document.get("annotations", []):
        yield from units(unit)


def misplaced(unit, schema, instance, file):
    """Does the unit point at a value, or at a place in this schema file, that is not there?"""
    uri, _, fragment = unit.get("absoluteKeywordLocation", "").partition("#")
    try:
        value_at(instance, unit["instanceLocation"])
        if uri == file:
            value_at(schema, urllib.parse.unquote(fragment))
    except (LookupError, ValueError, TypeError) as error:
        return f"{unit}: {error!r}"
    return None


def complaints(folder, form, schema, tests):
    """What is wrong with the outputs for a group of validation tests."""
    instances = [test["data"] for test in tests]
    documents = folder.outputs(form, schema, instances)
    for test, document in zip(tests, documents, strict=True):
        if document["valid"] is not test["valid"]:
            yield f"{test['description']}: expected {test['valid']}, got {document}"
        if not test["valid"] and not any("error" in u for u in units(document)):
            yield f"{test['description']}: no error in {document}"
        file = (folder.path / "schema.json").resolve().as_uri()
        for unit in units(document):
            place = misplaced(unit, schema, test["data"], file)
            if place is not None:
                yield f"{test['description']}: {place}"


def output_complaints(folder, schema, test):
    """What is wrong with the outputs for one output test of the suite."""
    for form in FORMS:
        text = json.dumps(folder.outputs(form, schema, [test["data"]])[0])
        wrong = folder.validate(test["output"].get(form, True), text, "--assert-format")
        if wrong:
            yield f"{form}: {text}\n{wrong}"


def run(name, files, groups):
    """`groups` gives for each group of a file how many tests it has, and what is wrong."""
    passed = total = 0
    for file in files:
        for group in json.loads(file.read_text()):
            for count, wrong in groups(group):
                total += count
                passed += 0 if wrong else count
                for complaint in wrong:
                    print(f"{file.name}: {group['description']}: {complaint}")
    print(f"{name}: {passed} of {total} passed")
    return passed == total > 0


def run_draft(folder, validation_tests):
    """Everything for one draft; whether all was right."""
    name = f"draft{folder.draft}"
    good = run(f"output-tests/{name}",
               sorted((folder.suite / "output-tests" / name / "content").glob("*.json")),
               lambda group: ((1, list(output_complaints(folder, group["schema"], test)))
                              for test in group["tests"]))
    for form in ("basic", "detailed") if validation_tests else ():
        good = run(f"{form} of tests/{name}",
                   sorted((folder.suite / "tests" / name).glob("*.json")),
                   lambda group, form=form: (
                       (len(group["tests"]),
                        list(complaints(folder, form, group["schema"], group["tests"]))),)
                   ) and good
    for form in FORMS:
        wrong = folder.malformed(form)
        print(wrong or f"{len(folder.written[form])} of {form} are well-formed")
        good = good and not wrong
    return good


def main():
    suite = pathlib.Path(sys.argv[2] if len(sys.argv) > 2 else "")
    if not (suite / "output-tests").is_dir():
        print(f"no output tests in {str(suite)!r}: skipped")
        return SKIPPED
    good = True
    for draft in DRAFTS:
        with tempfile.TemporaryDirectory() as path:
            good = run_draft(Folder(path, suite, draft), draft == DRAFTS[0]) and good
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())

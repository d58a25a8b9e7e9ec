"""A Bowtie of one's own: starts `nexusctl bowtie` and speaks the protocol with it."""
import json
import subprocess
import sys


class Harness:
    """One running harness. Requests go out as dicts, or as lines just as they are written."""

    def __init__(self, *arguments):
        self.process = subprocess.Popen([sys.argv[1], "bowtie", *arguments],
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def ask(self, request):
        """One line out, the answer to it back, parsed."""
        return json.loads(self.ask_raw(request))

    def ask_raw(self, request):
        line = request if isinstance(request, bytes) else json.dumps(request).encode()
        self.process.stdin.write(line + b"\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline()
        if not answer:
            raise AssertionError(f"no answer to {line[:200]!r}")
        return answer

    def start(self):
        return self.ask({"cmd": "start", "version": 1})

    def run(self, schema, instances, seq=1, registry=None):
        """The answer to one case; `instances` become its tests."""
        case = {"description": "a case", "schema": schema,
                "tests": [{"description": str(i), "instance": x} for i, x in enumerate(instances)]}
        if registry is not None:
            case["registry"] = registry
        return self.ask({"cmd": "run", "seq": seq, "case": case})

    def stop(self):
        """Tells it to stop; its exit status."""
        self.process.stdin.write(b'{"cmd": "stop"}\n')
        return self.end()

    def end(self):
        """Ends the input; its exit status."""
        self.process.stdin.close()
        status = self.process.wait(timeout=30)
        self.process.stdout.close()
        return status


def valid(answer):
    """The verdicts of an answer, in the order of the tests."""
    return [result.get("valid") for result in answer["results"]]

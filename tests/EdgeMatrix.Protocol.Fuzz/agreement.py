#!/usr/bin/python3
"""Compares canonical JSON and signatures with Debian's python3-canonicaljson and python3-signedjson, both ways.

    agreement.py COUNT SEED COMMAND [ARGUMENT]...

COMMAND runs EdgeMatrix.Protocol.Fuzz. Prints each difference, then a summary; the exit code is 1 if there was one.

What must be refused is said here, from the specification: Python itself reads more than JSON, and writes more than canonical JSON.
Accepted differences, each counted in the summary:
- nested: we read 64 levels of arrays and objects; Python reads on until its stack ends.
- duplicate: a key that stands twice is refused in every room version; Python takes the last, also where numbers are lenient.
- null unsigned: `"unsigned": null` is left out of a signed object by signedjson, and kept by us. It is signed by neither.
"""

import base64
import json
import subprocess
import sys

import nacl.signing
from canonicaljson import encode_canonical_json
from signedjson.key import decode_verify_key_bytes
from signedjson.sign import sign_json, verify_signed_json

MAX_INTEGER = 2**53 - 1
MAX_DEPTH = 64


class Reading:
    """What Python makes of a document, and what is against it."""

    def __init__(self, document):
        self.strict_refusal = None
        self.duplicate = False
        self.value = None
        self.refusal = None
        try:
            self.value = json.loads(
                document.decode("utf-8"),
                object_pairs_hook=self._object,
                parse_float=self._float,
                parse_int=self._int,
                parse_constant=self._constant,
            )
            # An encoder writes half a surrogate pair as it came; there is no UTF-8 of it.
            self.lenient = encode_canonical_json(self.value)
        except (ValueError, RecursionError) as refusal:
            self.refusal = refusal
            self.lenient = None
        self.nested = self.refusal is None and depth_of(self.value) > MAX_DEPTH

    @property
    def strict(self):
        return None if self.strict_refusal or self.duplicate else self.lenient

    def _object(self, pairs):
        value = dict(pairs)
        self.duplicate = self.duplicate or len(value) != len(pairs)
        return value

    def _float(self, text):
        self.strict_refusal = f"{text} is no integer"
        return float(text)

    def _int(self, text):
        value = int(text)
        if text == "-0" or abs(value) > MAX_INTEGER:
            self.strict_refusal = f"{text} is negative zero or out of range"
        return value

    def _constant(self, text):
        raise ValueError(f"{text} is no JSON")


def depth_of(value):
    deepest = 0
    stack = [(value, 0)]
    while stack:
        item, depth = stack.pop()
        if isinstance(item, (dict, list)):
            deepest = max(deepest, depth + 1)
            stack.extend((child, depth + 1) for child in (item.values() if isinstance(item, dict) else item))
    return deepest


def decode(text):
    return None if text == "-" else base64.b64decode(text)


class Comparison:
    def __init__(self, command):
        self.command = command
        self.counts = dict.fromkeys(
            ["documents", "canonical", "refused", "lenient", "signed", "python signed", "python spoilt", "nested", "duplicate", "null unsigned"], 0)
        self.differences = 0

    def differ(self, what, document, ours, theirs):
        self.differences += 1
        if self.differences <= 20:
            print(f"{what} of {document!r}: ours {ours!r}, theirs {theirs!r}")

    def run(self, count, seed):
        process = subprocess.Popen([*self.command, "cases", str(count), str(seed)], stdout=subprocess.PIPE, text=True)
        our_key = decode_verify_key_bytes("ed25519:fuzz", base64.b64decode(process.stdout.readline()))
        # All zeros is the seed of the corpus' key: what Python signs with it must be what we signed.
        same_key = nacl.signing.SigningKey(bytes(32))
        same_key.alg, same_key.version = "ed25519", "fuzz"
        python_key = nacl.signing.SigningKey(bytes([7]) * 32)
        python_key.alg, python_key.version = "ed25519", "py"
        to_verify = []
        for line in process.stdout:
            document, strict, lenient, signed = (decode(part) for part in line.rstrip("\n").split("\t"))
            self.document(document, strict, lenient, signed, our_key, same_key, python_key, to_verify)
        if process.wait() != 0:
            raise SystemExit("the cases were not written")
        self.verify(python_key, to_verify)

    def document(self, document, strict, lenient, signed, our_key, same_key, python_key, to_verify):
        self.counts["documents"] += 1
        reading = Reading(document)
        if reading.nested:
            self.counts["nested"] += 1
            if strict is not None or lenient is not None:
                self.differ("nesting", document, strict, None)
            return
        if strict != reading.strict:
            self.differ("canonical form", document, strict, reading.strict)
        expected_lenient = None if reading.duplicate else reading.lenient
        self.counts["duplicate"] += reading.duplicate and reading.lenient is not None
        if lenient != expected_lenient:
            self.differ("lenient form", document, lenient, expected_lenient)
        self.counts["lenient"] += lenient is not None and lenient != strict
        self.counts["refused" if strict is None else "canonical"] += 1
        if strict is not None and isinstance(reading.value, dict):
            self.signatures(document, reading.value, signed, our_key, same_key, python_key, to_verify)

    def signatures(self, document, value, signed, our_key, same_key, python_key, to_verify):
        self.counts["signed"] += 1
        ours = json.loads(signed)
        theirs = sign_json(dict(value), "domain", same_key)
        if value.get("unsigned", 0) is None:
            self.counts["null unsigned"] += 1
            del ours["unsigned"]
        if ours != theirs:
            self.differ("signed object", document, ours, theirs)
        if self.counts["signed"] % 4 != 0:
            return
        try:
            verify_signed_json(ours, "domain", our_key)
        except Exception as refusal:
            self.differ("our signature", document, signed, refusal)
        # Their object as any peer may send it: not in order, escaped or not.
        python_signed = sign_json(dict(value), "python", python_key)
        text = json.dumps(python_signed, ensure_ascii=self.counts["signed"] % 8 == 0)
        to_verify.append((text, True))
        python_signed["new"] = 1
        to_verify.append((json.dumps(python_signed), False))

    def verify(self, python_key, to_verify):
        lines = [base64.b64encode(bytes(python_key.verify_key))] + [base64.b64encode(text.encode()) for text, _ in to_verify]
        answer = subprocess.run([*self.command, "verify"], input=b"\n".join(lines) + b"\n", stdout=subprocess.PIPE, check=True)
        verdicts = answer.stdout.decode().split()
        if len(verdicts) != len(to_verify):
            raise SystemExit("not every signed object was answered")
        for (text, right), verdict in zip(to_verify, verdicts):
            self.counts["python signed" if right else "python spoilt"] += 1
            if (verdict == "1") != right:
                self.differ("their signature", text, verdict, right)


def main():
    comparison = Comparison(sys.argv[3:])
    comparison.run(int(sys.argv[1]), int(sys.argv[2]))
    print(", ".join(f"{count} {name}" for name, count in comparison.counts.items()) + f": {comparison.differences} differences")
    sys.exit(1 if comparison.differences else 0)


main()

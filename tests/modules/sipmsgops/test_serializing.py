"""A message as JSON."""
from __future__ import annotations

import json

from tests.modules.bench import Bench, options


def test_message_is_told_as_json():
    bench = Bench("sipmsgops", "sip_to_json($var(json)); $var(rc) = $rc;")
    text = options(headers="X-A: 1\r\nSubject: caf\u00e9\r\nX-A: 2\r\n", body='say "hi"')
    data = text.encode().replace(b"say", b"say\xff")
    data = data.replace(b"Content-Length: 8", b"Content-Length: 9")
    found = bench.run_on(bench.message(data)).variables
    told = json.loads(found["json"])
    assert found["rc"] == 1 and list(told) == ["first_line", "headers", "body"]
    assert told["first_line"] == "OPTIONS sip:bob@192.0.2.2 SIP/2.0" and told["body"] == 'say\ufffd "hi"'
    assert told["headers"]["X-A"] == ["1", "2"] and told["headers"]["Subject"] == ["caf\u00e9"]
    assert told["headers"]["CSeq"] == ["1 OPTIONS"]

from opensips_py.sip.splitting import at, csv_fields, fields, parameter_pairs, separated


def test_quotes_and_angles_hide_delimiters():
    assert fields('"a, b" <sip:x@y;p="1,2">, <sip:c,d@e> , f') == ['"a, b" <sip:x@y;p="1,2">', "<sip:c,d@e>", "f"]
    assert separated(r'"a\",b",c', ",") == [r'"a\",b"', "c"]


def test_parameters():
    assert parameter_pairs('a=1; b = "2;3" ;c;;d="') == [("a", "1"), ("b", "2;3"), ("c", ""), ("d", '"')]


def test_csv():
    assert csv_fields('a,"b ""c"", d", e') == ["a", 'b "c", d', " e"]
    assert csv_fields('a,"b, c"', quoted=True) == ["a", '"b, c"']
    assert csv_fields("") == [""]


def test_at():
    assert at([1, 2], -1) == 2 and at([1, 2], 2) is None and at([], 0) is None

"""The corpus tool on a folder with one configuration of each kind."""
import shutil

import pytest

from tests import corpus

HEAD = 'log_level=2\nsocket=udp:192.0.2.55:5060\nmpath="/usr/lib/opensips/modules/"\nloadmodule "proto_udp.so"\n'
FILES = {
    "answers.cfg": HEAD + 'chroot="/nowhere"\nloadmodule "sl.so"\nloadmodule "mi_fifo.so"\n'
                   'modparam("mi_fifo", "fifo_name", "/tmp/fifo_of_the_corpus")\ninclude_file "parts/main.cfg"\n',
    "parts/main.cfg": 'route { sl_send_reply(403, "Not Here"); }\n',
    "waits.cfg": HEAD + 'loadmodule "jabber.so"\nloadmodule "sms.so"\nroute { jab_send_message(); }\n',
    "wrong.cfg": HEAD + 'loadmodule "jabber.so"\nroute { $var(x) = ; }\n',
    "mute.cfg": HEAD + "route { exit; }\n",
    "silent.cfg": HEAD + 'loadmodule "sl.so"\nroute { if ($rm == "INVITE") sl_send_reply(200, "OK"); }\n',
    "old.cfg": 'port=5070\nloadmodule "sl.so"\nroute { if (method=="OPTIONS") sl_send_reply("200", "OK"); }\n',
    "made.m4": "loadmodule \"proto_udp.so\"\nifelse(CLOSED, `yes', `loadmodule \"sl.so\"', `loadmodule \"sms.so\"')\n"
               "route { ifelse(CLOSED, `yes', `sl_send_reply(480, \"Closed\");', `exit;') }\n",
    "made_def.m4": "divert(-1)\ndefine(`CLOSED', `no') # closed\ndivert\n",
}


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    """What the tool prints of FILES, by name, and how many it counts as wrong."""
    folder = tmp_path_factory.mktemp("corpus")
    for name, text in FILES.items():
        path = folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    patience, corpus.PATIENCE = corpus.PATIENCE, 4.0
    yield {each.name: (each.dialect, each.word, each.details) for each in map(corpus.tried, corpus.found(folder))}
    corpus.PATIENCE = patience


def test_each_kind_is_told_apart(table):
    templates = {name: table.pop(name) for name in list(table) if name.startswith("made")}
    details = table.pop("wrong.cfg")[2]
    assert "wrong.cfg:6:" in details and "error" in details
    assert table == {
        "answers.cfg": ("4.0", "answered", "403 Not Here"), "waits.cfg": ("4.0", "waits", "for jabber, sms"),
        "mute.cfg": ("4.0", "mute", "it runs, and has nothing to answer with"),
        "silent.cfg": ("4.0", "silent", "it runs, and does not answer"), "old.cfg": ("2.1", "answered", "200 OK")}
    if shutil.which("m4"):
        assert templates == {"made.m4 (as it stands)": ("4.0", "waits", "for sms"),
                             "made.m4 (all on)": ("4.0", "answered", "480 Closed")}


def test_the_program_counts_what_is_wrong(tmp_path, capsys):
    for name in ("waits.cfg", "wrong.cfg"):
        (tmp_path / name).write_text(FILES[name])
    assert corpus.main(str(tmp_path)) == 1
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split()[:3] == ["waits.cfg", "4.0", "waits"] and lines[-1] == "2 configurations, 1 wrong"

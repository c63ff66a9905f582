
import pytest

from opensips_py.server import options


def test_letters_set_what_they_say():
    chosen, version = options.parse(["-f", "a.cfg", "-F", "-E", "-dd", "-P", "pid", "-u", "nobody", "-g", "nogroup",
                                     "-w", "/tmp", "-l", "udp:127.0.0.1:5060", "-l", "tcp:127.0.0.1", "-n", "4",
                                     "-N", "2", "-b", "1000", "-o", "a=b=c", "-T", "-v", "-r", "-R", "-p", "m4"])
    assert not version
    assert (chosen.config, chosen.foreground, chosen.to_stderr, chosen.debug) == ("a.cfg", True, True, 2)
    assert (chosen.pid_file, chosen.user, chosen.group, chosen.directory) == ("pid", "nobody", "nogroup", "/tmp")
    assert chosen.overrides() == {
        "listen": ["udp:127.0.0.1:5060", "tcp:127.0.0.1"], "udp_workers": 4, "tcp_workers": 2, "maxbuffer": 1000,
        "check_via": 1, "disable_tcp": 1, "argv": {"a": "b=c"}, "dns": 1, "rev_dns": 1, "preprocessor": "m4"}


def test_nothing_given_overrides_nothing():
    chosen, _ = options.parse([])
    assert chosen.config == "/etc/opensips/opensips.cfg"
    assert chosen.overrides() == {}
    assert options.notes(chosen) == []


def test_letters_without_effect_are_accepted_and_said_once():
    chosen, _ = options.parse(["-m", "256", "-M", "8", "-m", "64", "-W", "epoll"])
    assert options.notes(chosen) == ["without effect: -m, -M (memory is taken from the system as needed); "
                                     "-W (the event loop chooses its poll method)"]


@pytest.mark.parametrize("arguments", [["-Z"], ["-n", "many"], ["-o", "novalue"], ["extra"]])
def test_mistakes_end_the_program(arguments, capsys):
    with pytest.raises(SystemExit) as ended:
        options.parse(arguments)
    assert ended.value.code == 2
    assert "usage:" in capsys.readouterr().err


@pytest.mark.parametrize("letter", "bCcDdEFfGghlMmNnoPRrSTtuVvWwAaikps")
def test_every_letter_of_upstream_is_known(letter):
    known = {name for action in options.parser()._actions for name in action.option_strings}
    assert f"-{letter}" in known

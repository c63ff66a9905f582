import pytest

from opensips_py.module.run import Route
from opensips_py.script import configuration
from tests.script.script import messages, read, reader, right, run_of

MAIN = "route { exit; }\n"


def test_core_parameters():
    found = right(f'log_level=4\nserver_header="x"\nsocket=udp:127.0.0.1:5060\nsocket=tcp:127.0.0.1:5061\n{MAIN}')
    assert (found.globals["log_level"], found.globals["server_header"]) == (4, "x")
    assert [str(each) for each in found.sockets] == ["udp:127.0.0.1:5060", "tcp:127.0.0.1:5061"]
    assert {"log_level", "server_header", "socket"} <= found.given
    assert found.globals["max_while_loops"] == 10000


def test_names_of_21_are_kept_as_those_of_40():
    found = right(f"debug=4\nchildren=3\nlisten=udp:127.0.0.1\n{MAIN}")
    assert (found.dialect, found.globals["log_level"], found.globals["udp_workers"]) == ("2.1", 4, 3)
    assert len(found.sockets) == 1


def test_children_may_be_none_in_21_as_other_parameters_ask_for_workers():
    assert right(f"children=0\nlisten=udp:127.0.0.1\n{MAIN}").globals["udp_workers"] == 0


def test_parameters_of_modules_that_are_missing_are_not_complained_of_again():
    text = f'loadmodule "osp.so"\nmodparam("osp|pua", "x", 1)\nmodparam("os.", "x", 1)\n{MAIN}'
    assert messages(read(text).diagnostics) == ["module osp is not available yet"]
    text = f'loadmodule "osp.so"\nloadmodule "maxfwd.so"\nmodparam("osp|maxfwd", "x", 1)\n{MAIN}'
    assert messages(read(text).diagnostics) == [
        "module osp is not available yet", "module maxfwd has no parameter x"]


def test_the_command_line_wins_and_adds_sockets():
    text = f"udp_workers=3\nsocket=udp:127.0.0.1:5060\nsocket=tcp:127.0.0.1:5060\n{MAIN}"
    found = right(text, udp_workers=9, listen=["tcp:10.0.0.1:5070", "10.0.0.2", "10.0.0.3:5080"], disable_tcp=1)
    assert found.globals["udp_workers"] == 9
    assert [str(each) for each in found.sockets] == ["udp:127.0.0.1:5060", "udp:10.0.0.3:5080", "udp:10.0.0.2"]
    assert messages(read(text, listen=["udpp:x:y"]).diagnostics) == ["-l udpp:x:y: 'udpp' is no protocol"]


def test_variables_of_the_command_line():
    found = right("route { $var(x) = $argv(a); }", argv={"a": "b"})
    assert run_of(found)[1].variables == {"x": "b"}


def test_parameters_without_effect_are_noted():
    found = right(f"tcp_threads=2\n{MAIN}").diagnostics
    assert [(each.severity, each.message) for each in found.found] == [
        ("note", "tcp_threads is accepted without effect: connections need no threads")]


def test_modparams_reach_their_modules():
    found = right(f'loadmodule "maxfwd.so"\nloadmodule "tm.so"\nmodparam("maxfwd", "max_limit", 20)\n{MAIN}')
    assert found.registry.modules["maxfwd"].max_limit == 20


def test_what_modules_complain_of_is_blamed_on_its_parameter():
    text = f'loadmodule "mi_fifo.so"\nmodparam("mi_fifo", "fifo_name", "/no/such/folder/fifo")\n{MAIN}'
    (found,) = read(text).diagnostics.errors
    assert (str(found.place), found.message) == (
        "test.cfg:2:34", "the folder /no/such/folder of the pipe does not exist")
    (at_load,) = read(f'dialect=2.1\nloadmodule "mi_fifo.so"\n{MAIN}').diagnostics.errors
    assert (str(at_load.place), at_load.message) == ("test.cfg:2:12", "the pipe has no name")


def test_modules_of_a_folder(tmp_path):
    (tmp_path / "hello.py").write_text("""
from opensips_py.module import Module, Route, script
class Hello(Module, name="hello"):
    "Says hello."
    @script(Route.ANY)
    def hello(self) -> bool:
        "Say it."
        return False
""")
    (tmp_path / "faulty.py").write_text("1 // 0\n")
    load = f'mpath="{tmp_path}/"\nloadmodule "hello.so"\nroute {{ if (hello()) exit; return(5); }}\n'
    assert run_of(right(load))[0] == 5
    (found,) = read(f'mpath="{tmp_path}/"\nloadmodule "faulty.so"\n{MAIN}').diagnostics.errors
    assert (found.place.line, found.message.partition(":")[0]) == (2, "module faulty.so cannot be loaded")


def test_timers_and_events():
    found = right(f"{MAIN}timer_route[a, 5] {{ exit; }}\ntimer_route[b, 60] {{ exit; }}\n"
                  "event_route[E_A, async] { exit; }\nevent_route[E_B] { exit; }")
    assert found.timers == [("a", 5), ("b", 60)] and found.event_modes == {"E_A": "async", "E_B": ""}
    assert found.route(Route.EVENT, "E_A") is not None and found.route(Route.EVENT, "E_C") is None


@pytest.mark.parametrize(("text", "value"), [("avp_aliases=\"a=b;c=d\"", {"b": [1]}), ("", {"a": [1]})])
def test_short_names_of_avps(text, value):
    found = right(f"dialect=2.1\n{text}\nroute {{ $avp(a) = 1; }}")
    assert run_of(found)[1].avps == value


def test_a_parameter_that_is_not_there_may_be_set_to_its_default():
    text = f'dialect=2.1\nloadmodule "usrloc.so"\nmodparam("usrloc", "accept_replicated_contacts", §)\n{MAIN}'
    found = right(text.replace("§", "0")).diagnostics
    assert messages(found) == [
        "accept_replicated_contacts of module usrloc is 0 anyhow: no other value is available yet"]
    (error,) = read(text.replace("§", "1")).diagnostics.errors
    assert error.message.startswith("accept_replicated_contacts of module usrloc waits for module")


OLD = """debug=3
log_stderror=no
children=4
auto_aliases=no
listen=udp:127.0.0.1:5060   # CUSTOMIZE ME
loadmodule "sl.so"
loadmodule "tm.so"
modparam("tm", "restart_fr_on_each_reply", 0)
loadmodule "maxfwd.so"
route{
    if (!mf_process_maxfwd_header("10")) { sl_send_reply("483","Too Many Hops"); exit; };
    if ( !(method=="REGISTER" )  )
        if (from_uri==myself)

        {

        } else {
            if (!uri==myself) { sl_send_reply("403","Relay forbidden"); exit; }
        }
    if (  0 ) setflag(TCP_PERSISTENT);
    setbflag("6"); setbflag(0, 6);
    xlog("L_ERR",
    "from $fu to $tu\\n");
    if (!t_relay("udp:10.0.0.1:5060", "0x01")) t_reply("500", "Internal Error");
}
"""


def test_how_scripts_of_21_are_written():
    found = right(OLD)
    assert found.dialect == "2.1"
    assert [each.severity for each in found.diagnostics.found] == []


ANCIENT = 'debug=3\n§\nloadmodule "sl.so"\nroute { sl_send_reply("404", "x"); }\n'


def test_scripts_of_1x_have_the_protocols_built_in():
    text = "listen=udp:127.0.0.1:5060\nlisten=tcp:127.0.0.1:5060\ndisable_tcp=§"
    both = configuration.read("test.cfg", {}, reader(ANCIENT.replace("§", text.replace("§", "no"))), (), "proto_udp")
    assert [each.protocol for each in both.sockets] == ["udp", "tcp"] and "proto_tcp" in both.registry.modules
    assert messages(both.diagnostics) == [
        "no protocol is loaded, and OpenSIPS 1.x needed none: those of the sockets are taken"]
    one = configuration.read("test.cfg", {}, reader(ANCIENT.replace("§", text.replace("§", "yes"))), (), "proto_udp")
    assert [each.protocol for each in one.sockets] == ["udp"]
    text = ANCIENT.replace("§", "listen=udp:127.0.0.1:5060")  # it may be one of 2.1 with a line forgotten
    plain = configuration.read("test.cfg", {}, reader(text), (), "proto_udp")
    assert "proto_udp" not in plain.registry.modules


def test_parameters_that_went_to_modules_name_them():
    (found,) = read(ANCIENT.replace("§", "tls_certificate=\"x.pem\"")).diagnostics.errors
    assert (found.message, found.fix) == (
        "there is no core parameter tls_certificate",
        "OpenSIPS 1.x has it; since 2.1 it is a modparam of module tls_mgm")


def test_a_parameter_that_2_1_has_alone_is_told_of_with_what_4_0_has():
    (found,) = read('socket=udp:127.0.0.1:5060\nudp_workers=2\ndisable_tcp=yes\nloadmodule "proto_udp.so"\n'
                    + MAIN).diagnostics.errors
    assert found.fix.startswith('OpenSIPS 4.0 has no loadmodule "proto_tcp.so": write that, or name the dialect')


@pytest.mark.parametrize("condition", ["uri == myself", '($rm == "INVITE") && ($rU == "x")', '!($rm == "INVITE")'])
def test_conditions_without_parentheses_are_of_2_1(condition):
    text = f"dialect=§\nroute {{ if {condition} exit; }}"
    right(text.replace("§", "2.1"))
    (error,) = read(text.replace("§", "4.0")).diagnostics.errors
    assert (error.message, error.fix) == ("a condition stands in parentheses", f"in parentheses: ({condition})")

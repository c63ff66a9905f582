"""Broken configurations: § stands before each place that must be blamed, and behind it the message begins."""
from __future__ import annotations

FILES = {"loop.cfg": 'include_file "again.cfg"\n', "again.cfg": 'include_file "loop.cfg"\n',
         "good.cfg": "route[extra] { exit; }\n"}
HEAD = 'loadmodule "sl.so"\nloadmodule "tm.so"\n'
MAIN = "route { exit; }\n"


def routed(statements: str) -> str:
    """Statements in the main route, behind the modules that they use."""
    return f"{HEAD}route {{\n{statements}\n}}\n"


BROKEN: dict[str, tuple[str, ...]] = {
    # name: text, then the beginning of each message in the order of the marks

    # Names
    "unknown module": (f'loadmodule §"no_such_thing.so"\n{MAIN}', "module no_such_thing is unknown"),
    "misspelt module": (f'loadmodule §"maxfwdd.so"\n{MAIN}', "module maxfwdd is unknown"),
    "unknown parameter": (f'{HEAD}modparam("tm", §"fr_timeot", 5)\n{MAIN}', "module tm has no parameter fr_timeot"),
    "unknown function": (routed("§t_rely();"), "function t_rely is unknown"),
    "function of a module that is not loaded": (
        routed('§record_route();\nif (loose_route()) exit;'), "record_route needs module rr"),
    "unknown variable": (routed("$var(x) = §$nothing;"), "$nothing is unknown"),
    "unknown variable in a text": (routed('xlog("a\\t\\"§$nothing\\n");'), "$nothing is unknown"),
    "unknown variable in an argument": (routed('sl_send_reply(404, "No §$nothing");'), "$nothing is unknown"),
    "variable of a module that is not loaded": (
        routed('xlog("§$rr_params");\nxlog("$rr_params");'), "rr_params needs module rr"),
    "unknown transformation": (routed("$var(x) = $(ru{§s.lenght});"), "{s.lenght} is no transformation"),
    "wrong transformation of a text": (routed('$var(x) = "abc"{§s.lenght};'), "{s.lenght} is no transformation"),
    "arguments of a transformation": (routed("$var(x) = $(ru{§s.len,3});"), "{s.len} takes no argument"),
    "unknown route": (routed("route(§relay);"), "there is no route[relay]"),
    "unknown failure route": (routed('t_on_failure(§"lost");'),
                              "t_on_failure, argument 'failure_route': there is no failure_route[lost]"),
    "unknown core parameter": (f"§log_levle=3\n{MAIN}", "there is no core parameter log_levle"),
    "flag out of range": (routed("setflag(" + "); setflag(".join(f"F{n}" for n in range(32)) + "); setflag(§F33);"),
                          "setflag, argument 'flag': no more than 32 flags"),
    "unknown kind of route": (f"§failur_route[x] {{ exit; }}\n{MAIN}", "'failur_route' is no kind of route"),
    "request_route": ("§request_route { exit; }", "'request_route' is no kind of route"),
    "unknown dialect": (f"dialect=§3.3\n{MAIN}", "there is no dialect 3.3"),

    # Numbers and kinds of arguments
    "too few arguments": (routed("§sl_send_reply(404);"), "sl_send_reply takes 2 arguments, not 1"),
    "too many arguments": (routed("§t_newtran(1);"), "t_newtran takes 0 arguments, not 1"),
    "argument left out": (routed('§sl_send_reply(, "x");'), "sl_send_reply cannot do without its argument 'code'"),
    "variable whose name is empty": (routed("$var(x) = §$hdr();"), "$hdr needs a name"),
    "arithmetic with an address": (routed("if ($si == §10.0.0.0/8/2) exit;"), "'/' does not go with an address"),
    "bracket of a socket": (f"socket=§udp:[::1:5060\n{MAIN}", "'[::1:5060' is no address"),
    "quoted number in 4.0": (
        "dialect=4.0\n" + routed('sl_send_reply(§"404", "x");'), "sl_send_reply, argument 'code': a number is"),
    "quoted variable in 4.0": (
        "dialect=4.0\n" + routed('sl_send_reply(§"$var(x)", "x");'), "sl_send_reply, argument 'code': a number"),
    "text for a number": (routed('sl_send_reply(§OK, "x");'), "sl_send_reply, argument 'code'"),
    "value for a variable": (routed('pv_printf(§"x", "y");'), "pv_printf, argument"),
    "variable that cannot be assigned": (routed('pv_printf(§$ci, "y");'), "pv_printf, argument"),
    "assignment to a constant": (routed("§$ci = 5;"), "$ci cannot be assigned"),
    "text for a modparam that is a number": (
        f'{HEAD}modparam("tm", "fr_timeout", §"5")\n{MAIN}', "parameter fr_timeout of tm: a number is needed"),
    "number for a modparam that is a text": (
        f'loadmodule "mi_fifo.so"\nmodparam("mi_fifo", "fifo_name", §5)\n{MAIN}', "parameter fifo_name of mi_fifo"),
    "text for a core parameter": (f"udp_workers=§many\n{MAIN}", "udp_workers is a number"),
    "core parameter out of range": (f"udp_workers=§0\n{MAIN}", "udp_workers is a number from 1 up, not 0"),
    "wrong expression": (routed('if ($rU =~ §"a[") exit;'), "wrong regular expression"),
    "wrong expression of a function": (routed('if (t_check_status(§"(4")) exit;'), "t_check_status, argument"),
    "name without quotes": (routed("if ($rm == §INVITE) exit;"), "'INVITE' is no value"),
    "condition as a value": (routed("$var(x) = ($rU == 5 §&& $rd == 5);"), "a condition is no value"),
    "name for a variable without one": (routed("xlog(\"§$ru(x)\");"), "$ru takes no name"),
    "variable without its name": (routed("$var(x) = §$hdr;"), "$hdr needs a name"),
    "index of a variable": (routed("$var(x) = §$(ru[1]);"), "$ru takes no index"),

    # Where things may stand
    "function in the wrong route": (
        f"{HEAD}{MAIN}onreply_route {{\n§t_newtran();\n}}\n", "t_newtran cannot be called in an onreply_route"),
    "modparam before loadmodule": (
        f'modparam(§"tm", "fr_timeout", 5)\n{HEAD}{MAIN}', "module tm is not loaded; loadmodule stands before"),
        "route twice": (f"{MAIN}route[a] {{ exit; }}\n§route[a] {{ exit; }}\n", "route[a] is there twice"),
    "main route twice": (f"{MAIN}§route[0] {{ exit; }}\n", "route[0] is there twice"),
    "route without a name": (f"{MAIN}§failure_route {{ exit; }}\n", "a failure_route needs a name"),
    "route with empty brackets": (f"{MAIN}route[§] {{ exit; }}\n", "route[] needs a name"),
    "named local route": (f"{MAIN}local_route[§x] {{ exit; }}\n", "a local_route has no name"),
    "timer route without seconds": (f"{MAIN}timer_route[§x] {{ exit; }}\n", "a timer_route needs the seconds"),
    "mode of a timer route": (f"{MAIN}timer_route[x, §often] {{ exit; }}\n", "a number expected"),
    "statement outside of routes": (f'{HEAD}§xlog("x");\n{MAIN}', "'xlog(...)' stands outside of a route"),
    "break outside of a loop": (routed("§break;"), "'break' stands outside of a switch or a loop"),
    "else without if": (routed("§else exit;"), "'else' without an if before it"),
    "case without switch": (routed("§case 1: exit;"), "'case' without a switch"),
    "both dialects": (f"§children=4\nudp_workers=4\n{MAIN}", "children= is of the 2.1 dialect"),
    "operand in 4.0": ("udp_workers=4\nroute { if (§method == \"INVITE\") exit; }\n",
                       "the operand method is of the 2.1 dialect, and udp_workers= of the 4.0 dialect"),

    # Spelling
    "text without end": (routed('xlog("abc);\nt_relay();\nxlog("def");'.replace('"abc', '§"abc')),
                         "text without closing quote"),
    "text without end at the end": (f"{HEAD}route {{ xlog(§\"abc); }}", "text without closing quote"),
    "raw text without end": (routed("xlog(§'abc);\nxlog('def');"), "text without closing quote"),
    "comment without end": (routed("exit;\n§/* here it goes on"), "comment without end"),
    "block without end": (f"{HEAD}route {{\nif ($rU) {{ exit;§\n", "the block of if is not closed"),
    "block without end before a route": (f"{HEAD}route {{\nif ($rU) {{ exit;\n}}§\nroute[x] {{ exit; }}\n",
                                         "the block of route is not closed"),
    "one brace too many": (f"route {{ exit; }} §}}\n{MAIN.replace('route', 'route[x]')}", "'}' without a block"),
    "semicolon missing": (routed("t_newtran()§\nt_relay();"), "missing ';' after this statement"),
    "semicolon missing before a brace": (routed("if ($rU) { exit§ }"), "missing ';' after this statement"),
    "semicolon missing in a line": (routed("t_newtran() §t_relay();"), "';' expected, found 't_relay'"),
    "comma missing": (routed('sl_send_reply(404 §"x");'), "',' or ')' expected"),
    "parenthesis missing": (routed('if ($rU == 5§ { exit; }'), "missing ')'"),
    "parenthesis of a call missing": (routed("setflag(1§;"), "missing ')'"),
    "argument of a call missing": (routed("t_newtran(§;"), "missing ')' in the call of t_newtran"),
    "parenthesis too many": (routed("if ($rU == 5)§) exit;"), "')' without a parenthesis to close"),
    "parenthesis of a variable missing": (routed("if ($(ru{s.len} §== 5) { exit; }"), "missing ) behind $(ru{s.len}"),
    "brace of a variable missing": (routed("$var(x) = $(ru{s.len§);"), "missing } behind"),
    "variable without a name at all": (routed("$var(x) = $§;"), "the name of a variable is missing"),
    "assignment in a condition": (routed("if ($rU §= 5) { exit; } else { exit; }"), "'=' assigns"),
    "comparison as a statement": (routed("$var(x) §== 5;"), "'==' compares"),
    "chained comparison": (routed("if (1 < $ml §< 5) exit;"), "comparisons cannot be chained"),
    "operand missing": (routed("if ($rU ==§) exit;"), "a value expected, found ')'"),
    "operator of another language": (routed("$var(x) = $rU §?? 5;"), "'?' is no operator"),
    "foreign quotes": (routed("xlog(§“text”);"), "unexpected character"),
    "elif": (routed("if ($rU) exit; §elif ($rd) { exit; }"), "'elif' is no statement"),
    "misspelt while": (routed("§whlie ($rU) { exit; }"), "'whlie' takes no block"),
    "variable without a dollar": (routed("§x = 5;"), "'x' is no statement"),
    "word as a statement": (routed("§retrun;"), "'retrun' is no statement"),
    "colon of a case missing": (routed("switch ($rc) { case 1§ exit; case 2: exit; }"), "missing ':' behind case"),
    "statement in a switch": (routed("switch ($rc) { §exit; case 2: exit; }"), "'case' or 'default' expected"),
    "octal number": (routed("$var(x) = §089;"), "089 is no octal number"),
    "wrong address": (routed("if ($si == §10.0.0.256) exit;"), "10.0.0.256 is no IP address"),
    "loadmodule without quotes": (f"loadmodule §tm.so\n{MAIN}", "loadmodule needs a name in quotes"),
    "modparam without quotes": (f'{HEAD}modparam(§tm, "fr_timeout", 5)\n{MAIN}', "the module of a modparam stands"),
    "parameter without a value": (f"udp_workers§\n{MAIN}".replace("udp_workers§", "§udp_workers"),
                                  "'=' expected behind 'udp_workers'"),
    "async of no call": (routed("async(§5, x);"), "async needs the call of a function"),
    "for without in": (routed("for ($var(x) §of $(avp(y)[*])) exit;"), "'in' expected"),

    # Sockets
    "unknown protocol": (f"socket=§udpp:127.0.0.1:5060\n{MAIN}", "'udpp' is no protocol"),
    "port out of range": (f"socket=§udp:127.0.0.1:70000\n{MAIN}", "'70000' is no port"),
    "port that is no number": (f"socket=§udp:127.0.0.1:sip\n{MAIN}", "'sip' is no port"),
    "socket without an address": (f"socket=§udp:\n{MAIN}", "an address expected"),
    "option of a socket": (f"socket=udp:127.0.0.1:5060 use_workers §many\n{MAIN}", "a number expected behind use_w"),

    # The preprocessor
    "missing include": (f'include_file §"absent.cfg"\n{MAIN}', "cannot find the file absent.cfg"),
    "include without quotes": (f'include_file §absent\n{MAIN}', "include_file needs a file name in quotes"),
    "#!ifdef without end": (f"{MAIN}§#!ifdef X\nroute[a] {{ exit; }}\n", "#!ifdef without #!endif"),
    "#!else without #!ifdef": (f"§#!else\n{MAIN}", "#!else without #!ifdef"),
    "#!endif without #!ifdef": (f"§#!endif\n{MAIN}", "#!endif without #!ifdef"),
    "defined twice": (f"#!define A 1\n§#!define A 2\n{MAIN}", "A is defined already"),
    "wrong substitution": (f"§#!subst /a(/b/\n{MAIN}", "wrong substitution"),
}

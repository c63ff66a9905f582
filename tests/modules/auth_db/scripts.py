"""Scripts that let in whom a table of users knows."""
from __future__ import annotations

from tests.modules.users import scripted


def guarded(url, kind="www", realm="example.com", table="subscriber", more='"auth"', settings=""):
    """A configuration that lets in whom the table knows."""
    return scripted("auth_db", url, f"""
        if (!{kind}_authorize("{realm}", "{table}")) {{
            $var(rc) = $rc;
            {kind}_challenge("{realm}", {more});
            exit;
        }}
        $var(rpid) = $avp(rpid); $var(mail) = $avp(mail);""", settings)


def set_to(**parameters):
    return "".join(f'modparam("auth_db", "{name}", {value if isinstance(value, int) else chr(34) + value + chr(34)})\n'
                   for name, value in parameters.items())


def old(text):
    """The same for 2.1."""
    return "dialect=2.1\n" + text.replace("send_reply(200,", 'send_reply("200",')

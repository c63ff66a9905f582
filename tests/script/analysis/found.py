"""What analysis finds in a script, as data."""
from opensips_py.script import analysis, configuration

HEAD = "".join(f'loadmodule "{each}.so"\n' for each in (
    "sl", "tm", "rr", "signaling", "sipmsgops", "usrloc", "registrar", "cfgutils"))


def configured(text):
    """The configuration of a script; routes alone get modules on their first line."""
    whole = text if "loadmodule" in text else HEAD.replace("\n", " ") + text
    found = configuration.read("x.cfg", read=lambda path: whole)
    assert not found.diagnostics.errors, found.diagnostics.render()
    analysis.add_warnings(found)
    return found


def warnings(text, *codes):
    """The warnings with these codes, or all."""
    return [each for each in configured(text).diagnostics.as_data()
            if each["severity"] == "warning" and (not codes or each["code"] in codes)]

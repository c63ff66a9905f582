"""Call the methods of a Python object from the script."""
from __future__ import annotations

import logging

from opensips_py.blocking import in_hub
from opensips_py.module import ConfigError, Module, Route, Run, deadline, param, process_state, script
from opensips_py.module.python_routes import ImportFault
from opensips_py.module.script_message import ScriptExit
from opensips_py.modules.python import api
from opensips_py.modules.python.faults import described
from opensips_py.modules.python.handler import Handler, Refused, imported
from opensips_py.modules.python.message import Message
from opensips_py.restraint import Restraint

ROUTES = Route.REQUEST | Route.FAILURE | Route.ONREPLY | Route.BRANCH
PATIENCE = 30.0  # seconds that a method may wait
FALSE = -1


class Life:
    """What this process knows of the handlers of all generations."""

    def __init__(self) -> None:
        self.begun = False  # whether one was started already


class Python(Module, name="python"):
    """Call the methods of an object that a Python file makes.

    The file has a function, mod_init(), that returns the object; child_init(rank) of the object is called in each
    worker, and where it gives a negative number the server does not start. The methods that scripts call are given the
    message, and a text if the script passes one. What they return is the code: 0 ends the script, and so does False,
    which is 0 in Python; None counts as -1.

    The message has Type, Method, Status, RURI, src_address, dst_address, copy(), rewrite_ruri(), set_dst_uri(),
    getHeader(), call_function(), get_pseudoVar() and set_pseudoVar(), and all that the typed message of @route
    functions has: message["$ru"], message.avp, message.headers, message.call(), message.route(). Where a method says
    what it returns, `def admit(self, message: ScriptMessage) -> bool`, the code is that of a @route function: False is
    -1, and None where the annotation is None is 1.
    `from OpenSIPS import LM_ERR` and its like write to the log.

    The file is Python 3; one in Python 2 is refused, with the line and what to write there. What it waits for by gevent
    (sockets, time.sleep(), threads, most drivers of databases) holds up nothing but the call at hand, up to 30 seconds;
    what computes holds up the worker. A reload reads the file again, and the modules beside it that it imports: its
    object is a new one, while calls that began with the old one go on with that."""

    script_name: str = param("/usr/local/etc/opensips/handler.py", "The file; its folder is searched for what it "
                             "imports.")
    mod_init_function: str = param("mod_init", "The function of the file that returns the object.")
    child_init_method: str = param("child_init", "The method of the object that is called in each worker, with its "
                                   "rank: 1, 2 and so on.")
    life: Life = process_state()

    def load(self) -> None:
        """Run the file and have it make its object: what is wrong with either keeps the configuration from use."""
        api.install()
        self.restraint = Restraint(self.log, level=logging.ERROR)
        try:
            path, text = self.registry.file(self.script_name)
        except (OSError, ValueError) as error:
            raise self.wrong(f"cannot read {self.script_name}: {getattr(error, 'strerror', None) or error}",
                             "script_name") from None
        try:
            module = imported(path, text)
        except ImportFault as fault:
            raise self.wrong(f"{path}:{fault.line}: {fault.message}", "script_name") from None
        try:
            # in the thread of the event loop: what the object opens is used there
            self.handler: Handler = in_hub(Handler.made, module, self.mod_init_function)
        except Refused as error:
            raise self.wrong(str(error), "mod_init_function") from None
        except Exception as error:
            raise self.wrong(f"{self.mod_init_function}() failed\n{described(error)}", "mod_init_function") from error

    def start(self) -> None:
        """Tell the object that it is in a worker now."""
        try:
            self.handler.begin(self.child_init_method, self.services.index + 1)
        except Exception as error:
            known = isinstance(error, Refused)
            reason = str(error) if known else f"{self.child_init_method}() failed\n{described(error)}"
            if not self.life.begun:
                raise self.wrong(reason, "child_init_method") from error
            self.log.error("%s", reason)  # too late to keep the new configuration from use
        self.life.begun = True

    def wrong(self, message: str, parameter: str) -> ConfigError:
        """The error that keeps a configuration from use."""
        return ConfigError(message, module=self.name, parameter=parameter)

    @script(ROUTES, waits=True)
    def python_exec(self, run: Run, method_name: str, extra_args: str | None = None) -> int:
        """Call the method *method_name* of the object with the message, and with *extra_args* if they are given; its
        result is the code. One that raises, is not there or waits longer than 30 seconds is logged and counts as -1."""
        message = Message(run)
        given = (message,) if extra_args is None else (message, extra_args)
        try:
            with deadline(PATIENCE):
                return self.handler.call(method_name, given)
        except ScriptExit:
            return 0
        except Refused as error:
            self.restraint.say("python_exec: %s", error)
        except (Exception, SystemExit) as error:
            self.restraint.say("python_exec: %s() failed\n%s", method_name, described(error))
        return FALSE

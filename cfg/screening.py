"""The decisions of screening.cfg. Nothing here but plain Python: what it opens or asks, it may wait for."""
import time

from OpenSIPS import LM_ERR, LM_NOTICE

MOST = 3  # calls of one caller within
SECONDS = 10.0
SHORT = {"0": "reception", "110": "emergency"}


class Screening:
    """One object in each worker."""

    def __init__(self):
        self.recent = {}  # when the calls of a caller began

    def child_init(self, rank):
        LM_NOTICE(f"screening in worker {rank}\n")
        return 0

    def screen(self, msg):
        """1 for a caller who may call now, -1 for one who calls all the time."""
        caller = msg.get_pseudoVar("$fu")
        now = time.monotonic()
        begun = [each for each in self.recent.get(caller, []) if each > now - SECONDS]
        if len(begun) >= MOST:
            host, port = msg.src_address
            LM_ERR(f"{caller} from {host}:{port} calls too often\n")
            return -1
        if len(self.recent) > 10000:
            self.recent.clear()
        self.recent[caller] = [*begun, now]
        return 1

    def direct(self, msg, gateway):
        """Send the call to the gateway, by the long form of its number."""
        if not self.aim(msg, gateway):
            return -1
        msg.call_function("append_hf", f"X-Original: {msg.getHeader('to')}\r\n")
        return 1

    def second_try(self, msg):
        """Where else a call goes; only once."""
        if msg.get_pseudoVar("$avp(tried)"):
            return -1
        msg.set_pseudoVar("$avp(tried)", "1")
        return 1 if self.aim(msg, "127.0.0.1:5071") else -1

    @staticmethod
    def aim(msg, gateway):
        """Whether there is a number, which then is to be had at the gateway."""
        user = msg.get_pseudoVar("$rU")
        if user:
            msg.rewrite_ruri(f"sip:{SHORT.get(user, user)}@{gateway}")
        return bool(user)


def mod_init():
    return Screening()

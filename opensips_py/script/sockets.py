"""Parsing of sockets, blacklists and scaling profiles: the core parameters with a syntax of their own."""
from __future__ import annotations

import re

from opensips_py.script import tree
from opensips_py.script.diagnostics import Place
from opensips_py.script.statements import StatementParser
from opensips_py.sip import is_ip

PROTOCOLS = frozenset(("udp", "tcp", "tls", "sctp", "ws", "wss", "hep", "hep_udp", "hep_tcp", "bin", "bins", "smpp",
                       "msrp", "msrps", "ipsec", "any", "bond"))
WORD, PORTS = re.compile(r"[a-zA-Z]\w*"), re.compile(r"\d+(-\d*)?")
SHORT = re.compile(r"\d+(?:\.\d+){1,2}\.?")  # numbers, and fewer than an address has
BARE_PORT = re.compile(r":.*:\d{4,5}$")  # behind an IPv6 address, of which it would be a part
QUAD = re.compile(r"\d+\.\d+\.\d+\.\d+")
FLAGS = ("anycast", "frag", "reuse_port", "accept_subdomain", "allow_proxy_protocol", "send_proxy_protocol",
         "proxy_protocol")
NUMBERS = {"use_workers": "workers", "use_children": "workers", "tos": "tos"}
WORDS = {"tag": "tag", "use_auto_scaling_profile": "auto_scaling_profile"}
SCALING = ("scale", "up", "down", "to", "on", "for", "cycles", "within")


class SocketParser(StatementParser):
    """The values of socket=, listen=, alias=, dst_blacklist= and auto_scaling_profile=."""

    def socket(self, name: str) -> tree.Socket:
        """protocol:host:port with its options, as the value of the parameter *name*; listen= needs the protocol where
        there is a port."""
        if self.token.kind == "end":
            self.fail("an address expected, found the end of the file")
        if self.token.kind == "string" and not self.token.broken and name in ("socket", "listen"):
            self.fail(f"{self.token.text} stands in quotes, and a socket does not",
                      fix=f"write {self.token.value} without the quotes")
        if self.token.kind == "operator" and self.token.text not in ("[", "*", ":"):
            self.fail(f"an address expected, found {self.shown()}")
        text, place = self.glued_text(";")
        socket = self.address_of(text, place)
        if BARE_PORT.search(socket.host) and f"[{socket.host}]" not in text and name in ("socket", "listen"):
            self.fail(f"'{text}' is no address", place,
                      fix="an IPv6 address stands in brackets, and a port behind them: udp:[::1]:5060")
        if not socket.protocol and (name == "socket" or (name == "listen" and (socket.port or text.isdigit()))):
            address, _, last = text.rpartition(":")
            meant = f"{last}:{address}" if last in PROTOCOLS else f"udp:{text}"
            head, slash, rest = text.partition("/")
            meant = f"{head}:{rest}" if slash and head.lower() in PROTOCOLS else meant
            self.fail(f"{text} names no protocol", place, fix=f"write {meant} instead of {text}")
        if socket.protocol == "bond":
            socket.members = self.bond_members()
        while self.socket_option(socket):
            pass
        return socket

    def address_of(self, text: str, place: Place) -> tree.Socket:
        """*text* taken apart; the protocol and the port may be missing."""
        socket = tree.Socket(place)
        head, colon, rest = text.partition(":")
        if colon and head.lower() in PROTOCOLS:
            socket.protocol, text = head.lower(), rest
        elif colon and WORD.fullmatch(head) and not PORTS.fullmatch(rest) and not is_ip(text):
            self.fail(f"'{head}' is no protocol", place, fix="one of udp, tcp, tls, ws, wss, sctp")
        host, port = self.host_and_port(text, place)
        if QUAD.fullmatch(host) and not is_ip(host):
            self.fail(f"{host} is no IP address", place, fix="each of its four numbers is 255 at most")
        if SHORT.fullmatch(host):
            self.fail(f"{host} is no IP address", place, fix="write four numbers with dots between them")
        socket.host = host
        first, dash, last = port.partition("-")
        if dash and not first:
            self.fail(f"'{port}' is no port", place, fix="a port is a number from 1 to 65535")
        socket.port = self.port_of(first, place)
        socket.last_port = self.port_of(last, place)
        return socket

    def host_and_port(self, text: str, place: Place) -> tuple[str, str]:
        """The two halves of host:port; an IPv6 address may stand in brackets."""
        if text.startswith("["):
            host, closed, port = text[1:].partition("]")
            if not closed or not is_ip(host):
                self.fail(f"'{text}' is no address", place, fix="write an IPv6 address in brackets: udp:[::1]:5060")
            return host, port.removeprefix(":")
        if text.count(":") > 1:
            return text, ""
        host, _, port = text.partition(":")
        if not host:
            self.fail("an address expected", place, fix="write udp:127.0.0.1:5060")
        return host, port

    def port_of(self, text: str, place: Place) -> int:
        if not text:
            return 0
        if not text.isdigit() or not 0 < int(text) < 65536:
            self.fail(f"'{text}' is no port", place, fix="a port is a number from 1 to 65535")
        return int(text)

    def socket_option(self, socket: tree.Socket) -> bool:
        """Read one option behind an address, if one follows."""
        word = self.token.text.lower().replace("-", "_") if self.token.kind == "word" else ""
        if self.ahead().text == "=":  # the next line sets the parameter of that name
            return False
        if word == "as":
            self.take()
            advertised = self.address_of(*self.glued_text(";"))
            socket.advertised_host, socket.advertised_port = advertised.host, advertised.port
        elif word in FLAGS:
            socket.options.add(word)
            self.take()
        elif word in NUMBERS:
            self.take()
            setattr(socket, NUMBERS[word], self.number_behind(word))
        elif word in WORDS:
            self.take()
            setattr(socket, WORDS[word], self.glued_text(";")[0])
        else:
            return False
        return True

    def number_behind(self, word: str) -> int:
        if self.token.kind != "number":
            digits = re.match(r"\d+", self.token.value)
            self.fail(f"a number expected behind {word}, found {self.shown()}",
                      fix=f"write {digits[0]} without the quotes" if digits else "")
        return self.number_of(self.take())

    def bond_members(self) -> list[str]:
        """{"udp:...", "tcp:..."}."""
        self.expect("{", "before the members of the bond")
        members = []
        while self.token.kind == "string":
            members.append(self.take().value)
            self.accept(",")
        self.expect("}", "behind the members of the bond")
        return members

    def scaling_profile(self) -> tree.ScalingProfile:
        """NAME scale up to 6 on 70% for 4 cycles within 5 scale down to 2 on 18% for 10 cycles."""
        place = self.token.place
        name = self.take().text
        words: list[str] = []
        while self.sees(*SCALING, "%") or self.token.kind == "number":
            words.append(self.take().text.lower())
        return tree.ScalingProfile(place, name, words)

    def blacklist(self) -> tree.Blacklist:
        """name /flag,flag : { rules }."""
        name = self.take()
        flags: list[str] = []
        if self.accept("/"):
            flags.append(self.take().text)
            while self.accept(","):
                flags.append(self.take().text)
        rules: list[tree.BlacklistRule] = []
        if self.accept(":"):
            rules = self.blacklist_rules()
        return tree.Blacklist(name.place, name.text, flags, rules)

    def blacklist_rules(self) -> list[tree.BlacklistRule]:
        if not self.accept("{"):
            return [self.blacklist_rule()]
        rules = [self.blacklist_rule()]
        while self.accept(","):
            rules.append(self.blacklist_rule())
        self.expect("}", "behind the rules of the blacklist")
        return rules

    def blacklist_rule(self) -> tree.BlacklistRule:
        """[!] network, or [!] (protocol, network, port, "pattern")."""
        place = self.token.place
        negated = self.accept("!")
        if not self.accept("("):
            return tree.BlacklistRule(place, negated, "any", self.network(), 0, "")
        protocol = "any"
        if self.token.kind == "word":
            protocol = self.take().text.lower()
            self.expect(",", "behind the protocol")
        network = self.network()
        port = self.number_behind("the network") if self.accept(",") else 0
        pattern = self.take().value if self.accept(",") else ""
        self.expect(")", "at the end of the rule")
        return tree.BlacklistRule(place, negated, protocol, network, port, pattern)

    def network(self) -> str:
        if self.token.kind not in ("ip", "net"):
            self.fail(f"an IP address or network expected, found {self.shown()}")
        return self.take().text

"""The records of transactions, and the one walk over the tables that all four kinds share."""
cimport cython

from libc.string cimport memcmp

from opensips_py.sip._grammar cimport text

from opensips_py.errors import IllegalTransition
from opensips_py.transaction import tables

DEF MACHINES = 4
DEF STATES = 10
DEF EVENTS = 24

cdef enum:
    KEEP = -2        # leave the timer as it is
    STOP = -1
    PROCEEDING = 2
    TERMINATED = 6
    TIMER_C = 12
    NON_INVITE_CLIENT = 1

cdef struct Cell:
    short state         # -1: no such row
    short actions
    short retransmit    # KEEP, STOP or the event of the timer to start
    short expire

cdef Cell CELLS[MACHINES][STATES][EVENTS]
cdef int LENGTH[EVENTS]           # index of a length in Timing._lengths
cdef int FIRST[MACHINES]
cdef tuple LENGTH_NAMES = ("t1", "fr", "fr_inv", "wait", "trying")


cdef int _read_tables() except -1:
    """Copy the tables into arrays, and refuse tables that the arrays cannot hold."""
    cdef int machine, state, event
    cdef Cell* cell
    for machine in range(MACHINES):
        FIRST[machine] = tables.FIRST_STATES[machine]
        for state in range(STATES):
            for event in range(EVENTS):
                CELLS[machine][state][event].state = -1
        for (old, happening), (new, actions) in tables.TABLES[machine].items():
            if not (0 <= old < STATES and 0 <= happening < EVENTS and 0 <= new < STATES):
                raise ValueError(f"the row {old!r}, {happening!r} does not fit")
            cell = &CELLS[machine][<int>old][<int>happening]
            cell.state = new
            cell.actions = 0
            cell.retransmit = cell.expire = KEEP
            if happening >= tables.Event.TIMER_A and new == TERMINATED:
                cell.expire = STOP
            for action in actions:
                if isinstance(action, tables.Do):
                    cell.actions |= <int>action
                    continue
                event = STOP if isinstance(action, tables.Stop) else tables.Event["TIMER_" + action.timer]
                if action.timer in tables.RETRANSMISSIONS:
                    cell.retransmit = event
                else:
                    cell.expire = event
    for letter, name in tables.LENGTHS.items():
        LENGTH[<int>tables.Event["TIMER_" + letter]] = LENGTH_NAMES.index(name)
    return 0

_read_tables()


cpdef str key_of(Message request, str method, bint whole_uri=True, bint whole_via=True):
    """How the transaction of *request* is found again; an ACK or a CANCEL is looked up with *method* INVITE.

    RFC 3261, 17.2.3: Via branch, sent-by and method. Clients older than that have no magic cookie: for them it is
    Request-URI, From tag, Call-ID, CSeq number and top Via (*whole_uri*, *whole_via*: whether these count).
    """
    cdef const char* branch = request.via.branch.start
    cdef Py_ssize_t size = request.via.branch.end - branch
    if branch != NULL and size > 7 and memcmp(branch, b"z9hG4bK", 7) == 0:
        return request.via_branch + text(request.via.host.start, request.via.host_end) + method
    cdef str uri = (<Request>request).original_uri if whole_uri else ""
    cdef str via = text(request.via.host.start, request.via.end) if whole_via else ""
    return f"{request.call_id}\n{request.cseq} {method}\n{request.from_tag}\n{uri}\n{via}"


cpdef bint answers_source(Message request):
    """Whether responses go to the port that the request came from: RFC 3581, or because the script says so."""
    return request.force_rport or request.via.rport >= 0


cpdef int sent_by_port(Message request):
    """The port in the top Via, 0 where it has none."""
    return request.via.port


cpdef bint names_maddr(Message request):
    """Whether the top Via asks for responses to go elsewhere (RFC 3261, 18.2.2)."""
    return request.via.parameters.start != NULL and "maddr=" in text(request.via.parameters.start,
                                                                     request.via.parameters.end)


@cython.final
cdef class Timing:
    """The timer lengths of a layer in seconds, its wheel, and whom timers call."""


    def __init__(self, Wheel wheel, on_retransmit, on_expire):
        self.wheel = wheel
        self.on_retransmit = on_retransmit
        self.on_expire = on_expire
        self.t1, self.t2, self.fr, self.fr_inv, self.wait, self.trying = 0.5, 4.0, 30.0, 120.0, 5.0, 0.2
        self.restart_on_provisional = True


cdef class Half:
    """One of the state machines with its two timers: one that retransmits, one that ends waiting."""


    cdef void _begin(self, Timing timing, int machine):
        self._timing = timing
        self.machine = machine
        self.state = FIRST[machine]

    cdef Transaction _whole(self):
        return None

    cpdef int step(self, int event) except -1:
        """Take one step; returns what is to be done, as bits of tables.Do."""
        cdef Cell* cell
        cdef Transaction whole
        if event < 0 or event >= EVENTS:
            raise IllegalTransition(f"{event} is no event")
        cell = &CELLS[self.machine][self.state][event]
        if cell.state < 0:
            raise IllegalTransition(f"{type(self).__name__} in {tables.State(self.state).name} "
                                    f"has no row for {tables.Event(event).name}")
        if cell.state == TERMINATED and self.state != TERMINATED:
            self.stop()
            whole = self._whole()
            if whole is not None:
                whole.alive -= 1
        self.state = cell.state
        if cell.retransmit != KEEP:
            self._start_retransmit(cell.retransmit)
        if cell.expire != KEEP:
            self._start_expire(cell.expire)
        return cell.actions

    cdef int _start_retransmit(self, int event) except -1:
        cdef Timing timing = self._timing
        if self._retransmit is not None:
            self._retransmit.stop()
            self._retransmit = None
        if event == STOP or self.reliable:
            return 0
        if self.machine == NON_INVITE_CLIENT and self.state == PROCEEDING:
            self._interval = timing.t2  # RFC 3261, 17.1.2.2
        elif self._interval == 0:
            self._interval = timing.t1
        else:
            self._interval = min(2 * self._interval, timing.t2)
        self._retransmit = timing.wheel.start(self._interval, timing.on_retransmit, self)
        return 0

    cdef int _start_expire(self, int event) except -1:
        cdef Timing timing = self._timing
        cdef double length
        cdef int which
        if self._expire is not None:
            if event == TIMER_C and self._expiring == TIMER_C and not timing.restart_on_provisional:
                return 0
            self._expire.stop()
            self._expire = None
        self._expiring = 0
        if event == STOP:
            return 0
        which = LENGTH[event]
        if which == 0:
            length = timing.t1
        elif which == 1:
            length = self.fr
        elif which == 2:
            length = self.fr_inv
        elif which == 3:
            length = timing.wait
        else:
            length = timing.trying
        self.ticket += 1
        self._expiring = event
        self._expire = timing.wheel.start(length, timing.on_expire, self)
        return 0

    cpdef int retransmit(self) except -1:
        """The retransmission timer fired; nothing, where it was stopped or started again before anybody looked."""
        if self._retransmit is None or self._retransmit.pending:
            return 0
        self._retransmit = None
        self.sends += 1
        return self.step(16 if self.machine == 2 else 14 if self.machine == 1 else 10)

    cpdef int expire(self) except -1:
        """The other timer fired; nothing, where it was stopped or started again before anybody looked."""
        if not self.due:
            return 0
        cdef int event = self._expiring
        self._expire = None
        self._expiring = 0
        return self.step(event)

    @property
    def due(self):
        """Whether the timer that ends waiting has fired, and that has not been looked at yet."""
        return self._expire is not None and not self._expire.pending

    cpdef void restart(self):
        """Start the timer that ends waiting again: its length has changed."""
        if self._expiring:
            self._expire.stop()
            self.ticket += 1
            self._expire = self._timing.wheel.start(
                self.fr_inv if LENGTH[self._expiring] == 2 else self.fr if LENGTH[self._expiring] == 1
                else self._timing.wait, self._timing.on_expire, self)

    @property
    def expiring(self):
        """The event of the running timer that ends waiting, None without one."""
        return self._expiring or None

    @property
    def interval(self):
        """Seconds between the last retransmission and the next, 0 before the first."""
        return self._interval

    cpdef void stop(self):
        """Stop both timers."""
        if self._retransmit is not None:
            self._retransmit.stop()
            self._retransmit = None
        if self._expire is not None:
            self._expire.stop()
            self._expire = None
        self._expiring = 0


@cython.final
cdef class Transaction(Half):
    """A request and all that belongs to it: the server transaction, and its client transactions as branches."""


    def __init__(self, Timing timing, request, str method, bint local=False):
        self._begin(timing, 2 if method == "INVITE" else 3)
        self.request = request
        self.method = method
        self.invite = method == "INVITE"
        self.local = local
        self.alive = 0 if local else 1
        self.branches = []
        self.avps = {}
        self.fr = timing.fr
        self.fr_inv = timing.fr_inv
        if local:
            self.state = TERMINATED

    cdef Transaction _whole(self):
        return self

    @property
    def timing(self):
        """The timer lengths of its layer."""
        return self._timing

    @property
    def pending(self):
        """Whether some branch of it may still bring a final response."""
        cdef Branch branch
        for branch in self.branches:
            if branch.awaiting:
                return True
        return False

    def observe(self, int happenings, observer):
        """Have *observer* called when one of *happenings* (bits of Happening) happens."""
        if self.observers is None:
            self.observers = []
        self.observers.append((happenings, observer))
        self.observed |= happenings

    def end(self):
        """Stop every timer and cut every link, so that nothing is left to the garbage collector."""
        cdef Branch branch
        self.stop()
        for branch in self.branches:
            branch.end()
        self.branches = []
        self.queue = self.contexts = self.report = self.winner = self.user = self.generation = None
        self.observers = None
        self.observed = 0
        self.on_failure = self.on_reply = self.on_branch = None
        self.edits = self.target = self.listener = None
        self.alive = 0
        self.state = TERMINATED


@cython.final
cdef class Branch(Half):
    """A client transaction: the request as it went to one target."""


    def __init__(self, Transaction transaction, int index, str method):
        self._begin(transaction._timing, 0 if method == "INVITE" else 1)
        self.transaction = transaction
        self.index = index
        self.method = method
        self.fr = transaction.fr
        self.fr_inv = transaction.fr_inv
        self.q = -1

    cdef Transaction _whole(self):
        return self.transaction

    cpdef Branch take(self, Request request):
        """Take over what the routing state of *request* says; returns itself."""
        self.uri = request.uri
        self.destination = request.destination
        self.path = request.path
        self.send_socket = request.send_socket
        self.flags = request.branch_flags
        self.q = request.q
        if self.attributes is None and request.context is not None:
            attributes = request.context.get("branch attributes")
            self.attributes = dict(attributes) if attributes else None
        return self

    cpdef void show(self, Request request):
        """Give *request* the routing state that this branch has, so that a route sees it."""
        if request.uri != self.uri:
            request.uri = self.uri
        request.destination = self.destination
        request.path = self.path
        request.send_socket = self.send_socket
        request.branch_flags = self.flags
        request.q = self.q

    @property
    def listener(self):
        """The socket that it leaves by."""
        return self.target.listener if self.target is not None else None

    cpdef void begin(self):
        """It has been sent: start its timers."""
        self.awaiting = True
        self.transaction.alive += 1
        if self.machine == 0:
            self._start_retransmit(10)
            self._start_expire(11)
        else:
            self._start_retransmit(14)
            self._start_expire(15)

    def end(self):
        """Stop its timers and cut its links."""
        self.stop()
        if self.cancel is not None:
            self.cancel.end()
            self.cancel = None
        self.transaction = None
        self.response = self.message = self.edits = self.run_edits = self.on_reply = None
        self.avps = self.attributes = None
        self.awaiting = False
        self.state = TERMINATED


@cython.final
cdef class Cancel(Half):
    """The client transaction of a CANCEL, which travels under the Via branch of what it cancels."""


    def __init__(self, Branch branch, bytes data, target):
        self._begin(branch._timing, 1)
        self.branch = branch
        self.data = data
        self.target = target
        self.fr = self.fr_inv = branch._timing.fr
        self.reliable = branch.reliable
        branch.transaction.alive += 1
        self._start_retransmit(14)
        self._start_expire(15)

    cdef Transaction _whole(self):
        return self.branch.transaction if self.branch is not None else None

    @property
    def transaction(self):
        """The transaction that it belongs to."""
        return self.branch.transaction if self.branch is not None else None

    def end(self):
        """Stop its timers and cut its links."""
        self.stop()
        self.branch = None

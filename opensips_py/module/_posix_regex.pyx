"""POSIX regular expressions by the C library: what scripts and textops use upstream."""

cdef extern from "<regex.h>" nogil:
    ctypedef struct regex_t:
        size_t re_nsub
    ctypedef int regoff_t
    ctypedef struct regmatch_t:
        regoff_t rm_so
        regoff_t rm_eo
    int regcomp(regex_t *preg, const char *pattern, int cflags)
    int regexec(const regex_t *preg, const char *text, size_t count, regmatch_t *matches, int eflags)
    size_t regerror(int code, const regex_t *preg, char *buffer, size_t size)
    void regfree(regex_t *preg)
    int REG_EXTENDED, REG_ICASE, REG_NEWLINE, REG_NOTBOL, REG_STARTEND

DEF GROUPS = 32

cdef class Expression:
    """One compiled expression; searches bytes."""

    cdef regex_t compiled
    cdef bint ready
    cdef readonly int groups

    def __cinit__(self, bytes pattern not None, bint ignore_case=False, bint newline=False, bint extended=True):
        cdef char message[256]
        cdef int flags = (REG_EXTENDED if extended else 0) | (REG_ICASE if ignore_case else 0)
        if newline:
            flags |= REG_NEWLINE
        if b"\x00" in pattern:
            raise ValueError("a regular expression cannot hold a zero byte")
        cdef int code = regcomp(&self.compiled, pattern, flags)
        if code != 0:
            regerror(code, &self.compiled, message, sizeof(message))
            raise ValueError((<bytes>message).decode("utf-8", "replace"))
        self.ready = True
        self.groups = <int>self.compiled.re_nsub

    def __dealloc__(self):
        if self.ready:
            regfree(&self.compiled)

    def matches(self, bytes text not None, Py_ssize_t start=0, Py_ssize_t end=-1):
        """Whether the expression occurs in *text*."""
        cdef regmatch_t found[1]
        if end < 0 or end > len(text):
            end = len(text)
        if start > end:
            return False
        found[0].rm_so = <regoff_t>start
        found[0].rm_eo = <regoff_t>end
        return regexec(&self.compiled, text, 1, found, REG_STARTEND | (REG_NOTBOL if start else 0)) == 0

    def search(self, bytes text not None, Py_ssize_t start=0, Py_ssize_t end=-1, bint at_line_start=False):
        """Spans of the first match and its groups as (start, end) pairs, (-1, -1) for an unused group; None without one."""
        cdef regmatch_t found[GROUPS]
        cdef int index
        if end < 0 or end > len(text):
            end = len(text)
        if start > end:
            return None
        found[0].rm_so = <regoff_t>start
        found[0].rm_eo = <regoff_t>end
        cdef int flags = REG_STARTEND
        if start and not at_line_start:
            flags |= REG_NOTBOL
        if regexec(&self.compiled, text, GROUPS, found, flags) != 0:
            return None
        return tuple([(found[index].rm_so, found[index].rm_eo) for index in range(min(self.groups + 1, GROUPS))])

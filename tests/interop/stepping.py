"""Runs a process from system call to system call (ptrace), so that a test can stop it at the very point it means,
however fast the process and however busy the machine."""

import ctypes
import os
import signal

SYSCALL, DETACH, SEIZE, INTERRUPT = 24, 17, 0x4206, 0x4207
TRACE_SYSTEM_CALLS = 1  # option: their stops are told apart by bit 7 of the signal
WAIT_ALL = 0x40000000

LIBC = ctypes.CDLL(None, use_errno=True)
LIBC.ptrace.restype = ctypes.c_long
LIBC.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]


class Stepper:
    """Holds a single-threaded child process. Inside of `with` it stands still but for run_until; behind it, it runs on,
    unless it was killed meanwhile."""

    def __init__(self, pid):
        self.pid = pid
        self.alive = True

    def __enter__(self):
        self._ptrace(SEIZE, TRACE_SYSTEM_CALLS)
        self._ptrace(INTERRUPT)
        self._wait()
        return self

    def __exit__(self, *_):
        if self.alive:
            try:
                self._ptrace(DETACH)
            except ProcessLookupError:
                pass  # killed, which is what it was held for

    def run_until(self, condition):
        """Steps until the condition holds behind a system call; False: the process ended before."""
        pending = 0
        while self.alive and not condition():
            self._ptrace(SYSCALL, pending)
            pending = self._wait()
        return self.alive

    def _ptrace(self, request, data=0):
        if LIBC.ptrace(request, self.pid, None, data) == -1:
            error = ctypes.get_errno()
            raise OSError(error, os.strerror(error))

    def _wait(self):
        """Until the next stop; the signal to hand on, 0 for a stop that is the tracer's."""
        _, status = os.waitpid(self.pid, WAIT_ALL)
        if not os.WIFSTOPPED(status):
            self.alive = False
            return 0
        number = os.WSTOPSIG(status)
        ours = number & 0x80 or status >> 16 or number == signal.SIGTRAP
        return 0 if ours else number

"""Errors of the operating system that may pass by themselves, apart from those that a person must do something about."""

import errno
import socket

_TRANSIENT = frozenset(
    {
        # room, on the disk and elsewhere
        *(errno.ENOSPC, errno.EDQUOT, errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.ENOBUFS),
        # somebody else is at it
        *(errno.EADDRINUSE, errno.EAGAIN, errno.EBUSY, errno.EINTR, errno.ETXTBSY),
        # a disk or a file server in trouble
        *(errno.EIO, errno.ESTALE),
        # the network, an address that is not up yet included
        *(errno.EADDRNOTAVAIL, errno.ENETDOWN, errno.ENETUNREACH, errno.EHOSTDOWN, errno.EHOSTUNREACH, errno.ETIMEDOUT),
        *(errno.ECONNREFUSED, errno.ECONNRESET, errno.ECONNABORTED, errno.EPIPE),
    }
)


def is_transient(error: OSError) -> bool:
    """Whether the same call may succeed later although nobody changes a setting or a right."""
    if isinstance(error, socket.gaierror):
        return error.errno == socket.EAI_AGAIN
    return isinstance(error, TimeoutError) or error.errno in _TRANSIENT

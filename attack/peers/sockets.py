"""Sockets of the peers: on the loopback device alone, also the one that is bound to all addresses."""

import socket


def bound(address: str, port: int) -> socket.socket:
    """REUSEPORT lets one socket listen on all addresses beside others on some; the kernel prefers the more exact one."""
    made = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    made.setblocking(False)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, b"lo")
    made.bind((address, port))
    return made

"""HOST:PORT as settings write it. Standard library only."""

import ipaddress


def host_port(text: str, *, default: int | None = None) -> tuple[str, int]:
    """(host, port) of "HOST:PORT"; the host without brackets, the port from 0 to 65535.

    An IPv6 address is in brackets (RFC 3986 section 3.2.2), or its last group could be the port. With a `default` port a HOST
    alone is enough, which may be an IPv6 address without brackets. Raises ValueError.
    """
    if default is not None and (":" not in text or text.endswith("]") or _is_ipv6(text)):
        host, port = text, str(default)
    else:
        host, _, port = text.rpartition(":")
        if ":" in host and not host.startswith("["):
            raise ValueError("an IPv6 address with a port has to be in brackets")
    if host.startswith("[") or host.endswith("]"):
        host = host[1:-1] if host.endswith("]") and _is_ipv6(host[1:-1]) else ""
    if not host or not port.isascii() or not port.isdigit() or len(port) > 5 or int(port) > 65535:
        raise ValueError("not HOST:PORT")
    return host, int(port)


def _is_ipv6(text: str) -> bool:
    try:
        ipaddress.IPv6Address(text)
    except ValueError:
        return False
    return True

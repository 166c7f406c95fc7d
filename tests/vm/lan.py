"""A machine's LAN: its agent on UDP port 623 is reached from outside through a port of this computer."""

import socket

ADDRESS = "10.0.2.15"  # of the machine, in QEMU's own network


def free_udp_port():
    """One that nobody listens on now."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def devices(port):
    """QEMU's options: a network card. Not restricted: that would drop the agent's answers, which are UDP."""
    return ["-netdev", f"user,id=lan,hostfwd=udp:127.0.0.1:{port}-{ADDRESS}:623",
            "-device", "virtio-net-pci,netdev=lan,romfile="]

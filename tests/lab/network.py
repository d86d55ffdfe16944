"""The private and the public network of a lab, and each host's two legs in them."""

from pathlib import Path

from tests.lab.machine import run

LEGS = ("priv", "pub")  # eth0 and eth1 inside a host


def exists(link: str) -> bool:
    """Whether the computer has a link of this name."""
    return Path("/sys/class/net", link).exists()


def mac(address: str) -> str:
    """A hardware address that goes with an address: like a real card, it survives a power cut.

    A new one at each start would leave the neighbours' ARP entries stale for half a minute.
    """
    return ":".join(f"{byte:02x}" for byte in (2, 0, *map(int, address.split("."))))


def add_bridge(name: str, gateway: str) -> None:
    """Make a network, with the computer itself at its gateway address."""
    if exists(name):
        return
    run("ip", "link", "add", name, "type", "bridge", "forward_delay", "0")
    run("ip", "addr", "add", f"{gateway}/24", "dev", name)
    run("ip", "link", "set", name, "up")


def add_namespace(host: str, lab: str, index: int, addresses: tuple[str, str]) -> None:
    """Give a host its network namespace with a leg in each network of its lab."""
    if Path("/run/netns", host).exists():
        return
    run("ip", "netns", "add", host)
    run("ip", "-n", host, "link", "set", "lo", "up")
    for number, (leg, address) in enumerate(zip(LEGS, addresses, strict=True)):
        outside, inside = f"{lab}{leg}{index}", f"eth{number}"
        if exists(outside):
            run("ip", "link", "del", outside)
        peer = ("peer", "name", inside, "address", mac(address), "netns", host)
        run("ip", "link", "add", outside, "type", "veth", *peer)
        run("ip", "link", "set", outside, "master", f"{lab}{leg}", "up")
        run("ip", "-n", host, "addr", "add", f"{address}/24", "dev", inside)
        run("ip", "-n", host, "link", "set", inside, "up")
    gateway = addresses[1].rpartition(".")[0] + ".1"
    run("ip", "-n", host, "route", "replace", "default", "via", gateway)


def remove_namespace(host: str, lab: str, index: int) -> None:
    """Take a host's legs and namespace away; fine when they are gone already."""
    for leg in LEGS:
        remove_link(f"{lab}{leg}{index}")
    if Path("/run/netns", host).exists():
        run("ip", "netns", "del", host)


def remove_link(name: str) -> None:
    """Take a link away; fine when it is gone already."""
    if exists(name):
        run("ip", "link", "del", name)


def set_private_leg(lab: str, index: int, joined: bool) -> None:
    """Cut a host off the private network, or join it again; SSH by the public leg goes on."""
    run("ip", "link", "set", f"{lab}priv{index}", "up" if joined else "down")

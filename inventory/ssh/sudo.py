"""How a login becomes root, and in words why it does not."""

from typing import Protocol

from inventory.ssh.terms import AuthenticationFailed, Completed, Target

# sudo in the language that the table below reads; env, for the login shell may be any.
SUDO = "env LC_ALL=C sudo"
NO_SUDO = 127
# What sudo says, and what is said of it.
REFUSALS = (
    (
        "must have a tty",
        "wants a terminal (Defaults requiretty): add `Defaults:{user} !requiretty` there",
    ),
    ("not in the sudoers", "does not know {user}: add it to a file in /etc/sudoers.d"),
    ("may not run sudo", "does not let {user} do anything: add it to a file in /etc/sudoers.d"),
    ("not allowed to", "does not let {user} run /bin/sh: allow ALL commands"),
    ("incorrect password", "refuses the password of {user}"),
    ("try again", "refuses the password of {user}"),
    ("no password was provided", "refuses the password of {user}"),
    ("account validation failure", "says that the account of {user} is locked or has expired"),
)


class Run(Protocol):
    """Runs one command on the host."""

    def __call__(self, command: str, *, stdin: bytes = b"") -> Completed:
        """Run it."""


def shell_command(target: Target, run: Run) -> tuple[str, str | None]:
    """Choose how the shell is started, and the password that it reads first."""
    if not target.sudo or target.username == "root":
        return "exec /bin/sh", None
    asked = run(f"{SUDO} -n true")
    if asked.exit_code == 0:
        return "exec sudo -n /bin/sh", None
    if asked.exit_code == NO_SUDO:
        raise AuthenticationFailed(
            f"There is no sudo on {target.name}: install it, or let root log in."
        )
    if "password is required" not in asked.text:
        raise refusal(target, asked.text)
    return "exec sudo -k -S -p '' /bin/sh", _proven(target, run)


def _proven(target: Target, run: Run) -> str:
    """Return the password that sudo takes.

    It is tried by itself first: a shell behind a wrong one would have its commands read as further
    passwords, for ten seconds. -k: with a cached login sudo would not read it and the shell would.
    """
    password = target.sudo_password or target.password
    if not password:
        raise AuthenticationFailed(
            f"sudo on {target.name} asks {target.username} for a password, "
            "but the credential has none."
        )
    tried = run(f"{SUDO} -k -S -p '' true", stdin=f"{password}\n".encode())
    if tried.exit_code != 0:
        raise refusal(target, tried.text)
    return password


def refusal(target: Target, said: str) -> AuthenticationFailed:
    """Say why sudo refuses; what it says itself, where that is not known."""
    for begin, words in REFUSALS:
        if begin in said:
            return AuthenticationFailed(
                f"sudo on {target.name} {words.format(user=target.username)}."
            )
    return AuthenticationFailed(
        f"sudo on {target.name} refuses {target.username}: {said.strip() or 'no reason given'}"
    )

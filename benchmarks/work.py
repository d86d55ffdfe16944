"""The work that everybody does: ten steps on each host, or one; and how each peer is told so."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from benchmarks.loopback import host, known_hosts
from provisioning.compile.base import script
from provisioning.compile.file import FileSpec, compile_file
from provisioning.steps import CompiledStep, Plan, Stage
from tests.sshd import Sshd

PAYLOAD = ("0123456789abcdef" * 4)[:-1] + "\n"
PAYLOAD *= 4096 // len(PAYLOAD)


@dataclass(frozen=True)
class Command:
    """A shell command with the exit status and, where it is known, the output it must have."""

    text: str
    exit_code: int = 0
    output: str | None = None


@dataclass(frozen=True)
class Put:
    """A file of 4 KB."""

    path: str


Task = Command | Put
LOAD = Command("cat /proc/loadavg /proc/uptime")


def ten_steps(folder: Path, where: str) -> list[Task]:
    """Return ten steps of one host; `where` is what names it in a path."""
    path = f"{folder}/{where}"
    return [
        Command("true"),
        Command("echo hello-$((40+2))", output="hello-42"),
        Put(path),
        Command("exit 3", exit_code=3),
        Command("uname -n; echo x"),
        Command("seq 1 20"),
        LOAD,
        Command("echo done", output="done"),
        Command("sh -c 'exit 0'"),
        Command(f"wc -c < {path}", output="4096"),
    ]


def plan(folder: Path, count: int, steps: int) -> Plan:
    """Say it as our steps."""
    compiled = [
        _compiled(number, position, task)
        for number in range(count)
        for position, task in enumerate(tasks(folder, host(number), steps))
    ]
    return Plan((Stage("work", "Work", tuple(compiled)),), {})


def tasks(folder: Path, where: str, steps: int) -> list[Task]:
    """Return the steps of one host."""
    return ten_steps(folder, where) if steps > 1 else [LOAD]


def _compiled(number: int, position: int, task: Task) -> CompiledStep:
    """Say one of them as ours: the command must end and print as it should."""
    if isinstance(task, Put):
        scripts = compile_file(FileSpec(path=task.path, content=PAYLOAD))
        probe, apply, verify, files = scripts.probe, scripts.apply, scripts.verify, scripts.files
    else:
        probe, apply, verify, files = "", _checked(task), "", {}
    return CompiledStep(
        key=f"bench.work.{position}",
        title=f"Step {position}",
        kind="file" if files else "command",
        role="bench",
        component="work",
        node=f"node-{number}",
        container=f"host-{number}",
        probe=probe,
        apply=apply,
        verify=verify,
        files=files,
    )


def _checked(task: Command) -> str:
    """Return a script that prints what the command prints, and fails where it does not fit."""
    if task.output is not None:
        words = f'said=$({task.text})\necho "$said"\n[ "$said" = "{task.output}" ]'
        return script(words)
    if task.exit_code:
        return script("set +e", f"({task.text})", f"[ $? -eq {task.exit_code} ]")
    return script(task.text)


def write_ansible(server: Sshd, folder: Path, count: int, steps: int) -> list[str]:
    """Write inventory, settings and playbook; return the arguments of ansible-playbook.

    Pipelining, ControlPersist, fifty forks, no facts; `shell` and `copy`, as one would write it.
    """
    home = server.folder
    (home / "payload").write_text(PAYLOAD)
    lines = [host(n) for n in range(count)] + [
        "[all:vars]",
        "ansible_user=root",
        f"ansible_port={server.port}",
        f"ansible_ssh_private_key_file={home}/login",
        "ansible_python_interpreter=/usr/bin/python3",
    ]
    (home / "inventory.ini").write_text("[all]\n" + "\n".join(lines) + "\n")
    (home / "ansible.cfg").write_text(
        f"[defaults]\ninventory={home}/inventory.ini\nforks=50\ngathering=explicit\n"
        "retry_files_enabled=False\ntimeout=120\n"
        f"[ssh_connection]\npipelining=True\ncontrol_path_dir={home}/cp\n"
        "ssh_args=-F none -o ControlMaster=auto -o ControlPersist=60s -o IdentitiesOnly=yes"
        f" -o UserKnownHostsFile={known_hosts(server, count)}\n"
    )
    listed = tasks(folder, "{{ inventory_hostname }}", steps)
    book = [{"hosts": "all", "gather_facts": False, "tasks": [
        _ansible(number, task, home) for number, task in enumerate(listed)
    ]}]  # fmt: skip
    path = home / "playbook.yml"
    path.write_text(json.dumps(book))
    return [str(path)]


def _ansible(number: int, task: Task, home: Path) -> dict[str, object]:
    """Say one step as Ansible's."""
    if isinstance(task, Put):
        return {"ansible.builtin.copy": {"src": f"{home}/payload", "dest": task.path}}
    result = f"r{number}"
    good = f"{result}.rc == {task.exit_code}"
    if task.output is not None:
        good += f" and {result}.stdout == '{task.output}'"
    return {
        "ansible.builtin.shell": task.text,
        "register": result,
        "changed_when": False,
        "failed_when": f"not ({good})",
    }


def write_pyinfra(server: Sshd, folder: Path, count: int, steps: int) -> list[str]:
    """Write inventory and deploy; return the arguments of pyinfra."""
    home = server.folder
    (home / "payload").write_text(PAYLOAD)
    options = {
        "ssh_port": server.port,
        "ssh_user": "root",
        "ssh_key": f"{home}/login",
        "ssh_known_hosts_file": str(known_hosts(server, count)),
        "ssh_strict_host_key_checking": "yes",
    }
    names = [host(n) for n in range(count)]
    (home / "inventory.py").write_text(f"hosts = ({names!r}, {options!r})\n")
    lines = ["from pyinfra import host", "from pyinfra.operations import files, server"]
    lines += [_pyinfra(task, home) for task in tasks(folder, "HOST", steps)]
    (home / "deploy.py").write_text("\n".join(lines) + "\n")
    return [str(home / "inventory.py"), str(home / "deploy.py"), "-y", "--parallel", "50"]


def _pyinfra(task: Task, home: Path) -> str:
    """Say one step as pyinfra's."""
    if isinstance(task, Put):
        path = f'{task.path!r}.replace("HOST", host.name)'
        return f"files.put(src={str(home / 'payload')!r}, dest={path}, mode=False)"
    more = ", _ignore_errors=True" if task.exit_code else ""
    text = f'{task.text!r}.replace("HOST", host.name)'
    return f"server.shell(commands=[{text}]{more})"

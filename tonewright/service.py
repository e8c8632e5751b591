"""What a service manager needs to keep `tonewright up` running: one file, and the commands that load it."""

from __future__ import annotations

import os
import plistlib
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from tonewright.errors import BadInput, TonewrightError
from tonewright.process import run
from tonewright.workspace import Workspace, blog_name

STOP_SECONDS = 75  # two processes with half a minute each to finish what they hold, and some to spare
CONFIG_ERROR_CODES = "2 78"  # no restart mends a configuration
# What decides where settings, state and cache are; a service does not see what a shell's start-up file sets.
KEPT_VARIABLES = ("TONEWRIGHT_STATE", "TONEWRIGHT_CACHE", "XDG_STATE_HOME", "XDG_CONFIG_HOME", "XDG_CACHE_HOME")


@dataclass(frozen=True)
class Service:
    """One blog's `tonewright up`. `name` is the same as that of its state folder."""

    name: str
    root: Path
    command: Sequence[str]
    log: Path
    environment: Mapping[str, str]


def service_of(workspace: Workspace) -> Service:
    """The service of this blog, run by the Python that runs now.

    Raises `BadInput` for a path that no service file can hold.
    """
    root = workspace.root
    if set(sys.executable) & set("\"'\\"):
        raise BadInput(f"{sys.executable!r} holds a quotation mark or a backslash", "install tonewright elsewhere")
    for path in (str(root), sys.executable):
        if path != path.strip() or path.endswith("\\") or not path.isprintable():
            raise BadInput(
                f"{path!r} holds a line break or ends in a blank or a backslash", "rename that folder, then try again"
            )
    return Service(
        name=blog_name(root),
        root=root,
        command=[sys.executable, "-m", "tonewright", "up"],
        log=workspace.state / "up.log",
        environment={name: os.environ[name] for name in KEPT_VARIABLES if os.environ.get(name)},
    )


class Manager(Protocol):
    """What starts services when the author logs in."""

    def file(self, service: Service) -> Path:
        """Where the service's file belongs."""

    def links(self, service: Service) -> list[Path]:
        """What enabling it leaves beside the file."""

    def content(self, service: Service) -> bytes:
        """What belongs into it."""

    def why_unusable(self) -> str:
        """What keeps this manager from being asked now, with the remedy; "" when nothing does."""

    def starting(self, service: Service) -> list[list[str]]:
        """The commands that load, enable and start it."""

    def stopping(self, service: Service) -> list[list[str]]:
        """The commands that stop and disable it, before its file goes."""

    def is_running(self, service: Service) -> bool:
        """Whether it runs now."""

    def is_enabled(self, service: Service) -> bool:
        """Whether it will be started with the next login."""

    def reading(self, service: Service) -> list[str]:
        """The command that shows its last words."""


class Systemd:
    """A user unit (systemd.unit(5), systemd.service(5))."""

    def _unit(self, service: Service) -> str:
        return f"tonewright-{service.name}.service"

    def file(self, service: Service) -> Path:
        """`~/.config/systemd/user/tonewright-NAME.service`."""
        config = os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config"
        return Path(config) / "systemd" / "user" / self._unit(service)

    def links(self, service: Service) -> list[Path]:
        """The link by which the default target wants it."""
        return [self.file(service).parent / "default.target.wants" / self._unit(service)]

    def content(self, service: Service) -> bytes:
        """The unit. Hardening stops where Git, ssh and the author's notification command would feel it."""
        program, *words = service.command
        start = " ".join([_quoted(program), *(_quoted(word).replace("$", "$$") for word in words)])
        lines = [
            "[Unit]",
            f"Description=tonewright for {_percent(str(service.root))}",
            "",
            "[Service]",
            f"ExecStart={start}",
            f"WorkingDirectory={_percent(str(service.root))}",
            *(f"Environment={_quoted(f'{name}={value}')}" for name, value in service.environment.items()),
            "Restart=on-failure",
            "RestartSec=10",
            f"RestartPreventExitStatus={CONFIG_ERROR_CODES}",
            "KillMode=mixed",
            "KillSignal=SIGTERM",
            f"TimeoutStopSec={STOP_SECONDS}",
            "Nice=10",
            "NoNewPrivileges=yes",
            "LockPersonality=yes",
            "RestrictRealtime=yes",
            "",
            "[Install]",
            "WantedBy=default.target",
            "",
        ]
        return "\n".join(lines).encode()

    def why_unusable(self) -> str:
        """Asks the user's systemd for a sign of life."""
        try:
            run(["systemctl", "--user", "show-environment"], timeout=10)
        except TonewrightError:
            if "microsoft" in os.uname().release.lower():
                return (
                    "WSL runs without systemd: put `systemd=true` under `[boot]` in /etc/wsl.conf, then "
                    "`wsl --shutdown` from Windows"
                )
            return "the user's systemd does not answer: log in at this machine, not through `su` or in a container"
        return ""

    def starting(self, service: Service) -> list[list[str]]:
        """Reload, enable, start."""
        return [
            ["systemctl", "--user", "daemon-reload"],
            ["systemctl", "--user", "enable", "--now", self._unit(service)],
        ]

    def stopping(self, service: Service) -> list[list[str]]:
        """Stop and disable."""
        return [["systemctl", "--user", "disable", "--now", self._unit(service)]]

    def is_running(self, service: Service) -> bool:
        """What `is-active` says."""
        return _says_yes(["systemctl", "--user", "is-active", self._unit(service)])

    def is_enabled(self, service: Service) -> bool:
        """Whether the default target has the link."""
        return any(link.is_symlink() for link in self.links(service))

    def reading(self, service: Service) -> list[str]:
        """The journal."""
        return ["journalctl", "--user", "-n", "50", "-u", self._unit(service)]


class Launchd:
    """A launch agent (launchd.plist(5))."""

    def _label(self, service: Service) -> str:
        return f"tonewright.{service.name}"

    def _domain(self) -> str:
        return f"gui/{os.getuid()}"

    def file(self, service: Service) -> Path:
        """`~/Library/LaunchAgents/tonewright.NAME.plist`."""
        return Path.home() / "Library" / "LaunchAgents" / f"{self._label(service)}.plist"

    def links(self, service: Service) -> list[Path]:
        """None: being there is being enabled."""
        return []

    def content(self, service: Service) -> bytes:
        """The property list. launchd adds no search path of the author's, so the one of now goes along for Git."""
        return plistlib.dumps(
            {
                "Label": self._label(service),
                "ProgramArguments": list(service.command),
                "WorkingDirectory": str(service.root),
                "EnvironmentVariables": {"PATH": os.environ.get("PATH", os.defpath), **service.environment},
                "RunAtLoad": True,
                "KeepAlive": {"SuccessfulExit": False},
                "ThrottleInterval": 10,
                "ExitTimeOut": STOP_SECONDS,
                "ProcessType": "Background",
                "StandardOutPath": str(service.log),
                "StandardErrorPath": str(service.log),
            }
        )

    def why_unusable(self) -> str:
        """Asks for the domain of the author's session."""
        try:
            run(["launchctl", "print", self._domain()], timeout=10)
        except TonewrightError:
            return "there is no graphical session of yours: log in at this machine"
        return ""

    def starting(self, service: Service) -> list[list[str]]:
        """Load it; it starts by itself."""
        return [["launchctl", "bootstrap", self._domain(), str(self.file(service))]]

    def stopping(self, service: Service) -> list[list[str]]:
        """Stop and unload it."""
        return [["launchctl", "bootout", f"{self._domain()}/{self._label(service)}"]]

    def is_running(self, service: Service) -> bool:
        """Whether launchd knows a process of it."""
        done = run(["launchctl", "print", f"{self._domain()}/{self._label(service)}"], check=False)
        return "state = running" in done.stdout

    def is_enabled(self, service: Service) -> bool:
        """Whether the file is in its place."""
        return self.file(service).exists()

    def reading(self, service: Service) -> list[str]:
        """The log file."""
        return ["tail", "-n", "50", str(service.log)]


def manager() -> Manager:
    """The service manager of this system."""
    return Launchd() if sys.platform == "darwin" else Systemd()


def _says_yes(command: list[str]) -> bool:
    return run(command, check=False).returncode == 0


def _percent(text: str) -> str:
    """`text` without systemd's specifiers."""
    return text.replace("%", "%%")


def _quoted(text: str) -> str:
    """`text` as one word of a unit file (systemd.syntax(7), "Quoting")."""
    return '"' + _percent(text).replace("\\", "\\\\").replace('"', '\\"') + '"'

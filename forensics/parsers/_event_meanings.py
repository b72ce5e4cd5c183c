"""What the events of the common Windows providers say, in a few words of ours.

The key is provider and number together: a number alone means different things (1102 is a cleared log for one provider
and a connection for another). What each provider documents is in Microsoft's audit event and product references and in
Sysmon's manual. The words claim no more than the event: an attempt stays an attempt.
"""

from __future__ import annotations

from collections.abc import Mapping

_SECURITY = "Microsoft-Windows-Security-Auditing"

MEANINGS: Mapping[str, Mapping[str, str]] = {
    _SECURITY: {
        "4608": "Windows started",
        "4616": "system time changed",
        "4624": "log-on",
        "4625": "log-on failed",
        "4634": "log-on session ended",
        "4647": "log-off begun by the user",
        "4648": "log-on attempted with explicit credentials",
        "4657": "registry value changed",
        "4672": "special privileges assigned to a new log-on",
        "4688": "process created",
        "4689": "process ended",
        "4697": "service installed",
        "4698": "scheduled task created",
        "4699": "scheduled task deleted",
        "4700": "scheduled task enabled",
        "4701": "scheduled task disabled",
        "4702": "scheduled task changed",
        "4719": "audit policy changed",
        "4720": "user account created",
        "4722": "user account enabled",
        "4723": "change of an account's password attempted",
        "4724": "reset of an account's password attempted",
        "4725": "user account disabled",
        "4726": "user account deleted",
        "4728": "member added to a global security group",
        "4729": "member removed from a global security group",
        "4731": "local security group created",
        "4732": "member added to a local security group",
        "4733": "member removed from a local security group",
        "4734": "local security group deleted",
        "4735": "local security group changed",
        "4738": "user account changed",
        "4740": "user account locked out",
        "4756": "member added to a universal security group",
        "4757": "member removed from a universal security group",
        "4767": "user account unlocked",
        "4768": "Kerberos ticket-granting ticket requested",
        "4769": "Kerberos service ticket requested",
        "4771": "Kerberos pre-authentication failed",
        "4776": "validation of credentials attempted",
        "4778": "session reconnected",
        "4779": "session disconnected",
        "4781": "account renamed",
        "4800": "workstation locked",
        "4801": "workstation unlocked",
        "5140": "network share accessed",
    },
    "Microsoft-Windows-Eventlog": {
        "104": "event log cleared",
        "1100": "event logging shut down",
        "1102": "security log cleared",
        "1104": "security log full",
    },
    "EventLog": {
        "6005": "event logging started",
        "6006": "event logging stopped",
        "6008": "the shutdown before was unexpected",
    },
    "Service Control Manager": {
        "7031": "service ended unexpectedly",
        "7034": "service ended unexpectedly",
        "7036": "service changed its state",
        "7040": "service's start type changed",
        "7045": "service installed",
    },
    "Microsoft-Windows-Kernel-General": {"12": "system started", "13": "system shutting down"},
    "Microsoft-Windows-Kernel-Power": {"41": "system restarted without a clean shutdown"},
    "User32": {"1074": "shutdown or restart begun"},
    "Microsoft-Windows-TerminalServices-LocalSessionManager": {
        "21": "session log-on",
        "22": "session's shell started",
        "23": "session log-off",
        "24": "session disconnected",
        "25": "session reconnected",
    },
    "Microsoft-Windows-TerminalServices-RemoteConnectionManager": {
        "1149": "remote desktop connection accepted (by itself no proof of a log-on)",
    },
    "Microsoft-Windows-TerminalServices-ClientActiveXCore": {"1024": "remote desktop connection to a server attempted"},
    "Microsoft-Windows-RemoteDesktopServices-RdpCoreTS": {"131": "remote desktop connection accepted"},
    "Microsoft-Windows-PowerShell": {
        "4103": "PowerShell command run (module logging)",
        "4104": "PowerShell script block",
        "40961": "PowerShell console starting",
    },
    "PowerShell": {"400": "PowerShell engine started", "403": "PowerShell engine stopped"},
    "Microsoft-Windows-TaskScheduler": {
        "106": "scheduled task registered",
        "140": "scheduled task changed",
        "141": "scheduled task deleted",
        "200": "scheduled task's action started",
        "201": "scheduled task's action completed",
    },
    "Microsoft-Windows-Sysmon": {
        "1": "process created",
        "2": "file's creation time changed",
        "3": "network connection",
        "5": "process ended",
        "6": "driver loaded",
        "7": "image loaded",
        "8": "thread created in another process",
        "10": "process opened by another",
        "11": "file created",
        "12": "registry key or value created or deleted",
        "13": "registry value set",
        "22": "DNS query",
    },
}

_LOG_ONS: Mapping[str, str] = {
    "2": "interactive",
    "3": "network",
    "4": "batch",
    "5": "service",
    "7": "unlock",
    "8": "network, password in clear text",
    "9": "new credentials",
    "10": "remote interactive",
    "11": "interactive, cached credentials",
}


def meaning(fields: Mapping[str, str]) -> dict[str, str]:
    """`meaning` of an event by its provider and number, and `logon` by its type; nothing where it is not known."""
    provider = fields.get("provider", "")
    said = {"meaning": MEANINGS.get(provider, {}).get(fields.get("event_id", ""), "")}
    if provider == _SECURITY:
        said["logon"] = _LOG_ONS.get(fields.get("data.LogonType", ""), "")
    return {name: words for name, words in said.items() if words}

"""Property lists of macOS and iOS whose meaning is known: each reader gives facts of a loaded list, or nothing.

Told by their keys, not by their names: copies and backups have other names.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from decimal import Decimal, InvalidOperation
from itertools import islice
from typing import Any, NamedTuple

from forensics.parsers._clock import SECOND
from forensics.parsers._facts import Moment
from forensics.parsers.macos._bookmarks import target
from forensics.parsers.macos._property_lists import VALUE_LIMIT, PropertyListError, loaded, moment, text, values, word

_SINCE_2001 = 978_307_200


class Fact(NamedTuple):
    """One fact of a list: its kind, its times, its fields."""

    kind: str
    moments: Mapping[str, Moment]
    fields: Mapping[str, str]


Facts = Iterator[Fact]


def _dictionaries(value: Any) -> Iterator[dict[str, Any]]:
    """The dictionaries in a list; what is beyond `VALUE_LIMIT` the whole list's problem tells of."""
    if isinstance(value, list):
        yield from (item for item in islice(value, VALUE_LIMIT) if isinstance(item, dict))


def _picked(value: Mapping[str, Any], **names: str) -> dict[str, str]:
    return {ours: text(value[theirs]) for ours, theirs in names.items() if theirs in value}


def _moments(value: Mapping[str, Any], **names: str) -> dict[str, Moment]:
    return {
        ours: moment(value.get(theirs)) for ours, theirs in names.items() if isinstance(value.get(theirs), datetime)
    }


def _pointed(data: Any) -> tuple[dict[str, Moment], dict[str, str]]:
    """The target of a bookmark or an alias as a time and fields."""
    found = target(data)
    created = {"target_created": moment(found.pop("created"))} if "created" in found else {}
    return created, {name: text(value) for name, value in found.items()}


def _installations(root: Any, name: str) -> Facts:
    """InstallHistory.plist."""
    for item in _dictionaries(root):
        if "displayName" in item and "processName" in item:
            fields = _picked(item, name="displayName", version="displayVersion", installer="processName")
            fields |= _picked(item, packages="packageIdentifiers")
            yield Fact("macos.installation", _moments(item, installed="date"), fields)


def _login_items(root: Any, name: str) -> Facts:
    """What starts at a user's log-in: com.apple.loginitems.plist."""
    items = root.get("SessionItems") if isinstance(root, dict) else None
    for item in _dictionaries(items.get("CustomListItems") if isinstance(items, dict) else None):
        times, fields = _pointed(item.get("Alias") or item.get("Bookmark"))
        properties = item.get("CustomItemProperties")
        hidden = properties.get("com.apple.LSSharedFileList.ItemIsHidden") if isinstance(properties, dict) else None
        yield Fact("macos.login_item", times, _picked(item, name="Name") | {"hidden": text(hidden)} | fields)


def _background_items(root: Any, name: str) -> Facts:
    """What applications start in the background: backgrounditems.btm."""
    if not isinstance(root, dict) or "backgroundItems" not in root:
        return
    seen = set[bytes]()  # an archive's objects name each other: one bookmark is met several times
    for found in values(root):
        named = found.path[-1:] == ("bookmark",) or found.path[-2:] == ("bookmark", "data")
        if not named or not isinstance(found.value, bytes) or found.value in seen:
            continue
        seen.add(found.value)
        times, fields = _pointed(found.value)
        if fields:
            yield Fact("macos.login_item", times, {"name": fields.get("path", "").rpartition("/")[2], **fields})


def _launch(root: Any, name: str) -> Facts:
    """Agents and daemons of launchd, after launchd.plist(5)."""
    if not isinstance(root, dict) or "Label" not in root or not {"Program", "ProgramArguments"} & root.keys():
        return
    fields = _picked(
        root,
        **{"label": "Label", "program": "Program", "arguments": "ProgramArguments", "user": "UserName"},
        **{"group": "GroupName", "at_load": "RunAtLoad", "keep_alive": "KeepAlive", "every_seconds": "StartInterval"},
        **{"watched": "WatchPaths", "queues": "QueueDirectories", "on_mount": "StartOnMount", "root": "RootDirectory"},
        **{"directory": "WorkingDirectory", "output": "StandardOutPath", "disabled": "Disabled"},
    )
    yield Fact("macos.launch", {}, fields)


def _remembered_networks(root: Any, name: str) -> Facts:
    """com.apple.airport.preferences.plist and com.apple.wifi.plist, both orders of the former."""
    if not isinstance(root, dict):
        return
    known = root.get("KnownNetworks")
    several = [*_dictionaries(root.get("RememberedNetworks")), *_dictionaries(root.get("List of known networks"))]
    several += _dictionaries(list(known.values()) if isinstance(known, dict) else None)
    for item in several:
        if "SSIDString" in item or "SSID_STR" in item or "SSID" in item:
            fields = _picked(item, ssid="SSIDString") or _picked(item, ssid="SSID_STR") or _picked(item, ssid="SSID")
            fields |= _picked(item, security="SecurityType", hidden="PossiblyHiddenNetwork", bssid="BSSID")
            times = _moments(item, last_joined="LastConnected", last_auto_joined="LastAutoJoinAt", added="addedAt")
            times |= _moments(item, last_joined="lastJoined", last_auto_joined="lastAutoJoined")
            yield Fact("apple.wifi_network", times, fields)


def _known_networks(root: Any, name: str) -> Facts:
    """com.apple.wifi.known-networks.plist (iOS 14, macOS 11 and later): networks, then their access points."""
    if not isinstance(root, dict):
        return
    for key, item in root.items():
        if not word(key).startswith("wifi.network.") or not isinstance(item, dict):
            continue
        ssid = {"ssid": text(item.get("SSID"))}
        times = _moments(
            item,
            **{"added": "AddedAt", "updated": "UpdatedAt", "joined_by_user": "JoinedByUserAt"},
            **{"joined_by_system": "JoinedBySystemAt", "last_discovered": "LastDiscoveredAt"},
        )
        yield Fact(
            "apple.wifi_network", times, ssid | _picked(item, security="SupportedSecurityTypes", hidden="Hidden")
        )
        for point in _dictionaries(item.get("BSSList")):
            fields = ssid | _picked(point, bssid="BSSID", channel="Channel", latitude="LocationLatitude")
            fields |= _picked(point, longitude="LocationLongitude")
            yield Fact("apple.wifi_point", _moments(point, last_associated="LastAssociatedAt"), fields)


def _backups(root: Any, name: str) -> Facts:
    """com.apple.TimeMachine.plist: every backup that was made."""
    for item in _dictionaries(root.get("Destinations") if isinstance(root, dict) else None):
        _, where = _pointed(item.get("BackupAlias"))
        fields = _picked(item, destination="DestinationID", volume="LastKnownVolumeName") | where
        dates = item.get("SnapshotDates")
        for date in dates if isinstance(dates, list) else ():
            if isinstance(date, datetime):
                yield Fact("macos.backup", {"backed_up": moment(date)}, fields)


def _account(root: Any, name: str) -> Facts:
    """A user of the local directory (dslocal): lists of one text each; the hash is not looked at."""
    if not isinstance(root, dict) or not {"uid", "generateduid", "name"} <= root.keys():
        return
    first = {key: value[0] for key, value in root.items() if isinstance(value, list) and value}
    fields = _picked(first, user="name", full_name="realname", uid="uid", gid="gid", home="home")
    fields |= _picked(first, **{"shell": "shell", "identifier": "generateduid", "hint": "hint"})
    policy: Any = {}
    try:
        policy = loaded(first["passwordpolicyoptions"]) if "passwordpolicyoptions" in first else {}
        more = loaded(first["accountPolicyData"]) if "accountPolicyData" in first else {}
    except (PropertyListError, TypeError):
        more = {}
    policy = policy if isinstance(policy, dict) else {}
    times = _moments(
        policy, renewed="passwordLastSetTime", last_login="lastLoginTimestamp", failed_login="failedLoginTimestamp"
    )
    epochs = {"created": "creationTime", "renewed": "passwordLastSetTime", "failed_login": "failedLoginTimestamp"}
    for ours, theirs in epochs.items() if isinstance(more, dict) else ():
        times |= {ours: found} if (found := _epoch(more.get(theirs), 0)).at is not None else {}
    never = moment(datetime(2001, 1, 1)).at  # noqa: DTZ001 - what macOS writes for "never"
    yield Fact("macos.account", {key: value for key, value in times.items() if value.at != never}, fields)


def _epoch(value: Any, since: int) -> Moment:
    """Seconds, a number or a text, since a second of 1970's count; nothing for 0."""
    if isinstance(value, bool) or not isinstance(value, int | float | str) or not value:
        return Moment(None, "")
    try:
        seconds = Decimal(str(value))
        return Moment(int((seconds + since) * SECOND) if abs(seconds) < 10**12 else None, str(value))
    except (InvalidOperation, ValueError, OverflowError):
        return Moment(None, "")


def _safari_history(root: Any, name: str) -> Facts:
    """History.plist of Safari before version 8."""
    for item in _dictionaries(root.get("WebHistoryDates") if isinstance(root, dict) else None):
        fields = _picked(item, url="", title="title", visit_count="visitCount", redirected_from="redirectURLs")
        yield Fact("safari.page", {"last_visited": _epoch(item.get("lastVisitedDate"), _SINCE_2001)}, fields)


def _safari_downloads(root: Any, name: str) -> Facts:
    """Downloads.plist of Safari."""
    for item in _dictionaries(root.get("DownloadHistory") if isinstance(root, dict) else None):
        fields = _picked(item, url="DownloadEntryURL", path="DownloadEntryPath")
        fields |= _picked(item, total_bytes="DownloadEntryProgressTotalToLoad")
        times = _moments(item, started="DownloadEntryDateAddedKey", ended="DownloadEntryDateFinishedKey")
        yield Fact("safari.download", times, fields)


def _recent_items(root: Any, name: str) -> Facts:
    """Recent documents, applications, servers: shared file lists (sfl, sfl2, sfl3), com.apple.recentitems.plist."""
    if not isinstance(root, dict):
        return
    for item in _dictionaries(root.get("items")):
        times, fields = _pointed(item.get("Bookmark"))
        yield Fact("macos.recent_item", times, {"name": text(item.get("Name")), "list": name} | fields)
    for section, value in root.items():
        for item in _dictionaries(value.get("CustomListItems") if isinstance(value, dict) else None):
            if word(section).startswith(("Recent", "Hosts")):
                times, fields = _pointed(item.get("Bookmark") or item.get("Alias"))
                yield Fact("macos.recent_item", times, {"name": text(item.get("Name")), "list": word(section)} | fields)


def _phone_backup(root: Any, name: str) -> Facts:
    """Info.plist of a backup that iTunes or the Finder made of a telephone."""
    if not isinstance(root, dict) or "Last Backup Date" not in root or "Product Type" not in root:
        return
    fields = _picked(
        root,
        **{"device": "Device Name", "model": "Product Type", "version": "Product Version", "serial": "Serial Number"},
        **{"imei": "IMEI", "iccid": "ICCID", "phone_number": "Phone Number", "identifier": "Unique Identifier"},
        **{"applications": "Installed Applications"},
    )
    yield Fact("ios.backup", _moments(root, backed_up="Last Backup Date"), fields)


READERS: tuple[Callable[[Any, str], Facts], ...] = (
    _installations,
    _login_items,
    _background_items,
    _launch,
    _remembered_networks,
    _known_networks,
    _backups,
    _account,
    _safari_history,
    _safari_downloads,
    _recent_items,
    _phone_backup,
)
KINDS = (
    *("macos.installation", "macos.login_item", "macos.launch", "apple.wifi_network", "apple.wifi_point"),
    *("macos.backup", "macos.account", "safari.page", "safari.download", "macos.recent_item", "ios.backup"),
)

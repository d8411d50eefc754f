"""How each client is started on a loopback address to download one torrent, quiet in every other way: no DHT, no local
discovery, no port mapping, no peer exchange. Shared by the bench of peers and by the siege."""

import json
import os
import shutil
import subprocess

# Debian's own interpreter: the binding is installed for that one.
PYTHON = "/usr/bin/python3"

LIBTORRENT = """
import json, sys, time, libtorrent as lt
ses = lt.session({"listen_interfaces": sys.argv[3], "enable_dht": False, "enable_lsd": False,
                  "enable_upnp": False, "enable_natpmp": False, "allow_multiple_connections_per_ip": True, **json.loads(sys.argv[4])})
torrent = ses.add_torrent({"ti": lt.torrent_info(sys.argv[1]), "save_path": sys.argv[2]})
while not torrent.status().is_seeding:
    time.sleep(0.02)
time.sleep(0.2)
"""


def seedbed(program, torrent, out, ip, port, *more):
    return [program, "--quiet", "download", torrent, "-d", out, "--bind", ip, "--port", str(port), *more]


def aria2(torrent, out, port, *more):
    return ["aria2c", "--quiet", "--seed-time=0", "--enable-dht=false", "--bt-enable-lpd=false",
            "--enable-peer-exchange=false", "--file-allocation=none", f"--listen-port={port}", f"--dir={out}", *more, torrent]


def libtorrent(torrent, out, ip, port, **settings):
    return [PYTHON, "-c", LIBTORRENT, torrent, out, f"{ip}:{port}", json.dumps(settings)]


def rqbit(torrent, out, ip, port):
    return ["rqbit", "--disable-dht", "--disable-lsd", "--disable-upnp-port-forward", "--listen-ip", ip,
            "--listen-port", str(port), "download", "-e", "-o", out, torrent]


def transmission(torrent, out, ip, port, home):
    """It does not end by itself, and ignores loopback addresses that a tracker gives it: others have to connect to it."""
    own = os.path.join(home, "torrents")
    os.makedirs(own)
    if torrent:
        shutil.copy(torrent, os.path.join(own, "it.torrent"))
    settings = {
        "bind-address-ipv4": ip, "bind-address-ipv6": "::1", "blocklist-enabled": False, "dht-enabled": False, "download-dir": out,
        "incomplete-dir-enabled": False, "lpd-enabled": False, "peer-port": port, "pex-enabled": False, "port-forwarding-enabled": False,
        "preallocation": 0, "rpc-enabled": False, "rename-partial-files": False, "utp-enabled": False, "start-added-torrents": True,
    }
    with open(os.path.join(home, "settings.json"), "w") as file:
        json.dump(settings, file)
    return ["transmission-daemon", "--foreground", "--config-dir", home]


def is_installed(name):
    if name == "libtorrent":
        return subprocess.run([PYTHON, "-c", "import libtorrent"], capture_output=True).returncode == 0
    return shutil.which({"aria2": "aria2c", "transmission": "transmission-daemon"}.get(name, name)) is not None

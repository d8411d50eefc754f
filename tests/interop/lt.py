"""Shares one torrent with libtorrent (rasterbar) until it is ended.

To standard output: its alerts, and `uploaded N` whenever more bytes of payload have gone out.

    lt.py TORRENT|MAGNET DIR ADDRESS:PORT UPLOAD_RATE_MAX [encrypted] [pex]      (bytes a second, 0: no limit)
"""
import sys

import libtorrent as lt

_, torrent, folder, listen, rate, *more = sys.argv
policy = lt.enc_policy.forced if "encrypted" in more else lt.enc_policy.disabled
session = lt.session({
    "listen_interfaces": listen,
    "outgoing_interfaces": listen.rsplit(":", 1)[0].strip("[]"),
    "enable_dht": False,
    "enable_lsd": False,
    "enable_upnp": False,
    "enable_natpmp": False,
    "enable_incoming_utp": False,
    "enable_outgoing_utp": False,
    "in_enc_policy": policy,
    "out_enc_policy": policy,
    "allowed_enc_level": lt.enc_level.rc4 if "encrypted" in more else lt.enc_level.both,
    "alert_mask": lt.alert.category_t.error_notification | lt.alert.category_t.status_notification
    | lt.alert.category_t.tracker_notification | lt.alert.category_t.peer_notification
    | lt.alert.category_t.connect_notification,
})
if torrent.startswith("magnet:"):
    params = lt.parse_magnet_uri(torrent)
else:
    params = lt.add_torrent_params()
    params.ti = lt.torrent_info(torrent)
params.save_path = folder
params.flags &= ~(lt.torrent_flags.auto_managed | lt.torrent_flags.paused)
if "pex" not in more:
    params.flags |= lt.torrent_flags.disable_pex
# A limit of the torrent: those of the session do not hold for local addresses.
params.upload_limit = int(rate)
torrent = session.add_torrent(params)
uploaded = -1
while True:
    session.wait_for_alert(200)
    status = torrent.status()
    if status.total_payload_upload != uploaded:
        uploaded = status.total_payload_upload
        print("uploaded", uploaded, flush=True)
    for alert in session.pop_alerts():
        print(type(alert).__name__, alert.message(), flush=True)

"""A Synapse to federate with: a process of its own in the root file system that install-synapse makes, with SQLite, on loopback."""

import asyncio
import json
import pathlib
import shutil
import signal
import subprocess
import tempfile
import time

import aiohttp

from homeserver import free_port
from story import remark

READY_SECONDS = 90
STOP_SECONDS = 20
UNLIMITED = {"per_second": 1e9, "burst_count": 1_000_000_000}
LIMITS = [
    "rc_message", "rc_registration", "rc_login.address", "rc_login.account", "rc_login.failed_attempts", "rc_admin_redaction",
    "rc_joins.local", "rc_joins.remote", "rc_joins_per_room", "rc_key_requests", "rc_invites.per_room", "rc_invites.per_user",
    "rc_invites.per_issuer", "rc_media_create", "rc_presence.per_user", "rc_room_creation", "rc_user_directory"]


class Synapse:
    def __init__(self, root):
        """`root`: what install-synapse printed."""
        self.root = pathlib.Path(root)
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="edgematrix-", dir=self.root / "srv"))
        self.log = self.directory / "synapse.log"
        self.name = "synapse.test"
        self.port = free_port()
        self.federation_port = free_port()
        self.process = None

    @property
    def base_url(self):
        return f"http://127.0.0.1:{self.port}"

    def inside(self, file):
        """What a file of the directory is called by whoever runs in the root file system."""
        return f"/srv/{self.directory.name}/{file}"

    def run(self, *command):
        """Runs a command in the root file system, to its end."""
        subprocess.run(["chroot", self.root, *command], check=True, capture_output=True, timeout=60)

    def authority(self):
        """Makes a certificate authority in the directory, which both servers shall trust."""
        self.run("openssl", "req", "-x509", *NEW_KEY, "-days", "2", "-subj", "/CN=Tests",
                 "-keyout", self.inside("ca.key"), "-out", self.inside("ca.pem"))
        return self.directory / "ca.pem"

    def certificate(self, host):
        """Has the authority certify a host; returns the files of the certificate and its key."""
        files = {end: self.inside(f"{host}.{end}") for end in ["key", "csr", "pem"]}
        (self.directory / "san").write_text(f"subjectAltName=DNS:{host}")
        self.run("openssl", "req", *NEW_KEY, "-subj", f"/CN={host}", "-keyout", files["key"], "-out", files["csr"])
        self.run("openssl", "x509", "-req", "-days", "2", "-in", files["csr"], "-out", files["pem"], "-extfile", self.inside("san"),
                 "-CA", self.inside("ca.pem"), "-CAkey", self.inside("ca.key"), "-CAcreateserial")
        return self.directory / f"{host}.pem", self.directory / f"{host}.key"

    def configure(self, **more):
        """`more`: settings in place of those here, or besides them."""
        certificate, key = self.certificate(self.name.split(":")[0])
        settings = {
            "server_name": self.name,
            "public_baseurl": self.base_url,
            "listeners": [
                {"port": self.port, "type": "http", "bind_addresses": ["127.0.0.1"], "resources": [{"names": ["client"]}]},
                {"port": self.federation_port, "type": "http", "tls": True, "bind_addresses": ["127.0.0.1"],
                 "resources": [{"names": ["federation"]}]}],
            "tls_certificate_path": self.inside(certificate.name),
            "tls_private_key_path": self.inside(key.name),
            "federation_custom_ca_list": [self.inside("ca.pem")],
            "trusted_key_servers": [],
            "suppress_key_server_warning": True,
            "ip_range_blacklist": [],
            "federation_ip_range_blacklist": [],
            "federation": {"destination_min_retry_interval": 500, "destination_max_retry_interval": "2s", "max_long_retries": 2,
                           "max_long_retry_delay": "1s", "max_short_retries": 1, "max_short_retry_delay": 500, "client_timeout": "20s"},
            "database": {"name": "sqlite3", "args": {"database": self.inside("synapse.db")}},
            "media_store_path": self.inside("media"),
            "signing_key_path": self.inside("signing.key"),
            "log_config": self.inside("log.yaml"),
            "report_stats": False,
            "enable_registration": True,
            "enable_registration_without_verification": True,
            "registration_shared_secret": "secret",
            "macaroon_secret_key": "secret",
            "form_secret": "secret",
            "bcrypt_rounds": 4,
            "presence": {"enabled": True},
            "allow_public_rooms_over_federation": True,
            "room_list_publication_rules": [{"action": "allow"}],
            "enable_room_list_search": True,
            "rc_federation": {"sleep_limit": 1_000_000, "reject_limit": 1_000_000, "concurrent": 100},
            "federation_rr_transactions_per_room_per_second": 1_000_000,
            "remote_media_download_per_second": "1G",
        } | more
        for limit in LIMITS:
            *above, last = limit.split(".")
            (settings.setdefault(above[0], {}) if above else settings)[last] = UNLIMITED
        log = {
            "version": 1,
            "disable_existing_loggers": False,
            "formatters": {"line": {"format": "%(asctime)s %(levelname)s %(name)s: %(message)s"}},
            "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line"}},
            "loggers": {"synapse.storage.SQL": {"level": "WARNING"}, "synapse.storage.txn": {"level": "WARNING"},
                        "synapse.util.caches": {"level": "WARNING"}, "twisted": {"level": "WARNING"},
                        # What other servers ask is worth a line, what clients ask is not.
                        f"synapse.access.http.{self.port}": {"level": "WARNING"}},
            "root": {"level": "INFO", "handlers": ["console"]}}
        # JSON is YAML.
        (self.directory / "homeserver.yaml").write_text(json.dumps(settings))
        (self.directory / "log.yaml").write_text(json.dumps(log))
        self.run(*SYNAPSE, "--config-path", self.inside("homeserver.yaml"), "--generate-keys")

    async def start(self):
        """Starts, or starts again on the same data and ports; returns when it answers."""
        with open(self.log, "ab") as log:
            # It goes when the story goes, whatever ends that.
            self.process = await asyncio.create_subprocess_exec(
                "setpriv", "--pdeathsig", "KILL", "chroot", self.root, *SYNAPSE, "--config-path", self.inside("homeserver.yaml"),
                stdin=asyncio.subprocess.DEVNULL, stdout=log, stderr=log, env={"PATH": "/usr/bin:/bin:/usr/sbin:/sbin", "LANG": "C.UTF-8"})
        deadline = time.monotonic() + READY_SECONDS
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=5)) as session:
            while True:
                try:
                    async with session.get(f"{self.base_url}/_matrix/client/versions") as answer:
                        if answer.status == 200:
                            return
                except aiohttp.ClientError:
                    pass
                if self.process.returncode is not None or time.monotonic() > deadline:
                    raise RuntimeError(f"Synapse was not ready within {READY_SECONDS} s\n{self._log_tail()}")
                await asyncio.sleep(0.1)

    async def stop(self):
        """SIGTERM; returns when it is gone."""
        self.process.send_signal(signal.SIGTERM)
        try:
            await asyncio.wait_for(self.process.wait(), STOP_SECONDS)
        except asyncio.TimeoutError:
            self.process.kill()
            await self.process.wait()

    async def dispose(self, failed):
        """Ends it if it still runs. Removes its data, or where something failed keeps it and says where."""
        if self.process and self.process.returncode is None:
            self.process.kill()
            await self.process.wait()
        if failed:
            remark(f"data and log of Synapse: {self.directory}\n{self._log_tail()}")
        else:
            shutil.rmtree(self.directory)

    def _log_tail(self):
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-20:]) if self.log.exists() else ""


SYNAPSE = ["/usr/bin/python3", "-m", "synapse.app.homeserver"]
NEW_KEY = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]

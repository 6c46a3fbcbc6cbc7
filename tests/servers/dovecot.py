"""Owns running a private Dovecot as a submission server: real logins by password and by token, over TLS.

All of it lives in a temporary folder and on ports of 127.0.0.1. What it takes it hands to another server on loopback,
which the caller runs; it keeps no mail and sends nothing anywhere else.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.servers.certificates import Authority
from tests.servers.programs import children_of, die_with_parent, find_program, free_port, need_program, wait_listening

_MAIN = """\
base_dir = {folder}/run
state_dir = {folder}/state
log_path = {folder}/log
protocols = submission
listen = 127.0.0.1
hostname = mail.example.org
ssl = yes
ssl_cert = <{folder}/tls/certificate.pem
ssl_key = <{folder}/tls/key.pem
ssl_min_protocol = TLSv1.2
disable_plaintext_auth = yes
auth_mechanisms = plain login cram-md5 xoauth2 oauthbearer
auth_username_chars =
auth_username_format = %u
auth_failure_delay = 0
auth_cache_size = 0
mail_location = maildir:{folder}/mail/%n
first_valid_uid = 1
submission_relay_host = 127.0.0.1
submission_relay_port = {relay}
submission_relay_trusted = no
passdb {{
  driver = passwd-file
  mechanisms = plain login cram-md5
  args = scheme=PLAIN username_format=%u {folder}/users
}}
{tokens}
userdb {{
  driver = static
  args = allow_all_users=yes uid={uid} gid={gid} home={folder}/mail
}}
service submission-login {{
  chroot =
  inet_listener submission {{
    port = {port}
  }}
  inet_listener submissions {{
    port = {tls_port}
    ssl = yes
  }}
}}
service anvil {{
  # Whoever said a wrong password is not made to wait the next time: all tests come from one address.
  unix_listener anvil-auth-penalty {{
    mode = 0
  }}
}}
service stats {{
  unix_listener stats-writer {{
    mode = 0666
  }}
}}
"""

_TOKENS = """\
passdb {{
  driver = oauth2
  mechanisms = xoauth2 oauthbearer
  args = {folder}/oauth2.conf
}}
"""

_OAUTH = """\
introspection_mode = post
introspection_url = {url}
username_attribute = {name}
active_attribute = active
active_value = true
timeout_msecs = 5000
"""


@dataclass(frozen=True, slots=True)
class Dovecot:
    """A running Dovecot: `port` begins in clear and offers STARTTLS, `tls_port` is inside TLS from the first byte.

    `ca` is the PEM file of the authority that signed its certificate, for localhost and 127.0.0.1.
    """

    port: int
    tls_port: int
    ca: Path
    folder: Path

    def log(self) -> str:
        """The whole log so far."""
        path = self.folder / "log"
        return path.read_text("utf-8", "replace") if path.exists() else ""


@contextmanager
def dovecot_server(
    *,
    users: Mapping[str, str],
    relay_port: int,
    introspection: str = "",
    name_in_token: str = "username",
    settings: Mapping[str, str] | None = None,
) -> Iterator[Dovecot]:
    """Run a private Dovecot; skips without it or without root, which its processes need to change their user.

    `users` maps names to passwords, for PLAIN, LOGIN and CRAM-MD5. `introspection` is the URL at which tokens are asked
    about (RFC 7662: a POST with `token`, answered in JSON with `active` and with the user's name in `name_in_token`);
    without one every token is refused. Mails go to `relay_port`. `settings` are further
    lines of dovecot.conf. From this machine it lets people log in without TLS too, whatever is set.
    """
    program = need_program("dovecot", package="dovecot-core")
    if find_program("dovecot") is not None and not Path("/usr/lib/dovecot/submission").exists():
        pytest.skip("Dovecot has no submission server; on Debian it is in the package dovecot-submissiond")
    if not hasattr(os, "geteuid") or os.geteuid() != 0:
        pytest.skip("a private Dovecot needs root, since its processes change their user")
    # Not below pytest's temporary folders: those are closed to everybody else, and user dovenull must get through.
    folder = Path(tempfile.mkdtemp(prefix="mailtui-dovecot-"))
    folder.chmod(0o755)
    server = Dovecot(free_port(), free_port(), folder / "tls" / "authority.pem", folder)
    _write(server, users, relay_port, introspection, name_in_token, settings=settings or {})
    process = subprocess.Popen(
        [str(program), "-F", "-c", str(folder / "dovecot.conf")],
        stdout=subprocess.DEVNULL,
        stderr=(folder / "errors").open("wb"),
        preexec_fn=die_with_parent,
    )
    try:
        for port in (server.port, server.tls_port):
            try:
                wait_listening(port)
            except TimeoutError:
                said = (folder / "errors").read_text() + server.log()
                raise RuntimeError(f"dovecot did not start:\n{said[-2_000:]}") from None
        yield server
    finally:
        # Nothing of it is worth an orderly end, which takes more than a second.
        children = children_of(process.pid)
        process.kill()
        process.wait()
        for child in children:
            with contextlib.suppress(ProcessLookupError):  # some have noticed, and are gone
                os.kill(child, signal.SIGKILL)
        shutil.rmtree(folder, ignore_errors=True)


def _write(
    server: Dovecot,
    users: Mapping[str, str],
    relay_port: int,
    introspection: str,
    name_in_token: str,
    *,
    settings: Mapping[str, str],
) -> None:
    folder = server.folder
    for name in ("run", "state", "tls", "mail"):
        (folder / name).mkdir(mode=0o755)
    nobody, nogroup = "nobody", "nogroup"
    shutil.chown(folder / "mail", nobody, nogroup)
    Authority().write(folder / "tls")
    (folder / "users").write_text("".join(f"{user}:{{PLAIN}}{password}::::::\n" for user, password in users.items()))
    (folder / "oauth2.conf").write_text(_OAUTH.format(url=introspection, name=name_in_token))
    main = _MAIN.format(
        folder=folder,
        relay=relay_port,
        tokens=_TOKENS.format(folder=folder) if introspection else "",
        uid=nobody,
        gid=nogroup,
        port=server.port,
        tls_port=server.tls_port,
    )
    main += "".join(f"{key} = {value}\n" for key, value in settings.items())
    (folder / "dovecot.conf").write_text(main)

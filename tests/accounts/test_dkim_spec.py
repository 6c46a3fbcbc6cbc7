"""How signing is written down in an account (D6): what is taken, and what is told of the rest."""

from __future__ import annotations

import os
from pathlib import Path

import pydantic
import pytest

from mailtui.accounts.dkim_file import read_key_file
from mailtui.accounts.dkim_spec import SigningSpec
from mailtui.kit.hidden import without_secrets
from mailtui.message.dkim import DkimKeyProblem, DkimSpec, Signer
from mailtui.message.dkim_key import make_key


def test_d6_a_domain_is_kept_as_the_dns_has_it() -> None:
    assert SigningSpec(selector="s1").dkim() == DkimSpec("s1", "")
    assert SigningSpec(selector="mail.2026", domain="Acme.Test.").dkim() == DkimSpec("mail.2026", "acme.test")
    assert SigningSpec(selector="s1", domain="fa\u00df.test").dkim().domain == "xn--fa-hia.test"


def test_d6_a_key_is_in_the_keyring_or_in_a_file_beside_the_settings() -> None:
    folder = Path("/settings")
    assert SigningSpec(selector="s1").key_file(folder) is None
    assert SigningSpec(selector="s1", key="acme.pem").key_file(folder) == folder / "acme.pem"
    assert SigningSpec(selector="s1", key="/keys/acme.pem").key_file(folder) == Path("/keys/acme.pem")
    assert SigningSpec(selector="s1", key="~nobody-here/k.pem").key_file(folder) == folder / "~nobody-here/k.pem"


def test_d6_what_is_no_file_is_told_and_not_waited_for(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe, 0o600)
    for path, sentence in ((pipe, "no file"), (tmp_path, "no file"), (tmp_path / "none", "No such file")):
        with pytest.raises(DkimKeyProblem, match=sentence):
            read_key_file(path)


@pytest.mark.parametrize(
    "wrong",
    [
        {"selector": ""},
        {"selector": "a b"},
        {"selector": "s1._domainkey.acme.test;"},
        {"selector": "x" * 64},
        {"selector": "s1\r\n"},
        {"selector": "s1", "domain": "acme"},
        {"selector": "s1", "domain": "news@acme.test"},
        {"selector": "s1", "domain": "acme.test\r\nX: y"},
        {"selector": "s1", "domain": "a..test"},
        {"selector": "s1", "key": ""},
        {"selector": "s1", "key": "a\0b"},
        {"domain": "acme.test"},
    ],
)
def test_d6_what_would_spoil_the_header_is_refused(wrong: dict[str, str]) -> None:
    with pytest.raises(pydantic.ValidationError):
        SigningSpec.model_validate(wrong)


def test_d6_a_key_that_is_used_shows_in_no_log() -> None:
    pem = make_key("ed25519")
    Signer(DkimSpec("s1"), pem)
    assert pem.decode() not in without_secrets(f"broke on {pem.decode()}")
    assert str(pem) not in without_secrets(f"broke on {pem!r}")

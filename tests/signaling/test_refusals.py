"""What the server does not start with."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

import pytest
import yaml

from signaling.refusals import (
    exposed,
    open_settings,
    open_storage,
    refusals,
    secrets_in,
    weak_secrets,
    weakness,
)
from sluice.config import Settings
from sluice.storage import Store

ROOT = Path(__file__).parents[2]
GOOD = secrets.token_urlsafe(32)


def settings(**sections: object) -> Settings:
    return Settings(**sections)  # type: ignore[arg-type]


class TestPlainHttp:
    @pytest.mark.parametrize(
        ("server", "refused"),
        [
            ({}, False),
            ({"host": "::1"}, False),
            ({"host": "127.0.0.2"}, False),
            ({"host": "0.0.0.0"}, True),
            ({"host": "::"}, True),
            ({"host": "192.0.2.7"}, True),
            ({"host": "0.0.0.0", "public_url": "http://a.example"}, True),
            ({"host": "0.0.0.0", "public_url": "https://a.example"}, False),
            ({"host": "0.0.0.0", "allow_plain_http": True}, False),
            ({"admin_port": 9000}, False),
            ({"admin_host": "0.0.0.0"}, False),
            ({"admin_port": 9000, "admin_host": "0.0.0.0"}, True),
            (
                {"admin_port": 9000, "admin_host": "0.0.0.0", "public_url": "https://a.example"},
                True,
            ),
            ({"admin_port": 9000, "admin_host": "0.0.0.0", "allow_plain_http": True}, False),
        ],
    )
    def test_strangers_do_not_get_it_unasked(
        self, server: dict[str, object], refused: bool
    ) -> None:
        assert (exposed(settings(server=server)) is not None) is refused

    def test_the_text_says_what_to_do(self) -> None:
        text = exposed(settings(server={"host": "0.0.0.0"}))
        assert text is not None
        for word in ("0.0.0.0", "public_url", "SLUICE_SERVER__ALLOW_PLAIN_HTTP=true"):
            assert word in text

    def test_the_environment_can_allow_it(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("SLUICE_SERVER__HOST", "0.0.0.0")
        assert exposed(Settings()) is not None
        monkeypatch.setenv("SLUICE_SERVER__ALLOW_PLAIN_HTTP", "true")
        assert exposed(Settings()) is None


class TestWeakSecrets:
    @pytest.mark.parametrize(
        "secret",
        [
            "short",
            "changeme",
            "changemechangemechangemechangeme",
            "Sluice-Secret-1234567890",
            "password_password",
            "a" * 40,
            "abababababababababababab",
            "123456789012345678901234",
        ],
    )
    def test_what_others_can_guess_is_refused(self, secret: str) -> None:
        assert weakness(secret) is not None

    def test_what_is_random_is_taken(self) -> None:
        for _ in range(200):
            for secret in (secrets.token_urlsafe(16), secrets.token_hex(16)):
                assert weakness(secret) is None, secret

    def test_they_are_named_wherever_they_stand(self) -> None:
        found = list(
            weak_secrets(
                settings(
                    auth={"admin_token": "changeme" * 4, "viewer_token_secret": GOOD},
                    ice_servers=[
                        {"urls": ["turn:a.example"], "secret": GOOD},
                        {"urls": ["turn:b.example"], "secret": "north"},
                    ],
                    recorder={"store": {"secret_key": "minio"}},
                )
            )
        )
        names = sorted(text.split()[0] for text in found)
        assert names == ["auth.admin_token", "ice_servers.1.secret", "recorder.store.secret_key"]
        assert "token_urlsafe" in found[0]
        assert not any("changeme" in text or "minio" in text for text in found)

    def test_what_clients_are_told_anyway_is_no_secret(self) -> None:
        server = {"urls": ["turn:a.example"], "username": "u", "credential": "pass"}
        assert list(weak_secrets(settings(ice_servers=[server]))) == []


class TestTheSettingsFile:
    def file(self, folder: Path, tree: dict[str, object], mode: int) -> Path:
        path = folder / "sluice.yaml"
        path.write_text(yaml.safe_dump(tree))
        path.chmod(mode)
        return path

    @pytest.mark.parametrize("mode", [0o644, 0o640, 0o604, 0o660, 0o620])
    def test_with_secrets_it_is_for_its_owner_alone(self, tmp_path: Path, mode: int) -> None:
        file = self.file(tmp_path, {"auth": {"admin_token": GOOD}}, mode)
        text = open_settings(file)
        assert text is not None
        assert f"chmod 600 {file}" in text
        assert "auth.admin_token" in text
        assert GOOD not in text

    @pytest.mark.parametrize("mode", [0o600, 0o400])
    def test_for_its_owner_alone_it_is_taken(self, tmp_path: Path, mode: int) -> None:
        assert open_settings(self.file(tmp_path, {"auth": {"admin_token": GOOD}}, mode)) is None

    def test_without_secrets_anybody_may_read_it(self, tmp_path: Path) -> None:
        file = self.file(tmp_path, {"server": {"port": 1}, "auth": {"admin_token": None}}, 0o644)
        assert open_settings(file) is None
        assert open_settings(ROOT / "sluice.yaml") is None

    @pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
    @pytest.mark.parametrize(("mode", "taken"), [(0o640, True), (0o660, False), (0o644, False)])
    def test_somebody_else_may_keep_it_for_our_group(
        self, tmp_path: Path, mode: int, taken: bool
    ) -> None:
        file = self.file(tmp_path, {"auth": {"admin_token": GOOD}}, mode)
        os.chown(file, 12_345, -1)
        assert (open_settings(file) is None) is taken

    def test_every_secret_is_known(self, tmp_path: Path) -> None:
        tree: dict[str, object] = {
            "auth": {"admin_token": "x", "viewer_token_secret": "x"},
            "bridge": {"signing_secret": "x"},
            "chat": {"user_token_secret": "x"},
            "money": {
                "stripe_api_key": "x",
                "stripe_webhook_secret": "x",
                "stripe_webhook_secret_before": "x",
                "database_url": "x",
            },
            "recorder": {
                "database_url": "x",
                "store": {"access_key": "x", "secret_key": "x"},
                "jobs": {"redis_url": "x"},
            },
            "ice_servers": [{"urls": ["turn:x"], "credential": "x", "secret": "x"}],
        }
        found = secrets_in(self.file(tmp_path, tree, 0o600))
        assert len(found) == 14
        assert "recorder.jobs.redis_url" in found
        assert "ice_servers.credential" in found


class TestTheStorage:
    def test_what_we_make_is_for_us_alone(self, tmp_path: Path) -> None:
        before = os.umask(0)
        try:
            Store(tmp_path / "store").close()
        finally:
            os.umask(before)
        assert (tmp_path / "store").stat().st_mode & 0o077 == 0
        assert (tmp_path / "store/sluice.db").stat().st_mode & 0o077 == 0
        assert open_storage(tmp_path / "store") is None

    def test_a_folder_that_is_not_there_is_made_later(self, tmp_path: Path) -> None:
        assert open_storage(tmp_path / "none") is None

    def test_a_database_that_others_can_reach_is_refused(self, tmp_path: Path) -> None:
        Store(tmp_path / "store").close()
        (tmp_path / "store").chmod(0o755)
        assert open_storage(tmp_path / "store") is None  # its file is closed
        (tmp_path / "store/sluice.db").chmod(0o644)
        text = open_storage(tmp_path / "store")
        assert text is not None
        assert f"chmod 700 {tmp_path / 'store'}" in text
        (tmp_path / "store").chmod(0o700)
        assert open_storage(tmp_path / "store") is None

    def test_a_folder_that_others_can_write_is_refused(self, tmp_path: Path) -> None:
        folder = tmp_path / "store"
        folder.mkdir()
        folder.chmod(0o777)
        assert "written by other users" in (open_storage(folder) or "")


def test_all_of_it_is_told_at_once(tmp_path: Path) -> None:
    own = settings(
        server={"host": "0.0.0.0"}, auth={"admin_token": "a" * 40}, storage={"path": tmp_path}
    )
    file = tmp_path / "sluice.yaml"
    file.write_text(f"auth: {{admin_token: {'a' * 40}}}\n")
    file.chmod(0o644)
    assert len(refusals(own, file)) == 3
    assert refusals(settings(storage={"path": tmp_path}), None) == []

"""`sluice edge` and `sluice edge-config`."""

from __future__ import annotations

import shlex
import socket
from pathlib import Path

import pytest
import typer
import uvicorn
from typer.testing import CliRunner, Result

from bridge.edge.app import Edge
from bridge.edge.config import NGINX, SERVICE, VCL
from signaling.edge_cli import SECRET_VARIABLE, edge_command, edge_config_command
from tests.journeys.server import free_ports

PORT = ("--port", str(free_ports(1)))
SECRET = "0123456789abcdef0123456789abcdef"


@pytest.fixture
def shell() -> typer.Typer:
    app = typer.Typer()
    app.command("edge")(edge_command)
    app.command("edge-config")(edge_config_command)
    return app


@pytest.fixture
def served(monkeypatch: pytest.MonkeyPatch) -> list[uvicorn.Config]:
    """What would have been run."""
    configs: list[uvicorn.Config] = []

    def run(server: uvicorn.Server, sockets: list[socket.socket]) -> None:
        assert len(sockets) == 1
        configs.append(server.config)

    monkeypatch.setattr(uvicorn.Server, "run", run)
    return configs


def run(shell: typer.Typer, *arguments: str, **variables: str) -> Result:
    return CliRunner().invoke(shell, arguments, env={"COLUMNS": "200", **variables})


def config(shell: typer.Typer, folder: Path, *more: str) -> Result:
    certificate = ["--tls-cert", "/etc/ssl/a.pem", "--tls-key", "/etc/ssl/a.key"]
    name = ["--server-name", "live.example.org", "--out", str(folder)]
    return run(shell, "edge-config", *certificate, *name, *more)


def test_configurations_are_written_and_the_next_steps_named(
    shell: typer.Typer, tmp_path: Path
) -> None:
    result = config(shell, tmp_path / "edge", "--origin", "10.0.0.5:8080")
    assert result.exit_code == 0, result.output
    for name in (NGINX, VCL, SERVICE):
        assert (tmp_path / "edge" / name).is_file()
        assert name in result.output
    assert "nginx -t" in result.output
    assert "server 10.0.0.5:8080;" in (tmp_path / "edge" / NGINX).read_text()


def test_the_command_in_the_first_line_makes_the_same_file_again(
    shell: typer.Typer, tmp_path: Path
) -> None:
    assert config(shell, tmp_path, "--stale-s", "30", "--memory", "1g").exit_code == 0
    made = (tmp_path / VCL).read_text()
    words = shlex.split(made.splitlines()[0].split("`")[1])
    assert words[:2] == ["sluice", "edge-config"]
    (tmp_path / VCL).unlink()
    assert run(shell, *words[1:]).exit_code == 0
    assert (tmp_path / VCL).read_text() == made


def test_a_mistake_is_one_clear_sentence(shell: typer.Typer, tmp_path: Path) -> None:
    result = config(shell, tmp_path, "--origin", "http://10.0.0.5:8080")
    assert result.exit_code == 1
    assert "127.0.0.1:8080" in result.output
    assert not list(tmp_path.iterdir())


def test_an_edge_is_run_at_the_address(shell: typer.Typer, served: list[uvicorn.Config]) -> None:
    port = free_ports(1)
    result = run(shell, "edge", "--origin", "http://127.0.0.1:8080", "--port", str(port))
    assert result.exit_code == 0, result.output
    [how] = served
    assert isinstance(how.app, Edge)
    assert (how.host, how.port, how.proxy_headers) == ("127.0.0.1", port, False)
    assert f"http://127.0.0.1:{port}" in result.output


def test_a_port_that_is_taken_is_one_clear_sentence(
    shell: typer.Typer, served: list[uvicorn.Config]
) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        result = run(shell, "edge", "--origin", "http://127.0.0.1:8080", "--port", port)
    assert result.exit_code == 1
    assert "--port" in result.output
    assert served == []


def test_an_edge_for_everybody_says_what_it_lacks(
    shell: typer.Typer, served: list[uvicorn.Config]
) -> None:
    result = run(shell, "edge", "--origin", "http://10.0.0.5:8080", "--host", "0.0.0.0", *PORT)
    assert "plain HTTP" in result.output


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--origin", "10.0.0.5:8080"), "no origin"),
        (("--origin", "http://10.0.0.5/live"), "no origin"),
        (("--origin", "http://a", "--host", "nowhere"), "nowhere"),
        (("--origin", "http://a", "--secret-file", "gone"), "gone"),
    ],
)
def test_an_edge_that_cannot_be_is_not_run(
    shell: typer.Typer, served: list[uvicorn.Config], arguments: tuple[str, ...], words: str
) -> None:
    result = run(shell, "edge", *arguments)
    assert result.exit_code == 1
    assert words in result.output
    assert served == []


def test_the_secret_comes_from_a_file_or_the_environment(
    shell: typer.Typer, served: list[uvicorn.Config], tmp_path: Path
) -> None:
    origin = ("--origin", "http://127.0.0.1:8080", *PORT)
    secret = tmp_path / "secret"
    secret.write_text(SECRET + "\n")
    assert run(shell, "edge", *origin, "--secret-file", str(secret)).exit_code == 0
    assert run(shell, "edge", *origin, **{SECRET_VARIABLE: SECRET}).exit_code == 0
    refused = run(shell, "edge", *origin, **{SECRET_VARIABLE: "short"})
    assert (refused.exit_code, "32 bytes" in refused.output) == (1, True)
    assert len(served) == 2

"""Background processes: found again, stopped with all their children, never mistaken for somebody else's."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from pipeline.processes import Process, Service, stop, wait_until_gone

STUBBORN = "trap '' TERM; echo ready; sleep 1000 & sleep 1000 & wait"
POLITE = "echo ready; sleep 1000 & wait"


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Service]:
    found = Service("scheduler", tmp_path / "services")
    yield found
    stop([found], patience=0)


def start(service: Service, script: str, children: int) -> set[Process]:
    """Start a shell script and return its processes once it says that it is ready and its children run."""
    service.start(["/bin/sh", "-c", script], os.environ)
    deadline = time.monotonic() + 20
    while "ready" not in service.last_lines() or len(service.members()) < 1 + children:
        assert time.monotonic() < deadline, service.last_lines()
        time.sleep(0.01)
    return service.members()


def test_a_started_service_is_found_again_by_its_pid_file(service: Service) -> None:
    start(service, POLITE, children=1)
    again = Service(service.name, service.folder)
    assert again.is_running()
    assert again.members() == service.members()


def test_stopping_ends_children_that_outlive_their_parent(service: Service) -> None:
    members = start(service, POLITE, children=1)
    stop([service], patience=5)
    assert wait_until_gone(members, 0)
    assert not service.pid_file.exists()


def test_stopping_ends_what_ignores_being_asked(service: Service) -> None:
    members = start(service, STUBBORN, children=2)
    stop([service], patience=0.2)
    assert wait_until_gone(members, 0)


def test_children_of_a_killed_leader_are_still_ours(service: Service) -> None:
    members = start(service, STUBBORN, children=2)
    leader = service.recorded()
    assert leader is not None
    os.kill(leader.pid, 9)
    assert wait_until_gone([leader], 10)
    assert not service.is_running()
    assert service.members() == members - {leader}
    stop([service], patience=0)
    assert wait_until_gone(members, 0)


def test_a_stale_pid_file_names_nobody_even_when_the_number_is_used_again(service: Service) -> None:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as stranger:
        service.folder.mkdir()
        service.pid_file.write_text(f"{stranger.pid} 1\n")
        assert not service.is_running()
        assert service.members() == set()
        stop([service], patience=0)
        assert stranger.poll() is None, "a stranger was stopped"
        assert not service.pid_file.exists()
        stranger.kill()


def test_a_damaged_pid_file_names_nobody(service: Service) -> None:
    service.folder.mkdir()
    service.pid_file.write_text("")
    assert not service.is_running()
    assert service.members() == set()


def test_a_new_start_does_not_forget_what_a_killed_leader_left(service: Service) -> None:
    members = start(service, STUBBORN, children=2)
    leader = service.recorded()
    assert leader is not None
    os.kill(leader.pid, 9)
    assert wait_until_gone([leader], 10)
    start(service, POLITE, children=1)
    stop([service], patience=5)
    assert wait_until_gone(members, 0)

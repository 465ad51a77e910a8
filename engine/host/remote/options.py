"""The options of a command line that open doors for remotes."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import Any

from engine.host.remote.endpoint import NETWORK, beside, endpoint_of
from engine.host.remote.station import RemoteConfig


def add_remote_options(add: Callable[..., Any]) -> None:
    """Add them; `add` is `add_argument` of a parser."""
    add("--osc", default="auto", help="[ADDRESS:]PORT of OSC, auto: --port + 1 on 127.0.0.1, off")
    add("--osc-to", default="off", help="ADDRESS:PORT that is told over OSC what changes")
    add("--remote", default="off", help="[ADDRESS:]PORT of the page for phones; on: 0.0.0.0:7702")


def remote_config(options: argparse.Namespace) -> RemoteConfig:
    """Return what the options say.

    Raises:
        ConfigError: one says what cannot be.
    """
    page = "auto" if options.remote == "on" else options.remote
    return RemoteConfig(
        osc=endpoint_of(options.osc, "--osc", beside(options.port)),
        osc_to=endpoint_of(options.osc_to, "--osc-to", None),
        page=endpoint_of(page, "--remote", NETWORK),
    )

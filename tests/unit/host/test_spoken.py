import pytest

from engine.errors import ConfigError
from engine.host.spoken import HELP, command_of
from engine.protocol.messages import Back, Go, HoldFollow, QueuePrompt, SoftCut, StandBy


@pytest.mark.parametrize(
    ("line", "command"),
    [
        ("", Go()),
        ("  GO \r", Go()),
        ("back", Back()),
        ("standby Deep Water", StandBy(cue="Deep Water")),
        ("hold", HoldFollow(is_held=True)),
        ("prompt slow fire", QueuePrompt(text="slow fire")),
        ("soft 8", SoftCut(num_chunks=8)),
    ],
)
def test_a_line_is_an_order(line, command):
    assert command_of(line) == command


@pytest.mark.parametrize("line", ["fly", "standby", "soft x", "go go", "soft"])
def test_what_is_no_order_is_refused_with_all_that_are(line):
    with pytest.raises(ConfigError) as refusal:
        command_of(line)
    assert HELP in str(refusal.value)
    assert repr(line) in str(refusal.value)

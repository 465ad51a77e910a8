"""Who else is on the card, from rows as nvidia-smi prints them."""

import pytest

from engine.bench.gpu_sharing import others_in

CARD, OTHER = "8a1f", "77c0"
OWN = f"GPU-{CARD}, 41, python3, 900 MiB"
NEIGHBOUR = f"GPU-{CARD}, 52, blender, 400 MiB"
ELSEWHERE = f"GPU-{OTHER}, 63, python3, 56680 MiB"


@pytest.mark.parametrize(
    ("rows", "found"),
    [
        ([], ()),
        ([OWN], ()),
        ([OWN, ELSEWHERE], ()),
        ([OWN, NEIGHBOUR, ELSEWHERE], ("52, blender, 400 MiB",)),
        # In a container the own process goes by another number.
        ([NEIGHBOUR], ()),
        ([NEIGHBOUR, OWN.replace("41", "42")], ("52, blender, 400 MiB", "42, python3, 900 MiB")),
    ],
)
def test_only_other_processes_on_the_own_card_disturb(rows, found):
    assert others_in("\n".join(rows) + "\n", 41, CARD) == found

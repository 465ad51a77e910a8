"""What a reading says of a caption, and what the classifier refuses to read."""

import pytest
import torch

from engine.bench.classifier import (
    INPUT_PX,
    PictureClassifier,
    Reading,
    load_classifier,
    shrink,
)
from engine.errors import WeightsError
from engine.worker.models.house.vocabulary import COLOURS, FAMILIES

CPU = torch.device("cpu")


def reading(families, colours):
    """One row a chunk: {index: value} of each."""
    rows = torch.zeros(len(families), len(FAMILIES)), torch.zeros(len(colours), len(COLOURS))
    for row, values in zip((*rows[0], *rows[1]), (*families, *colours), strict=True):
        for index, value in values.items():
            row[index] = value
    return Reading(*rows)


def test_the_family_with_the_largest_mean_over_chunks_wins():
    seen = reading([{0: 0.9, 1: 0.1}, {0: 0.3, 1: 0.7}, {0: 0.4, 1: 0.6}], [{0: 1.0}] * 3)
    assert seen.agreement(0, [0]).family == 1
    assert seen.agreement(1, [0]).family == 0


def test_the_first_chunk_can_be_left_out():
    seen = reading([{0: 1.0}, {1: 0.6}], [{2: 1.0}, {3: 0.5}]).after_first()
    found = seen.agreement(1, [3])
    assert (found.family, found.colour) == (1, 1)


def test_of_three_named_colours_two_found_are_two_thirds():
    seen = reading([{0: 1.0}], [{1: 0.9, 2: 0.8, 5: 0.7, 3: 0.6}])
    assert seen.agreement(0, [1, 2, 3]).colour == pytest.approx(2 / 3)


def test_every_chunk_gets_a_reading_that_sums_to_one_whatever_the_size():
    torch.manual_seed(0)
    net = PictureClassifier().eval()
    for size in ((64, 64), (256, 256), (144, 256)):
        seen = net.read(torch.randint(0, 256, (24, 3, *size), dtype=torch.uint8))
        assert seen.families.shape == (2, len(FAMILIES))
        torch.testing.assert_close(seen.families.sum(1), torch.ones(2))
        assert ((seen.colours >= 0) & (seen.colours <= 1)).all()


def test_pictures_are_averaged_down_and_never_enlarged():
    checks = (torch.arange(256) % 2 * 255).to(torch.uint8).expand(1, 3, 256, 256)
    small = shrink(checks)
    assert small.shape == (1, 3, INPUT_PX, INPUT_PX)
    torch.testing.assert_close(small, torch.full_like(small, 0.5))
    assert shrink(torch.zeros(1, 3, 72, 128, dtype=torch.uint8)).shape == (1, 3, 72, 128)
    assert shrink(torch.zeros(1, 3, 32, 32)).shape == (1, 3, 32, 32)


def test_half_a_chunk_is_refused_with_its_number():
    with pytest.raises(ValueError, match="18 frames"):
        PictureClassifier().read(torch.zeros(18, 3, 32, 32, dtype=torch.uint8))


def test_missing_weights_are_refused_with_the_way_to_make_them(tmp_path):
    with pytest.raises(WeightsError, match=r"training\.classifier"):
        load_classifier(CPU, tmp_path / "none.safetensors")


def test_weights_that_are_no_weights_are_refused(tmp_path):
    path = tmp_path / "classifier.safetensors"
    path.write_bytes(b"no tensors")
    with pytest.raises(WeightsError, match="does not fit"):
        load_classifier(CPU, path)

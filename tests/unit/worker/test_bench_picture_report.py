"""Goals, tables, comparisons and contact sheets of the picture proof."""

import json

import cv2
import pytest
import torch

from engine.bench.picture import main
from engine.bench.picture_pieces import merged, read_proof
from engine.bench.picture_report import (
    BEGIN_MARK,
    END_MARK,
    Line,
    Part,
    Proof,
    markdown_table,
    text_table,
    values_of,
    write_markdown,
)
from engine.bench.picture_sheets import Row, cells_of, evenly, grey_cells, sheet, write_sheet
from engine.errors import ConfigError

PROOF = Proof(
    setting={"model": "house"},
    parts=(
        Part(
            name="prompts",
            lines=(
                Line(key="motion", label="motion", value=0.93, ceiling=1.0, low=0.7),
                Line(key="edge", label="edge", value=0.9, low=0.95, high=1.05),
                Line(key="late", label="late", value=0.2),
            ),
        ),
    ),
)


def line(value, low=None, high=None):
    return Line(key="k", label="l", value=value, low=low, high=high)


@pytest.mark.parametrize(
    ("found", "goal", "verdict"),
    [
        (line(0.93, low=0.7), "≥ 0.70", "met by 0.230"),
        (line(0.7, low=0.7), "≥ 0.70", "met by 0.000"),
        (line(0.65, low=0.7), "≥ 0.70", "MISSED by 0.050"),
        (line(0.3, high=0.2), "≤ 0.20", "MISSED by 0.100"),
        (line(0.9, 0.95, 1.05), "0.95 to 1.05", "MISSED by 0.050"),
        (line(1.1, 0.95, 1.05), "0.95 to 1.05", "MISSED by 0.050"),
        (line(1.0, 0.95, 1.05), "0.95 to 1.05", "met by 0.050"),
        (line(1.0), "", ""),
    ],
)
def test_a_goal_says_whether_it_is_met_and_by_how_much(found, goal, verdict):
    assert (found.goal(), found.verdict()) == (goal, verdict)


def test_a_number_that_is_no_number_misses_its_goal():
    assert line(float("nan"), low=0.7).is_met is False
    assert line(float("inf"), 0.95, 1.05).is_met is False


def test_only_lines_with_a_goal_can_be_missed():
    assert [missed.key for missed in PROOF.missed()] == ["edge"]


def test_the_table_shows_an_earlier_run_beside_and_a_dash_where_it_says_nothing():
    table = text_table(PROOF.parts, {"motion": 0.5, "edge": 0.97})
    assert "before" in table.splitlines()[0]
    motion, _, late = table.splitlines()[2:]
    assert [word for word in motion.split() if word[0].isdigit()][:3] == ["0.93", "1.00", "0.50"]
    assert "–" in late
    assert "before" not in text_table(PROOF.parts, {})


def test_the_json_of_a_run_is_what_the_next_one_is_compared_with(tmp_path):
    path = tmp_path / "run.json"
    path.write_text(json.dumps(PROOF.as_json()))
    assert values_of(path) == {"motion": 0.93, "edge": 0.9, "late": 0.2}


@pytest.mark.parametrize("text", ["", "[]", '{"parts": [{"lines": [{}]}]}'])
def test_a_file_that_no_run_wrote_is_refused_by_name(tmp_path, text):
    path = tmp_path / "run.json"
    path.write_text(text)
    with pytest.raises(ConfigError, match=r"run\.json cannot be compared with"):
        values_of(path)


def test_the_table_replaces_what_stands_between_the_marks_and_nothing_else(tmp_path):
    path = tmp_path / "doc.md"
    path.write_text(f"before\n{BEGIN_MARK}\nold\n{END_MARK}\nafter\n")
    write_markdown(path, markdown_table(PROOF.parts, {}))
    text = path.read_text()
    assert text.startswith(f"before\n{BEGIN_MARK}\n\n| ")
    assert text.endswith(f"|\n\n{END_MARK}\nafter\n")
    assert "old" not in text
    widths = {row.count("|") for row in text.splitlines() if row.startswith("|")}
    assert len(widths) == 1


@pytest.mark.parametrize("text", ["no marks", BEGIN_MARK, f"{END_MARK}\n{BEGIN_MARK}"])
def test_a_document_without_marks_is_refused_and_stays_as_it_was(tmp_path, text):
    path = tmp_path / "doc.md"
    path.write_text(text)
    with pytest.raises(ConfigError, match="put both there first"):
        write_markdown(path, "table")
    assert path.read_text() == text


# ---------------------------------------------------------------- in pieces


def piece(tmp_path, name, value, **setting):
    proof = Proof(
        setting={"model": "house"} | setting,
        parts=(
            Part(name=name, lines=(Line(key=name, label=name, value=value, low=0.5),),
                 details={"by prompt": {"slow red flames": value}}),
        ),
    )  # fmt: skip
    path = tmp_path / f"{name} {value}.json"
    path.write_text(json.dumps(proof.as_json()))
    return path


def test_a_run_is_read_back_as_it_was_written(tmp_path):
    path = tmp_path / "run.json"
    path.write_text(json.dumps(PROOF.as_json()))
    assert read_proof(path) == PROOF


def test_pieces_become_one_proof_and_a_part_that_was_played_again_counts_as_last(tmp_path, capsys):
    paths = [piece(tmp_path, "a", 0.4), piece(tmp_path, "b", 0.6), piece(tmp_path, "a", 0.7)]
    whole = tmp_path / "all.json"
    assert main(["--merge", *map(str, paths), "--json", str(whole)]) == 0
    assert "every goal is met" in capsys.readouterr().out
    found = read_proof(whole)
    assert [(part.name, part.lines[0].value) for part in found.parts] == [("a", 0.7), ("b", 0.6)]
    assert found.parts[0].details == {"by prompt": {"slow red flames": 0.7}}


def test_pieces_of_different_runs_are_refused_with_what_differs(tmp_path):
    paths = [piece(tmp_path, "a", 0.4), piece(tmp_path, "b", 0.6, model="other", chunks=4)]
    expected = (
        r"b 0\.6\.json is of another run .*a 0\.4\.json: chunks, model 4, other, there None, h"
    )
    with pytest.raises(ConfigError, match=expected):
        merged([(path, read_proof(path)) for path in paths])


def test_pieces_may_come_from_several_machines_and_all_are_named(tmp_path):
    devices = ("cuda:0", "cpu", "cpu")
    paths = [piece(tmp_path, name, 0.4, device=d) for name, d in zip("abc", devices, strict=True)]
    found = merged([(path, read_proof(path)) for path in paths])
    assert [part.name for part in found.parts] == ["a", "b", "c"]
    assert found.setting["device"] == "cuda:0, cpu"


@pytest.mark.parametrize("text", ["", "[]", '{"parts": [], "setting": 3}', '{"parts": [{}]}'])
def test_a_piece_that_no_run_wrote_is_refused_by_name(tmp_path, text):
    path = tmp_path / "run.json"
    path.write_text(text)
    with pytest.raises(ConfigError, match=r"run\.json holds no parts to merge"):
        read_proof(path)


# ---------------------------------------------------------------- sheets


def grey(levels, height=16, width=16):
    frames = torch.tensor(levels, dtype=torch.uint8).view(-1, 1, 1, 1)
    return frames.expand(-1, 3, height, width)


def test_a_sheet_shows_the_first_moment_left_and_the_last_one_right():
    frames = grey(list(range(0, 240, 10)))
    row = Row("a", cells_of(frames, evenly(len(frames), 8), 32))
    picture = sheet([row, row])
    assert picture.shape == (64, 8 * 32, 3)
    assert (picture[24, 8].max(), picture[24, -8].min()) == (0, 230)


def test_short_rows_are_filled_up_with_black():
    picture = sheet([Row("a", cells_of(grey([9] * 3), [0, 1, 2], 32)),
                     Row("b", cells_of(grey([9]), [0], 32))])  # fmt: skip
    assert picture.shape == (64, 96, 3)
    assert picture[63, 95].max() == 0


def test_a_wide_frame_is_shown_whole_between_black_bars():
    cell = cells_of(grey([200], height=9, width=16), [0], 32)[0]
    assert cell.shape == (3, 32, 32)
    assert cell[:, :6].max() == 0
    assert cell[:, 16].min() == 200


def test_maps_are_shown_as_grey():
    assert grey_cells(torch.full((1, 4, 4), 0.5), [0], 16)[0, :, 8, 8].tolist() == [128] * 3


def test_colours_keep_their_channels_in_the_file(tmp_path):
    red = torch.zeros(1, 3, 16, 16, dtype=torch.uint8)
    red[:, 0] = 255
    write_sheet(tmp_path / "sheet.jpg", [Row("", cells_of(red, [0], 32))])
    blue, _, shown_red = cv2.imread(str(tmp_path / "sheet.jpg"))[28, 16]
    assert shown_red > 240 > 20 > blue


def test_a_sheet_of_noise_is_squeezed_below_its_limit(tmp_path):
    generator = torch.Generator().manual_seed(0)
    cells = torch.randint(0, 256, (8, 3, 64, 64), generator=generator).to(torch.uint8)
    path = tmp_path / "deep" / "sheet.jpg"
    size = write_sheet(path, [Row("noise", cells)] * 4, max_bytes=12_000)
    assert path.stat().st_size == size <= 12_000


def test_a_sheet_of_nothing_is_refused():
    with pytest.raises(ValueError, match="at least one row"):
        sheet([])

"""Pulling models from a hub on loopback that answers as the real one, and fails as networks do."""

import json
import sys

import huggingface_hub
import pytest
from filelock import FileLock

from engine.errors import ConfigError, DownloadError, ExitCode, WeightsError
from engine.model_store.hub import Hub, Patience
from engine.model_store.pull import Puller
from engine.model_store.store import Store
from engine.protocol.model_reports import ModelPulled, ModelState, PullNoticed, PullProgressed
from tests import tiny_models
from tests.hub_server import COMMIT, FakeHub, serving
from tests.tiny_models import EXTRA, NOTES, SHARED, TINY, WEIGHTS

ALL_BYTES = len(WEIGHTS) + len(EXTRA) + len(NOTES)
WEIGHTS_PATH = ("us/tiny", "tiny.safetensors")


@pytest.fixture
def hub(monkeypatch):
    """A hub with the tiny models; we are logged in."""
    fake = FakeHub()
    tiny_models.fill(fake)
    with serving(fake):
        monkeypatch.setenv("HF_ENDPOINT", fake.address)
        monkeypatch.setenv("HF_TOKEN", "hf_secret")
        monkeypatch.setenv("NO_PROXY", "127.0.0.1")
        yield fake


@pytest.fixture(scope="module", autouse=True)
def one_client():
    """The client takes a while to make, so all tests share it."""
    yield
    huggingface_hub.close_session()


@pytest.fixture
def store(tmp_path):
    """A store in which the licences are accepted."""
    store = Store(tmp_path / "models")
    for model in (TINY, SHARED):
        store.accept(model, model.licence)
    return store


def pull(store, *models, tries=3, **options):
    """Pull, without pauses; return what was said."""
    said = []
    patience = Patience(tries=tries, pause_s=0, timeout_s=10)
    Puller(store, Hub(patience), said.append, **options).pull(models or (SHARED, TINY))
    return said


def test_a_pulled_model_is_whole_and_the_store_says_so(hub, store):
    assert store.state(TINY) is ModelState.NOT_HERE
    pull(store)
    folder = store.folder(TINY)
    assert (folder / "tiny.safetensors").read_bytes() == WEIGHTS
    assert (folder / "more" / "extra.bin").read_bytes() == EXTRA
    assert (store.folder(SHARED) / "deep" / "notes.json").read_bytes() == NOTES
    assert store.state(TINY) is ModelState.HERE
    assert not store.partial(TINY).exists()
    assert [file.commit for file in store.manifest(TINY).files] == [COMMIT, COMMIT]


def test_a_pull_tells_how_far_it_is_up_to_the_last_byte(hub, store):
    said = [r for r in pull(store, TINY) if isinstance(r, PullProgressed)]
    total = len(WEIGHTS) + len(EXTRA)
    assert {report.total_bytes for report in said} == {total}
    loading = [report.done_bytes for report in said if report.step == "downloading"]
    assert loading == sorted(loading)
    assert said[-1].done_bytes == total
    assert {report.file for report in said} == {"tiny.safetensors", "more/extra.bin"}


def test_a_second_pull_asks_the_hub_nothing(hub, store):
    pull(store)
    hub.requests.clear()
    assert [report.sent_bytes for report in pull(store)] == [0, 0]
    assert hub.requests == []


def test_with_everything_here_no_network_is_needed(hub, store, monkeypatch):
    pull(store)
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:1")
    assert all(isinstance(report, ModelPulled) for report in pull(store))


def test_after_a_connection_that_dies_only_the_missing_bytes_are_sent(hub, store):
    hub.cuts = [len(NOTES), 70_000, 50_000]
    said = pull(store)
    assert store.state(TINY) is ModelState.HERE
    ranges = [request.range for request in hub.asked("storage", "GET")]
    assert ranges == ["", "", "bytes=70000-", "bytes=120000-", ""]
    assert hub.sent_bytes == ALL_BYTES
    assert sum(isinstance(report, PullNoticed) for report in said) == 2


def test_a_later_pull_goes_on_where_an_earlier_one_was_lost(hub, store):
    hub.cuts = [70_000, 0, 0, 0]
    with pytest.raises(DownloadError, match=r"70000 of \d+ bytes are kept"):
        pull(store, TINY)
    assert store.state(TINY) is ModelState.PARTLY
    assert store.here_bytes(TINY) == 70_000
    pull(store, TINY)
    assert hub.asked("storage", "GET")[-2].range == "bytes=70000-"
    assert hub.sent_bytes == len(WEIGHTS) + len(EXTRA)


def test_a_file_that_changed_meanwhile_is_not_glued_to_its_old_half(hub, store):
    hub.cuts = [len(WEIGHTS), 1000, 0, 0, 0]
    with pytest.raises(DownloadError):
        pull(store, TINY)
    hub.add("us/tiny", "more/extra.bin", EXTRA[::-1])
    pull(store, TINY)
    assert hub.asked("storage", "GET")[-1].range == ""
    assert (store.folder(TINY) / "more" / "extra.bin").read_bytes() == EXTRA[::-1]


def test_a_storage_without_ranges_is_started_over_and_that_is_told(hub, store):
    hub.knows_ranges = False
    hub.cuts = [70_000]
    said = pull(store, TINY)
    assert (store.folder(TINY) / "tiny.safetensors").read_bytes() == WEIGHTS
    assert "starting over" in [r.sentence for r in said if isinstance(r, PullNoticed)][-1]


@pytest.mark.parametrize("path", ["tiny.safetensors", "more/extra.bin"])
def test_bytes_with_a_wrong_checksum_are_thrown_away(hub, store, path):
    good = {"tiny.safetensors": WEIGHTS, "more/extra.bin": EXTRA}[path]
    hub.damages[path] = good[:-1] + b"!"
    with pytest.raises(WeightsError, match="came with checksum"):
        pull(store, TINY)
    assert store.state(TINY) is not ModelState.HERE
    assert not store.folder(TINY).exists()
    hub.damages.clear()
    pull(store, TINY)
    assert store.state(TINY) is ModelState.HERE


def test_a_small_file_is_held_against_its_git_id(hub, store):
    hub.damages["deep/notes.json"] = NOTES.upper()
    with pytest.raises(WeightsError, match="came with checksum"):
        pull(store, SHARED)


def test_another_file_than_the_catalogue_knows_is_refused_before_the_first_byte(hub, store):
    hub.add(*WEIGHTS_PATH, WEIGHTS[:-1] + b"!")
    with pytest.raises(WeightsError, match="update Segue"):
        pull(store, TINY)
    hub.add(*WEIGHTS_PATH, WEIGHTS + b"!")
    with pytest.raises(WeightsError, match="bytes, expected"):
        pull(store, TINY)
    assert hub.asked("storage") == []


@pytest.mark.parametrize(
    ("status", "headers", "told"),
    [
        (401, {}, "answers 401.*log in with `hf auth login`"),
        (401, {"X-Error-Code": "RepoNotFound"}, "answers 401.*log in"),
        (403, {}, "answers 403: you may not read"),
        (403, {"X-Error-Code": "GatedRepo"}, "its owner gives access by name only; agree on http"),
        (404, {"X-Error-Code": "RepoNotFound"}, "answers 404.*private, gone"),
        (404, {"X-Error-Code": "RevisionNotFound"}, "has no tiny.safetensors at revision main"),
        (404, {"X-Error-Code": "EntryNotFound"}, "update Segue"),
        (500, {}, "answers 500; try again later"),
        (503, {}, "answers 503; try again later"),
        (200, {"ETag": '"x"'}, "check HF_ENDPOINT"),
    ],
)
def test_what_the_hub_refuses_becomes_one_sentence(hub, store, status, headers, told):
    hub.answers[WEIGHTS_PATH] = (status, headers)
    with pytest.raises(DownloadError, match=told) as refused:
        pull(store, TINY)
    assert "\n" not in str(refused.value)
    assert refused.value.exit_code is ExitCode.UNAVAILABLE
    assert store.state(TINY) is ModelState.NOT_HERE


def test_without_a_network_that_is_said(store, monkeypatch):
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:1")
    with pytest.raises(DownloadError, match=r"cannot be reached.*connect to the network"):
        pull(store, TINY)


def test_the_token_goes_to_the_hub_and_never_to_its_storage(hub, store):
    pull(store, TINY)
    assert {request.authorization for request in hub.asked("hub")} == {"Bearer hf_secret"}
    assert {request.authorization for request in hub.asked("storage")} == {""}


def test_without_room_nothing_is_downloaded(hub, store):
    with pytest.raises(DownloadError, match=r"have to come .* has 0\.5 GB; free some"):
        pull(store, TINY, free=lambda _: 500_000_000)
    assert hub.asked("storage") == []
    pull(store, TINY, free=lambda _: 501_000_000)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="/dev/full is Linux's")
def test_a_disk_that_becomes_full_is_said(hub, store):
    part = store.reopen(TINY) / "tiny.safetensors.part"
    part.symlink_to("/dev/full")
    with pytest.raises(DownloadError, match="the disk became full; what came is kept"):
        pull(store, TINY)


def test_two_pulls_of_a_model_at_once_are_one_too_many(hub, store):
    lock = store.root / ".locks" / "tiny"
    lock.parent.mkdir(parents=True)
    with FileLock(lock), pytest.raises(DownloadError, match="another pull of it runs"):
        pull(store, TINY)
    pull(store, TINY)


def test_a_licence_that_was_not_accepted_stops_everything(hub, tmp_path):
    store = Store(tmp_path / "models")
    store.accept(SHARED, SHARED.licence)
    with pytest.raises(ConfigError, match=r"licence CC-BY-NC-SA-4\.0 has to be accepted first"):
        pull(store)
    assert hub.requests == []


def test_an_acceptance_is_kept_with_its_date_and_is_for_that_text_only(tmp_path):
    store = Store(tmp_path / "models")
    store.accept(TINY, TINY.licence)
    (record,) = json.loads((tmp_path / "models" / "licences.json").read_text())
    assert record["text_sha256"] == TINY.licence.text_sha256
    assert record["date"][:2] == "20"
    assert store.has_accepted(TINY)
    assert not store.has_accepted(SHARED)
    changed = tiny_models.Model(
        name="tiny", summary="", gpu="", licence=tiny_models.FREE, files=TINY.files
    )
    assert not store.has_accepted(changed)


def test_a_damaged_model_is_mended_with_the_missing_file_only(hub, store):
    pull(store, TINY)
    (store.folder(TINY) / "more" / "extra.bin").unlink()
    assert store.state(TINY) is ModelState.PARTLY
    hub.requests.clear()
    pull(store, TINY)
    assert hub.sent_bytes == len(EXTRA)
    assert store.state(TINY) is ModelState.HERE


def test_a_folder_that_cannot_be_written_is_said(hub, store, tmp_path):
    (tmp_path / "file").write_text("in the way")
    blocked = Store(tmp_path / "file" / "models")
    with pytest.raises(DownloadError, match="cannot be written"), blocked.lock(TINY):
        pass

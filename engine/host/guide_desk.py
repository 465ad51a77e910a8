"""Still pictures between the performer's files and the worker.

In:     guides that name files: of commands, of the show, of the score.
Out:    `StoreStill` and `DropStill` orders, ahead of the plans that name their keys; and
        `KeepMasksReady`, because a mask of people must be there when its cut lands.
Thread: the event loop; files are read beside it.
Full:   so many pictures are kept; what nobody names any more is dropped first.

A command waits until its pictures are read, so it is refused while nothing has changed. What was
not read ahead (a cue of a show that was never announced) is read when it is cut to: the chunks
until then go without it, and the performer is told.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from engine.errors import ConfigError
from engine.host.stills import Still, read_still
from engine.protocol.guides import (
    LIVE_MASKS,
    NO_GUIDES,
    Role,
    check_guides,
    names_of,
    pictures_of,
    with_pictures,
)
from engine.protocol.model_names import VACE_SUFFIX
from engine.protocol.orders import ChunkPlan, DropStill, KeepMasksReady, StoreStill
from engine.protocol.values import Cut, Guides, Severity

MAX_STILLS = 64  # of 1.2 MB each at 832x480

Notice = Callable[[Severity, str, str], None]
Send = Callable[[StoreStill | DropStill | KeepMasksReady], bool]
_Stamp = tuple[int, int, tuple[int, int]]  # when the file was changed, its size; the model's


class _Name(NamedTuple):
    role: Role
    path: str


class GuideDesk:
    """Owns the pictures that this show has read.

    Args:
        size_px: width and height of the model's picture.
        send: gives an order to the worker that runs, if one does.
        notice: tells the performer.
    """

    def __init__(self, size_px: tuple[int, int], send: Send, notice: Notice) -> None:
        self._size_px = size_px
        self._send = send
        self._notice = notice
        self._stills: dict[_Name, tuple[_Stamp, Still]] = {}  # least recently named first
        self._sent: set[str] = set()  # keys that this worker has
        self._reading: set[asyncio.Task[None]] = set()
        self._asked: set[_Name] = set()  # being read for the score
        self._failed: dict[_Name, str] = {}
        self._masks: tuple[str, ...] = ()  # of the show, made of the source
        self._refusal = ""
        self._left_out = NO_GUIDES  # of the look before
        self._takes_guides = True  # until a worker says that its model does not

    # ------------------------------------------------------------ reading

    async def fetch(self, guides: Guides | None) -> None:
        """Read the pictures of a command and give them to the worker.

        Raises:
            ConfigError: a guide cannot be, or a picture cannot be read; nothing was changed.
        """
        if guides is None or guides == NO_GUIDES or not self._takes_guides:
            return
        names = _names(check_guides(guides))
        for name, found in await asyncio.to_thread(self._read, names):
            self._keep(name, found)
            self._failed.pop(name, None)
            self._give(found[1])

    def announce(self, shows_guides: Iterable[Guides]) -> None:
        """Read the pictures of a show ahead of need; says which are missing."""
        shows_guides = list(shows_guides)
        names = dict.fromkeys(name for guides in shows_guides for name in _names(guides))
        masks = {guides.mask.kind for guides in shows_guides}
        self._masks = tuple(kind for kind in LIVE_MASKS if kind in masks)
        self._send(KeepMasksReady(kinds=self._masks))
        self._begin(list(names)[:MAX_STILLS])

    async def _read_ahead(self, names: list[_Name]) -> None:
        for name in names:
            try:
                found = await asyncio.to_thread(self._read, [name])
            except ConfigError as error:
                self._failed[name] = str(error)
                self._notice(Severity.WARNING, "guides", _without_promise(str(error)))
            else:
                self._keep(*found[0])
                self._failed.pop(name, None)
            self._asked.discard(name)

    def _read(self, names: Iterable[_Name]) -> list[tuple[_Name, tuple[_Stamp, Still]]]:
        """Read what is not known, or has changed on the disk. Not in the event loop."""
        return [(name, self._read_one(name)) for name in names]

    def _read_one(self, name: _Name) -> tuple[_Stamp, Still]:
        stamp = (*_stamp(name.path), self._size_px)
        known = self._stills.get(name)
        if known is not None and known[0] == stamp:
            return known
        return stamp, read_still(name.role, name.path, stamp[-1])

    def _keep(self, name: _Name, found: tuple[_Stamp, Still]) -> None:
        if found[0][-1] != self._size_px:  # the model was changed while this was read
            return
        self._stills.pop(name, None)
        self._stills[name] = found
        while len(self._stills) > MAX_STILLS:
            self._forget(next(iter(self._stills)))

    def _forget(self, name: _Name) -> None:
        _, still = self._stills.pop(name)
        is_shared = any(still.key == other.key for _, other in self._stills.values())
        if still.key in self._sent and not is_shared:
            self._sent.discard(still.key)
            self._send(DropStill(key=still.key))

    def resize(self, size_px: tuple[int, int]) -> None:
        """Read all pictures anew for a model of another size; plans go without until they are."""
        if size_px == self._size_px:
            return
        self._size_px = size_px
        names = list(self._stills)
        self._stills.clear()
        if names:
            self._begin(names)

    def _begin(self, names: list[_Name]) -> None:
        task = asyncio.get_running_loop().create_task(self._read_ahead(names))
        self._reading.add(task)
        task.add_done_callback(self._reading.discard)

    def stop(self) -> None:
        """Read no more."""
        for task in self._reading:
            task.cancel()

    # ------------------------------------------------------------ the worker

    def on_ready(self, *, takes_guides: bool) -> None:
        """A new worker has no pictures yet; those of the score come with the next plan."""
        self._sent.clear()
        self._takes_guides = takes_guides
        self._send(KeepMasksReady(kinds=self._masks))

    def on_report(self, refusal: str) -> None:
        """Say once why a guide was left out; give the worker one more picture of the show."""
        if refusal and refusal != self._refusal:
            self._notice(Severity.WARNING, "guides", refusal)
        self._refusal = refusal
        waiting = (still for _, still in self._stills.values() if still.key not in self._sent)
        still = next(waiting, None)
        if still is not None and self._takes_guides:
            self._give(still)

    def _give(self, still: Still) -> None:
        if still.key not in self._sent and self._send(still.order()):
            self._sent.add(still.key)

    # ------------------------------------------------------------ the plan

    def keyed(self, plan: ChunkPlan) -> ChunkPlan:
        """Return the plan with keys in place of paths, and see that the worker has the pictures."""
        if plan.guides == NO_GUIDES:
            self._left_out = NO_GUIDES
            return plan
        if not self._takes_guides:
            self._say_left_out(plan)
            return msgspec.structs.replace(plan, guides=NO_GUIDES)
        missing = [name for name in _names(plan.guides) if name not in self._stills]
        self._read_late(missing, is_cut=plan.cut is not Cut.NONE)
        guides = with_pictures(_without(plan.guides, missing), self._key)
        return msgspec.structs.replace(plan, guides=guides)

    def _key(self, role: Role, path: str) -> str:
        name = _Name(role, path)
        stamped = self._stills.pop(name)
        self._stills[name] = stamped  # the most recently named
        self._give(stamped[1])
        return stamped[1].key

    def _read_late(self, missing: list[_Name], *, is_cut: bool) -> None:
        """Read what a plan names and nobody announced; what failed is tried again at a cut."""
        known = self._asked if is_cut else self._asked | self._failed.keys()
        fresh = [name for name in missing if name not in known]
        if fresh:
            self._asked.update(fresh)
            text = f"{fresh[0].role.value} {fresh[0].path} is read only now; it comes a little late"
            self._notice(Severity.INFO, "guides", text)
            self._begin(fresh)

    def _say_left_out(self, plan: ChunkPlan) -> None:
        """Say it once a look, although first and last frame are of single chunks."""
        lasting = msgspec.structs.replace(plan.guides, first_frame="", last_frame="")
        before, self._left_out = self._left_out, lasting
        if lasting != before or lasting == NO_GUIDES:
            names = ", ".join(names_of(plan.guides))
            self._notice(Severity.INFO, "guides", f"left out: {names}; {WITHOUT_VACE}")

    def check_taken(self, guides: Guides) -> None:
        """Check that the model takes guides; none are always taken.

        Raises:
            ConfigError: it does not; says which models do.
        """
        if not self._takes_guides and guides != NO_GUIDES:
            raise ConfigError(f"{WITHOUT_VACE}; nothing was changed")


WITHOUT_VACE = (
    "the model takes no masks, reference images or given frames; load one with VACE, whose name "
    f"ends in {VACE_SUFFIX}"
)


def _names(guides: Guides) -> list[_Name]:
    return [_Name(role, path) for role, path in pictures_of(guides)]


def _stamp(path: str) -> tuple[int, int]:
    try:
        found = Path(path).stat()
    except OSError:
        return (0, 0)  # reading it says why
    return found.st_mtime_ns, found.st_size


def _without(guides: Guides, missing: list[_Name]) -> Guides:
    """Return the guides less those whose pictures are not there."""
    gone = {name.path for name in missing}
    mask = guides.mask
    changes: dict[str, Any] = {
        "references": tuple(path for path in guides.references if path not in gone),
        "first_frame": "" if guides.first_frame in gone else guides.first_frame,
        "last_frame": "" if guides.last_frame in gone else guides.last_frame,
        "mask": NO_GUIDES.mask if mask.kind == "image" and mask.image in gone else mask,
    }
    return msgspec.structs.replace(guides, **changes)


def _without_promise(text: str) -> str:
    """A picture that was read ahead was not asked for, so there is nothing to keep as it was."""
    return text.removesuffix("; nothing was changed")

"""What a room has sent, and how far: the numbers, the ring, and what a takeover means for them."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from chat import arrival, frame
from chat.counts import Counts
from chat.entry import Entry, Epoch, EpochEnd, Position
from chat.frame import Frame, Item
from chat.log import Head
from chat.protocol import Gap, Retract
from chat.ring import Ring, Slot


class Feed:
    """Entries in, slots out. Knows no clients."""

    def __init__(self, head: Head, ring: Ring, counts: Counts) -> None:
        self._counts = counts
        self.ring = ring
        self.epoch: Epoch = head.position.epoch
        self.chain: Sequence[EpochEnd] = head.chain
        self.sent = head.position.seq
        """The last number that is in the ring, or was."""

    def publish(self, entries: Sequence[Entry], left_out: Collection[int], now_ms: int) -> None:
        """The next entries, all numbers that there are. `left_out`: not in the public's sample."""
        first, last = self.sent + 1, entries[-1].seq
        staff = [Item(one.seq, one.wire, one.kind == "message") for one in entries]
        public = staff
        if left_out or any(one.staff for one in entries):
            public = [
                Item(one.seq, None if one.staff or one.seq in left_out else item.wire,
                     item.is_message and not one.staff)
                for one, item in zip(entries, staff, strict=True)
            ]  # fmt: skip
        for_staff = frame.batches(self.epoch, first, last, staff)
        for_public = for_staff
        if public is not staff:
            sampled = bool(left_out)
            for_public = frame.batches(self.epoch, first, last, public, sampled=sampled)
        self.sent = last
        self.ring.put(Slot(self.epoch, last, now_ms, for_public, for_staff))

    def take_over(self, head: Head, now_ms: int) -> Retract | None:
        """A new reign over the numbers. Tells what everybody must take back, if anything."""
        before = Position(self.epoch, self.sent)
        self.epoch, self.chain = head.position.epoch, head.chain
        self.sent = min(self.sent, head.position.seq)
        reached, retract = self.rebase(before)
        self.sent = reached.seq
        if retract is not None:
            told = frame.of(retract)
            self.ring.put(Slot(self.epoch, self.sent, now_ms, told, told))
            self._counts.retracts += 1
        return retract

    def rebase(self, position: Position) -> tuple[Position, Retract | None]:
        """A client's position as one of the present epoch, and what it must take back for that."""
        if position.epoch == self.epoch:
            return position, None
        counted = arrival.counted(self.chain, position.epoch)
        valid = min(position.seq, self.sent if counted is None else counted)
        return Position(self.epoch, valid), arrival.taken_back(position, valid, self.epoch)

    def skip_from(self, position: Position) -> Frame:
        """For a client whose place in the ring is lost: what it must know to go on at the end."""
        self._counts.gaps += 1
        reached, retract = self.rebase(position)
        told: list[Retract | Gap] = [] if retract is None else [retract]
        if reached.seq < self.sent:
            told.append(Gap(reached.seq + 1, self.sent))
        return frame.of(*told)

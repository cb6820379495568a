"""An organisation whose money random histories move: production books, sites, lines by hand.

A line is a list of messages; who calls here delivers, loses, repeats and reorders them.
"""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from typing import TYPE_CHECKING

from broker.messages import Ack, Batch, Birth, Command, FundsRequest, Position, ReportedEvents
from broker.stream_outbound import Released
from central.conversation import Conversation
from central.recovering import Complete, Follows, judge
from central.retiring import advance
from central.store import (
    accounts,
    closing,
    closures,
    codes,
    commands,
    courier,
    funds,
    ledger,
    nodes,
    owed,
    parking,
    recovery,
    schedules,
    streams,
    terms,
    writeoff,
)
from central.store.adoption import adopt
from central.store.books import Identity
from central.store.ingest import Ingested
from central.store.intake import take_in
from config.policy.money import Money
from edge.reporting import report
from tests.integration.money_books import AUTHOR, NODES, UNITS, Backup, Packet, Told
from tests.integration.money_site import CENT, Lacking, Site

if TYPE_CHECKING:
    from uuid import UUID

    from central.store.accounts import Rules
    from edge.jobs import JobRecord
    from tests.integration.money_books import Template


class Organisation:
    """One centre, its sites and the lines between them."""

    def __init__(self, template: Template, names: tuple[str, ...] = NODES) -> None:
        template.fresh()
        self.template, self.books, self.clock = template, template.books, template.clock
        ours = self.books.identity
        self.sites = {n: Site(n, self.clock, (ours.node, ours.incarnation)) for n in names}
        self.talks: dict[str, Conversation] = {}
        self.said: dict[str, int] = {}
        self.line: list[Packet] = []
        self.told = Told()
        self.backups: list[Backup] = []
        self.codes: list[tuple[str, str]] = []
        """(node, digits) of each code that was shown."""
        self.wishes: list[tuple[str, UUID]] = []
        for name in names:
            self.meet(name)

    @property
    def linked(self) -> frozenset[str]:
        """The sites that the centre hears."""
        return frozenset(self.talks)

    def seconds(self) -> float:
        """Return a time that only goes on."""
        return self.clock.now.timestamp()

    def wait(self, span: timedelta) -> None:
        """Let time go by."""
        self.clock.now += span

    # ── the line ────────────────────────────────────────────────────────────────────────────

    def cut(self, name: str) -> None:
        """A line breaks, and all that was on it is gone."""
        self.line = [packet for packet in self.line if packet.node != name]
        self.talks.pop(name, None)
        self.sites[name].linked = False

    def meet(self, name: str) -> bool:
        """A site and the centre meet, if both want to."""
        self.cut(name)
        site = self.sites[name]
        birth = site.birth()
        accepted = self._accept(name, birth)
        if accepted is None:
            return False
        with self.books.read() as tx:
            awaited = recovery.awaited(tx, name)
        if awaited:
            self._hand_back(name, birth, accepted)
            accepted = self._accept(name, birth)
            assert accepted is not None
        greeting = Conversation.greet(self.books, name, accepted, birth, self.seconds())
        assert greeting.trouble is None, f"{name}: {greeting.trouble}"
        talk, secret = greeting.conversation, None
        if not accepted.closed:
            with self.books.write() as tx:
                known = courier.contact(tx, name, birth, talk.outbound.acked, self.template.dice)
                terms.met(tx, name, birth)
            assert known is not None
            secret = known.secret
            site.books.codes.keep_key(secret)
        answer = talk.accepted(secret)
        self.talks[name] = talk
        self.said[name] = birth.down["ledger"].seq
        halted = site.met(answer.up, answer.down["ledger"], answer.epoch)
        assert halted is None, f"{name}: {halted}"
        self.tell_accounts(name)
        return True

    def _accept(self, name: str, birth: Birth) -> nodes.Accepted | None:
        with self.books.write() as tx:
            known = nodes.find(tx, name)
            if known is None or known.state == "frozen":
                return None
            accepted = nodes.accept(tx, name, birth)
        return accepted if isinstance(accepted, nodes.Accepted) else None

    def _hand_back(self, name: str, birth: Birth, accepted: nodes.Accepted) -> None:
        """Have a site tell restored books what they have forgotten."""
        with self.books.write() as tx:
            recovery.knew(tx, name, birth.up["ledger"].acked.seq)
        state = accepted.down
        while birth.down["ledger"].seq > state.at.seq:
            args: dict[str, str | int] = {"stream": "ledger", "after": state.at.seq}
            command = Command(
                id=self.sites[name].mint(),
                command="report-applied",
                args=args,
                expires_at=self.clock() + timedelta(minutes=1),
            )
            answer = report(self.sites[name].books, command)
            page = judge(state, ReportedEvents.model_validate(answer.data))
            if isinstance(page, Complete):
                break
            assert isinstance(page, Follows), page
            with self.books.write() as tx:
                state = adopt(tx, state, page.events)
        with self.books.write() as tx:
            recovery.reported(tx, name)

    def tell_accounts(self, name: str) -> None:
        """Let a site know accounts as they are now."""
        with self.books.read() as tx:
            rows = {each.key: accounts.row_of(each) for each in accounts.every(tx)}
        self.sites[name].known.rows = rows

    def talk(self, name: str) -> None:
        """Both ends say what they have not said on this line."""
        if name not in self.talks:
            return
        site = self.sites[name]
        for stream in site.sent:
            if (batch := site.unsent(stream)) is not None:
                self.line.append(Packet(name, up=True, what=batch))
        with self.books.read() as tx:
            state = streams.open_stream(tx, name, site.books.incarnation, "down", "ledger")
            events = streams.envelopes(tx, state.id, self.said[name] + 1, state.at.seq)
        if events:
            self.said[name] = state.at.seq
            self.talks[name].outbound.grown(state.at)
            batch = Batch(
                stream="ledger",
                sender_incarnation=self.books.identity.incarnation,
                receiver_incarnation=site.books.incarnation,
                epoch=self.books.identity.epoch,
                events=tuple(events),
            )
            self.line.append(Packet(name, up=False, what=batch))

    def talk_again(self, name: str) -> None:
        """Both ends begin again behind what the other one has confirmed."""
        if name in self.talks:
            self.sites[name].again()
            self.said[name] = self.talks[name].outbound.acked.seq
            self.talk(name)

    def deliver(self, at: int, *, twice: bool = False) -> None:
        """Let one message arrive; it may stay on the line, to arrive again."""
        packet = self.line[at]
        if not twice:
            del self.line[at]
        if packet.up:
            self._to_centre(packet)
        else:
            self._to_site(packet)

    def converse(self, name: str, rounds: int = 3) -> None:
        """Let a site and the centre say all they have, in order."""
        for _ in range(rounds):
            self.sites[name].tick()
            self.talk(name)
            mine = [packet for packet in self.line if packet.node == name]
            if not mine:
                return
            for packet in mine:
                if packet in self.line:
                    self.deliver(self.line.index(packet))

    def _to_site(self, packet: Packet) -> None:
        site, what = self.sites[packet.node], packet.what
        if isinstance(what, Ack):
            known = site.books.hash_at(what.stream, what.upto)
            if what.upto and known == what.hash and what.epoch == site.epoch:
                site.on_ack(what.stream, Position(seq=what.upto, hash=what.hash))
        elif isinstance(what, Batch):
            ack = site.hear(what).ack
            if ack is not None:
                self.line.append(Packet(packet.node, up=True, what=ack))

    def _to_centre(self, packet: Packet) -> None:
        name, what = packet.node, packet.what
        talk = self.talks.get(name)
        if talk is None:
            return
        if isinstance(what, Ack):
            heard = talk.on_ack(what, self.seconds())
            if isinstance(heard, Released):
                with self.books.write() as tx:
                    streams.acknowledged(tx, talk.down_id, heard.upto)
        elif isinstance(what, FundsRequest):
            with self.books.write() as tx:
                if self.clock.now < what.expires_at:
                    funds.ask(tx, name, what, self.linked)
        else:
            talk.receive(what.stream, what, self.seconds())
            runs = list(talk.runs())
            for (stream, _), done in zip(
                runs, take_in(self.books, [run for _, run in runs], self.linked), strict=True
            ):
                assert isinstance(done, Ingested), done
                ack = talk.committed(stream, done.upto, self.seconds())
                self.line.append(Packet(name, up=False, what=ack))
                if done.frozen is not None:
                    self.cut(name)

    # ── people at sites ─────────────────────────────────────────────────────────────────────

    def release(self, name: str, record: JobRecord, keys: tuple[str, ...], cents: int) -> None:
        """Release a held job; ask for what is lacking, if the centre can be asked."""
        site = self.sites[name]
        unit = UNITS[keys[0]]
        done = site.release(record, keys, unit, cents * CENT)
        if isinstance(done, Lacking) and name in self.talks:
            asked = FundsRequest(
                corr=site.mint(),
                expires_at=self.clock.now + timedelta(seconds=20),
                account=done.amount.account,
                unit=unit,
                micros=done.amount.micros,
                job=record.job,
            )
            self.line.append(Packet(name, up=True, what=asked))

    def settle(self, name: str, record: JobRecord, quarters: int) -> None:
        """A job has come out."""
        site = self.sites[name]
        try:
            site.settle(record, quarters)
        finally:
            if record.job in site.paper:
                self.told.printed[record.job] = site.paper[record.job]

    # ── the centre ──────────────────────────────────────────────────────────────────────────

    def look(self) -> None:
        """Do what the centre does of itself, as its coordinator orders it."""
        with self.books.read() as tx:
            closed = recovery.closed(tx)
        if closed is None:
            with self.books.write() as tx:
                recovery.finish(tx)
            for _ in range(4):
                with self.books.write() as tx:
                    if schedules.step(tx) is None:
                        break
            with self.books.write() as tx:
                closing.sweep(tx, self.linked)
            with self.books.write() as tx:
                owed.collect_from_limitless(tx)
        with self.books.write() as tx:
            parking.park_free(tx, self.linked)
        with self.books.write() as tx:
            some = parking.at_sites(tx, after="", limit=20)
            parking.fetch(tx, parking.misplaced(tx, some, self.linked))
        for name, wish in list(self.wishes):
            with self.books.read() as tx:
                done = codes.outcome(tx, wish)
            if isinstance(done, codes.Issued):
                self.codes.append((name, done.digits))
            if not isinstance(done, codes.Waiting):
                self.wishes.remove((name, wish))

    def awaited(self, name: str) -> bool:
        """Say whether a site has still to tell restored books what they forgot."""
        with self.books.read() as tx:
            return recovery.awaited(tx, name)

    def top_up(self, key: str, micros: int) -> None:
        """Somebody pays in."""
        with self.books.write() as tx:
            done = accounts.top_up(tx, key, Money(micros, UNITS[key]), note="", author=AUTHOR)
        if isinstance(done, ledger.Posted):
            self.told.given[ledger.HOUSE_TOPUP, UNITS[key]] += micros

    def rule_account(self, key: str, rules: Rules) -> None:
        """Change what may be changed of an account."""
        with self.books.write() as tx:
            found = accounts.find(tx, key)
            if found is None or found.state not in {"open", "frozen"}:
                return
            record = accounts.AccountRecord(key, found.unit, rules, found.state)
            assert accounts.store(tx, record) is None
        self.told.floors[key] = min(self.told.floors[key], rules.floor)
        if rules.unlimited:
            self.told.limitless.add(key)

    def code(self, name: str, user: str, tenths: int) -> None:
        """Somebody asks for a courier code."""
        key = f"user:{user}"
        wish = codes.Wish(name, user, key, Money(tenths * 10 * CENT, "EUR"), user)
        with self.books.write() as tx:
            done = codes.issue(tx, wish, self.linked, timedelta(seconds=20))
        if isinstance(done, codes.Issued):
            self.codes.append((name, done.digits))
        elif isinstance(done, codes.Waiting):
            self.wishes.append((name, done.id))

    def write_off(self, name: str) -> None:
        """A site is given up as lost."""
        self.cut(name)
        with self.books.write() as tx:
            writeoff.write_off(tx, name, AUTHOR)
        self.backups.clear()  # restoring an older one would need a person to give it up again

    def retire(self, name: str) -> None:
        """Go on with the end of a site's journal as far as it goes."""
        with self.books.read() as tx:
            active = [each for each in closures.active(tx) if each.node == name]
        for closed in active:
            for _ in range(8):
                self.wait(timedelta(seconds=21))
                step = advance(self.books, closed, self.template.dice, there=name in self.talks)
                if step.command is not None:
                    before = self.sites[name].books.incarnation
                    answer = self.sites[name].obey(step.command)
                    with self.books.write() as tx:
                        commands.answered(tx, name, answer)
                    if self.sites[name].books.incarnation != before:
                        self.cut(name)
                        self.backups.clear()  # as above: older books know no such journal
                elif not step.more:
                    break

    # ── backups ─────────────────────────────────────────────────────────────────────────────

    def back_up(self) -> None:
        """Copy the books."""
        image = self.template.raw().serialize()
        self.backups.append(Backup(image, Counter(self.told.given)))

    def restore(self, backup: Backup | None) -> None:
        """The centre falls and begins anew under a higher epoch.

        Args:
            backup: what it has, without the second log; None: the log brings everything back.
        """
        for name in self.sites:
            self.cut(name)
        epoch = self.books.identity.epoch
        if backup is not None:
            self.template.raw().deserialize(backup.image)
            self.told.given, self.told.forgot = Counter(backup.given), True
            self.wishes = []
        with self.books.write() as tx:
            tx.sql.exec_driver_sql("UPDATE meta SET epoch = ?", (epoch + (backup is None),))
        self._identify(epoch)
        if backup is not None:
            with self.books.write() as tx:
                recovery.begin(tx)
        self._identify(epoch + 1)

    def _identify(self, epoch: int) -> None:
        known = self.books.identity
        self.books.identity = Identity(known.node, known.incarnation, epoch, known.currency)
